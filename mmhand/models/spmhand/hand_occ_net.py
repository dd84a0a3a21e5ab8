"""HandOccNet (Park et al., CVPR 2022)."""

from collections.abc import Sequence

from torch import Tensor

from mmhand.models.estimators.single_hand_mesh_estimator import HandOutputs
from mmhand.registry import MODELS
from mmhand.structures import HandDataSample, HandEstimate

from .mano_mesh_estimator import ManoMeshEstimator
from .soft_argmax_hourglass_head import SoftArgmaxOutput


@MODELS.register_module()
class HandOccNet(ManoMeshEstimator):
    """Occlusion-robust mesh regression by feature injection (methods/spmhand.md#handoccnet).

    Args:
        backbone: config, four stages C2 to C5.
        neck: config of the pyramid with the spatial gate (``OccFPN``).
        injector: config of FIT and SET (``HandInjector``).
        pose_head: config of the 2D head (``SoftArgmaxHourglassHead``).
        encoder: config of the parameter encoder (``ManoEncoder``).
        mano_head: config of ``ManoRegHead``.
        loss_mano: config of its loss.
        loss_silhouette, test_cfg, refine, loss_2d: see :class:`ManoMeshEstimator`.
        data_preprocessor: config; RGB over 255, no mean or deviation.
        init_cfg: mmengine initialisation.
    """

    def __init__(
        self,
        backbone: dict,
        neck: dict,
        injector: dict,
        pose_head: dict,
        mano_head: dict,
        encoder: dict | None = None,
        loss_mano: dict | None = None,
        loss_silhouette: dict | None = None,
        data_preprocessor: dict | None = None,
        test_cfg: dict | None = None,
        init_cfg: dict | None = None,
        refine: dict | None = None,
        loss_2d: dict | None = None,
    ) -> None:
        super().__init__(
            1,
            loss_mano or dict(type='ManoLoss'),
            loss_silhouette,
            data_preprocessor,
            test_cfg,
            init_cfg,
            refine,
            loss_2d,
        )
        self.backbone = MODELS.build(backbone)
        self.neck = MODELS.build(neck)
        self.injector = MODELS.build(injector)
        self.pose_head = MODELS.build(pose_head)
        self.encoder = MODELS.build(encoder or dict(type='ManoEncoder'))
        self.mano_head = MODELS.build(mano_head)
        self.hand_model = self.mano_head.hand_model

    def forward_stages(self, inputs: Tensor) -> tuple[HandEstimate, SoftArgmaxOutput, Tensor]:
        """The hand, its 2D joints, and the encoding (B, C) that it comes from."""
        primary, secondary = self.neck(self.backbone(inputs))
        pose_2d = self.pose_head(self.injector(primary, secondary))
        encoding = self.encoder(pose_2d.heatmaps, pose_2d.feature)
        return self.mano_head(encoding), pose_2d, encoding

    def estimate(
        self, inputs: Tensor, data_samples: Sequence[HandDataSample] | None = None
    ) -> HandOutputs:
        """See :meth:`SingleHandMeshEstimator.estimate`."""
        hand, pose_2d, encoding = self.forward_stages(inputs)
        return self.outputs(inputs, [hand], pose_2d, encoding=encoding)

    def loss(self, inputs: Tensor, data_samples: Sequence[HandDataSample]) -> dict[str, Tensor]:
        """Released losses: parameters, mesh, joints and 2D joints (methods/spmhand.md#losses)."""
        hand, pose_2d, _ = self.forward_stages(inputs)
        joints, valid = self.joints_target(data_samples, inputs)
        return {
            **self.mano_losses([hand], data_samples, inputs),
            **self.pose_head.loss(pose_2d, joints, valid),
        }

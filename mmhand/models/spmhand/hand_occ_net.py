"""HandOccNet (Park et al., CVPR 2022)."""

from collections.abc import Sequence

from torch import Tensor

from mmhand.models.estimators.single_hand_mesh_estimator import (
    MeshEstimate,
    SingleHandMeshEstimator,
)
from mmhand.registry import MODELS
from mmhand.structures import HandDataSample


@MODELS.register_module()
class HandOccNet(SingleHandMeshEstimator):
    """Occlusion-robust mesh regression by feature injection (methods/spmhand.md#handoccnet).

    Args:
        backbone: config, four stages C2 to C5.
        neck: config of the pyramid with the spatial gate (``OccFPN``).
        injector: config of FIT and SET (``HandInjector``).
        pose_head: config of the 2D head (``SoftArgmaxHourglassHead``).
        encoder: config of the parameter encoder (``ManoEncoder``).
        mano_head: config of ``ManoRegHead``.
        loss_mano: config of its loss.
        loss_silhouette, test_cfg: see :class:`SingleHandMeshEstimator`.
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
    ) -> None:
        super().__init__(
            1,
            loss_mano or dict(type='ManoLoss'),
            loss_silhouette,
            data_preprocessor,
            test_cfg,
            init_cfg,
        )
        self.backbone = MODELS.build(backbone)
        self.neck = MODELS.build(neck)
        self.injector = MODELS.build(injector)
        self.pose_head = MODELS.build(pose_head)
        self.encoder = MODELS.build(encoder or dict(type='ManoEncoder'))
        self.mano_head = MODELS.build(mano_head)
        self.hand_model = self.mano_head.hand_model

    def estimate(self, inputs: Tensor) -> MeshEstimate:
        """See :meth:`SingleHandMeshEstimator.estimate`."""
        primary, secondary = self.neck(self.backbone(inputs))
        pose_2d = self.pose_head(self.injector(primary, secondary))
        encoding = self.encoder(pose_2d.heatmaps, pose_2d.feature)
        return MeshEstimate((self.mano_head(encoding),), pose_2d, {}, {'encoding': encoding})

    def loss(self, inputs: Tensor, data_samples: Sequence[HandDataSample]) -> dict[str, Tensor]:
        """Released losses: parameters, mesh, joints and 2D joints (methods/spmhand.md#losses)."""
        estimate = self.estimate(inputs)
        joints = self.joints_target(data_samples, inputs)
        return {
            **self.mano_losses(estimate.stages, data_samples),
            **self.pose_head.loss(estimate.pose_2d, joints),
        }

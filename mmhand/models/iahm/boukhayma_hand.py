"""Boukhayma et al. (CVPR 2019), as the identity-aware release has it (methods/iahm.md#boukhayma)."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from mmhand.models.estimators.model_frame_estimator import ModelFrameEstimator
from mmhand.models.estimators.single_hand_mesh_estimator import HandOutputs
from mmhand.registry import MODELS
from mmhand.structures import HandDataSample, HandEstimate


@MODELS.register_module()
class BoukhaymaHand(ModelFrameEstimator):
    """A ResNet that regresses camera, six pose components and the shape in one linear layer.

    Only mesh losses, no parameters are supervised. The wrist is not turned by pi as in Boukhayma's own
    code, and the camera is not used.

    Args:
        hand_model: config of the hand model; the mean pose and ``num_pca`` components are used.
        backbone: config of :class:`ResNetLogits`; as many features as there are numbers: 3 of the
            camera, 3 of the wrist, ``num_pca``, and the shape.
        num_pca: pose components.
        camera_offset: added to scale and shift of the camera.
        loss: config of :class:`IdentityAwareLoss`.
        data_preprocessor: config; RGB, (x / 255 - 0.5) / 0.5.
        test_cfg, refine: see :class:`ModelFrameEstimator`.
        init_cfg: mmengine initialisation.
    """

    def __init__(
        self,
        hand_model: dict,
        backbone: dict,
        num_pca: int = 6,
        camera_offset: Sequence[float] = (545.0, 128.0, 128.0),
        loss: dict | None = None,
        data_preprocessor: dict | None = None,
        test_cfg: dict | None = None,
        init_cfg: dict | None = None,
        refine: dict | None = None,
    ) -> None:
        super().__init__(
            hand_model,
            num_pca=num_pca,
            flat_hand_mean=False,
            data_preprocessor=data_preprocessor,
            test_cfg=test_cfg,
            init_cfg=init_cfg,
            refine=refine,
        )
        self.sizes = (3, 3 + num_pca, self.hand_model.num_betas)
        self.backbone = MODELS.build({**backbone, 'num_features': sum(self.sizes)})
        self.loss_hand = MODELS.build(loss or dict(type='IdentityAwareLoss'))
        self.register_buffer('camera_offset', torch.tensor(camera_offset), persistent=False)

    def _regress(self, inputs: Tensor) -> tuple[HandEstimate, Tensor]:
        camera, pose, betas = self.backbone(inputs).split(self.sizes, dim=1)
        output = self.hand_model(pose[:, :3], pose[:, 3:], betas)
        hand = HandEstimate(output.joints, vertices=output.vertices, pose=pose, betas=betas)
        return hand, camera + self.camera_offset

    def estimate(
        self, inputs: Tensor, data_samples: Sequence[HandDataSample] | None = None
    ) -> HandOutputs:
        """One stage, and ``camera`` (B, 3): scale and shift, pixels."""
        hand, camera = self._regress(inputs)
        return HandOutputs(hand, (hand,), tensors={'camera': camera})

    def loss(self, inputs: Tensor, data_samples: Sequence[HandDataSample]) -> dict[str, Tensor]:
        """Mesh, normal and edge losses."""
        hand = replace(self._regress(inputs)[0], betas=None)
        return self.loss_hand(hand, self.target(data_samples, inputs), self.hand_model.faces)

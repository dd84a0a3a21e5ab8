"""Silhouette of a posed hand against the mask of the whole hand."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmhand.cameras import crop_intrinsics, resize_affine
from mmhand.registry import MODELS
from mmhand.renderers import soft_silhouette
from mmhand.structures import HAND_MASK_PLANES, HandCamera, HandDataSample, HandEstimate
from mmhand.utils.errors import HandDataError


@MODELS.register_module()
class SilhouetteLoss(nn.Module):
    """Mean squared difference of a differentiable silhouette and the whole-hand mask.

    SPMHand's render loss compares with the sign of a depth buffer, which has no gradient
    (methods/spmhand.md#losses); this one moves the mesh. The mesh is put at the
    annotated wrist and seen through the sample's camera.

    Args:
        loss_weight: of the mean over pixels.
        size: of the silhouette, pixels on a side.
        sigma: its softness, pixels of that size.
        plane: mask of ``gt_sem_seg`` it learns from.
    """

    def __init__(
        self,
        loss_weight: float = 3.0,
        size: int = 64,
        sigma: float = 0.5,
        plane: str = 'right_amodal',
    ) -> None:
        super().__init__()
        self.loss_weight = loss_weight
        self.size = size
        self.sigma = sigma
        self.plane = HAND_MASK_PLANES.index(plane)

    def forward(
        self, estimate: HandEstimate, faces: Tensor, data_samples: Sequence[HandDataSample]
    ) -> Tensor:
        """Scalar loss.

        Args:
            estimate: B hands, metres.
            faces: (F, 3) of the hand model.
            data_samples: B samples with ``root``, ``gt_sem_seg`` and ``camera``.

        Raises:
            HandDataError: a sample lacks one of them.
        """
        cameras = [HandCamera.of(sample.get('camera')) for sample in data_samples]
        for sample, camera in zip(data_samples, cameras, strict=True):
            if 'gt_sem_seg' not in sample or camera is None:
                raise HandDataError(
                    f'sample {sample.get("sample_id", "?")} has no whole-hand mask or camera for '
                    'the silhouette loss'
                )
        vertices = estimate.vertices - estimate.joints[:, :1]
        root = torch.stack([sample.gt_hands.root[0] for sample in data_samples]).to(vertices)
        K = torch.stack([torch.from_numpy(camera.K_crop) for camera in cameras])
        masks = torch.stack([sample.gt_sem_seg.data[self.plane] for sample in data_samples])
        height, width = masks.shape[-2:]
        affine = torch.from_numpy(resize_affine((width, height), (self.size, self.size)))
        K = crop_intrinsics(K.to(vertices), affine.to(vertices))
        target = F.interpolate(
            masks[:, None].to(vertices) / 255.0,
            (self.size, self.size),
            mode='bilinear',
            antialias=True,
        )[:, 0]
        shape = soft_silhouette(
            vertices + root[:, None], faces, K, (self.size, self.size), self.sigma
        )
        return self.loss_weight * F.mse_loss(shape, target)

"""The cameras of a batch of hands."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from mmhand.structures.hand_camera import HandCamera
from mmhand.utils.errors import HandDataError

#: One camera, one for each hand, or intrinsics (3, 3) or (B, 3, 3).
Cameras = HandCamera | Sequence[HandCamera] | np.ndarray | Tensor


def stack_cameras(camera: Cameras, count: int) -> tuple[Tensor, Tensor]:
    """Intrinsics (count, 3, 3) float64 of the current pixels, and (count,) whether they are guessed.

    Raises:
        HandDataError: neither one camera nor one for each hand.
    """
    if isinstance(camera, HandCamera):
        camera = [camera] * count
    if isinstance(camera, (list, tuple)):
        assumed = torch.tensor([c.assumed for c in camera], dtype=torch.bool)
        K = torch.as_tensor(np.stack([c.K_crop for c in camera]) if count else np.empty((0, 3, 3)))
    else:
        K = torch.as_tensor(camera)
        K = K.expand(count, 3, 3) if K.ndim == 2 else K
        assumed = torch.zeros(len(K), dtype=torch.bool)
    if K.shape != (count, 3, 3):
        raise HandDataError(f'fit: cameras of shape {tuple(K.shape)} for {count} hands')
    return K.double().cpu(), assumed

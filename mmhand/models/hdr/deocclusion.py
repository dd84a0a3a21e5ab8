"""Holes, guides and composites of HDR's de-occlusion and removal.

Source: methods/hdr.md#holes-guides-and-composites.
"""

from typing import NamedTuple

import cv2
import torch
import torch.nn.functional as F
from torch import Tensor


class HoleMasks(NamedTuple):
    """Masks {0, 1} of one target hand.

    Attributes:
        deocclude: ``M_D``, the hidden part of the target, to be imagined.
        remove: ``M_R``, the other hand outside the target, to be taken away.
        hand_guide: ``g_D``, the visible part of the target.
        background_guide: ``g_R``, what belongs to neither hand.
    """

    deocclude: Tensor
    remove: Tensor
    hand_guide: Tensor
    background_guide: Tensor


def hole_masks(amodal: Tensor, visible: Tensor, other: Tensor) -> HoleMasks:
    """Masks of the generator from masks of the hands.

    Args:
        amodal: whole target hand, any shape, {0, 1}.
        visible: its visible part.
        other: the other hand, amodal or visible: they agree outside the target for perfect masks.
    """
    outside = 1 - amodal
    return HoleMasks(amodal * (1 - visible), outside * other, visible, outside * (1 - other))


def generator_inputs(image: Tensor, masks: HoleMasks) -> tuple[Tensor, Tensor]:
    """What :class:`PConvUNet` takes.

    Args:
        image: (B, 3, H, W) normalised picture; erased here, so erased pixels are the mean colour.
        masks: masks (B, 1, H, W).

    Returns:
        Image (B, 8, H, W) ``[I_D, g_D, I_R, g_R]`` and mask (B, 8, H, W), 1 known, 0 hole.
    """
    keep_d, keep_r = 1 - masks.deocclude, 1 - masks.remove
    inputs = torch.cat(
        [image * keep_d, masks.hand_guide, image * keep_r, masks.background_guide], 1
    )
    return inputs, torch.cat([keep_d.expand(-1, 4, -1, -1), keep_r.expand(-1, 4, -1, -1)], 1)


def split_inputs(image: Tensor, mask: Tensor) -> tuple[Tensor, HoleMasks]:
    """Inverse of :func:`generator_inputs`: erased picture ``I_D`` and the masks."""
    masks = HoleMasks(1 - mask[:, :1], 1 - mask[:, 4:5], image[:, 3:4], image[:, 7:8])
    return image[:, :3], masks


def dilate(mask: Tensor, size: int = 9) -> Tensor:
    """Dilate (B, 1, H, W) masks {0, 1} by OpenCV's ellipse of a side; 0 or 1 changes nothing."""
    if size <= 1:
        return mask
    ellipse = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    kernel = mask.new_tensor(ellipse)[None, None]
    return (F.conv2d(mask, kernel, padding=size // 2) > 0.5).to(mask.dtype)


def composite(erased: Tensor, masks: HoleMasks, output: Tensor, dilation: int = 9) -> Tensor:
    """Paste the generator's picture into the dilated holes.

    Args:
        erased: (B, 3, H, W) ``I_D``. The removal hole still shows the distractor in it; it is
            covered because the hole is part of the dilated one.
        masks: masks (B, 1, H, W).
        output: (B, 3, H, W) picture of the generator.
        dilation: side of the ellipse that grows the holes.
    """
    hole = dilate(1 - (1 - masks.deocclude) * (1 - masks.remove), dilation)
    return (1 - hole) * erased + hole * output

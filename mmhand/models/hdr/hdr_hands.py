"""Both hands of a batch of pictures on their way through HDR's pipeline."""

from typing import NamedTuple

import torch
from torch import Tensor

from mmhand.structures.sides import SIDES
from mmhand.utils.image_norm import denormalize_images

from .deocclusion import HoleMasks
from .hdr_geometry import PlacedMasks


class RestoredHands(NamedTuple):
    """Hands on their way to the pose estimator; B pictures, 2 hands, right first.

    Attributes:
        seg_logits: (B, 4, 2, h, w) of the segmentor, in its branch order.
        placed: masks in the picture.
        affines: (B, 2, 2, 3) float32, original pixels to the hand's crop, before mirroring.
        boxes: (B, 2, 4) the hands' crops, original pixels.
        present: (B, 2) whether the segmentor found the hand.
        crops: (B, 2, 3, S, S) normalised crops, the left hand's mirrored.
        holes: masks (B, 2, 1, S, S), mirrored alike.
        image: (B, 2, 3, S, S) pictures of the generator.
        restored: (B, 2, 3, S, S) what the pose estimator sees.
    """

    seg_logits: Tensor
    placed: PlacedMasks
    affines: Tensor
    boxes: Tensor
    present: Tensor
    crops: Tensor
    holes: HoleMasks
    image: Tensor
    restored: Tensor


def mirror_left(maps: Tensor) -> Tensor:
    """Maps (B, 2, C, H, W) with the left hand's flipped horizontally."""
    return torch.stack([maps[:, 0], maps[:, 1].flip(-1)], 1)


def mirror_points(points: Tensor, offset: float) -> Tensor:
    """Points (B, 2, J, C) with the left hand's x taken to ``offset - x``."""
    left = points[:, 1]
    mirrored = torch.cat([offset - left[..., :1], left[..., 1:]], -1)
    return torch.stack([points[:, 0], mirrored], 1)


def transform(points: Tensor, affines: Tensor) -> Tensor:
    """Points (B, 2, J, 2) through affines (B, 2, 2, 3)."""
    return points @ affines[..., :2].transpose(-1, -2) + affines[..., None, :, 2]


def pictures_of(hands: RestoredHands) -> dict[str, Tensor]:
    """uint8 RGB crops and restored pictures and their holes on the CPU, left ones mirrored back.

    Returns:
        ``{right,left}_{crop,hole,restored}``, (B, 3, S, S) or (B, 1, S, S).
    """
    hole = 255 * (1 - (1 - hands.holes.deocclude) * (1 - hands.holes.remove))
    maps = dict(
        crop=denormalize_images(hands.crops),
        hole=hole,
        restored=denormalize_images(hands.restored),
    )
    return {
        f'{side}_{name}': picture[:, index]
        for name, value in maps.items()
        for picture in [mirror_left(value).round().clamp(0, 255).to(torch.uint8).cpu()]
        for index, side in enumerate(SIDES)
    }

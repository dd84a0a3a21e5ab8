"""DSF's maps: where each joint lies as seen from the pixels around it."""

import torch
import torch.nn.functional as F
from torch import Tensor

from mmhand.cameras.depth_cube import FOREGROUND
from mmhand.registry import KEYPOINT_CODECS
from mmhand.structures.joint_sets import get_joint_set, joint_indices
from mmhand.utils.arrays import numpy_too
from mmhand.utils.errors import HandDataError


@KEYPOINT_CODECS.register_module()
class PixelOffset:
    """Pixel-wise offsets and closeness to each joint on the surface that a depth crop shows.

    With a joint J and the pixel's own place c = (u, v, d), all crop-normalised, ``r = |J - c|``, a pixel
    nearer than ``kernel`` on the foreground holds the direction ``(J - c) / r`` and the closeness
    ``(kernel - r) / kernel``; all others hold 0. Decoding averages what the pixels say with a softmax of
    ``beta`` times the closeness; background takes part with closeness 0 and its own place. Wan et al.,
    Dense 3D regression for hand pose estimation (CVPR 2018), as DSF uses it; see
    docs/en/methods/dsf.md#maps. Everything is differentiable, in joints, maps and depth.

    Args:
        kernel: reach of a joint, crop-normalised.
        size: S, side of the maps; the depth is thinned to it.
        beta: sharpness of the softmax.
        joint_set: order of the maps' channels; joints come and go in canonical order.
    """

    def __init__(
        self, kernel: float = 0.8, size: int = 64, beta: float = 30.0, joint_set: str = 'dsf21'
    ) -> None:
        self.kernel = kernel
        self.size = size
        self.beta = beta
        self.num_joints = len(get_joint_set(joint_set))
        self._to_maps = list(joint_indices('canonical', joint_set))
        self._from_maps = list(joint_indices(joint_set, 'canonical'))

    def _places(self, depth: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, S, S) place of every pixel and (B, 1, S, S) whether it is foreground."""
        depth = F.interpolate(depth, (self.size, self.size))
        grid = 2 * (torch.arange(self.size, dtype=depth.dtype, device=depth.device) + 0.5)
        grid = grid / self.size - 1
        v, u = torch.meshgrid(grid, grid, indexing='ij')
        uv = torch.stack((u, v)).expand(len(depth), -1, -1, -1)
        return torch.cat((uv, depth), dim=1), (depth < FOREGROUND).to(depth.dtype)

    def encode(self, joints_uvd: Tensor, depth: Tensor) -> Tensor:
        """Maps of joints.

        Args:
            joints_uvd: (B, 21, 3) crop-normalised, canonical order; tensor or array.
            depth: (B, 1, H, W) normalised, 1 is background.

        Returns:
            (B, 84, S, S): three offsets of every joint, then their closeness, in ``joint_set``'s order.
        """
        return self._encode(joints_uvd, depth)

    def decode(self, maps: Tensor, depth: Tensor) -> Tensor:
        """Joints of maps.

        Args:
            maps: (B, 84, S, S).
            depth: (B, 1, H, W) normalised.

        Returns:
            (B, 21, 3) crop-normalised, canonical order.

        Raises:
            HandDataError: maps of another shape.
        """
        return self._decode(maps, depth)

    @numpy_too
    def _encode(self, joints_uvd: Tensor, depth: Tensor) -> Tensor:
        places, seen = self._places(depth)
        joints = joints_uvd[:, self._to_maps, :, None, None]
        offset = joints - places[:, None]
        distance = (offset.square().sum(2) + 1e-8).sqrt()
        closeness = (self.kernel - distance) / self.kernel
        near = (closeness >= 0).to(seen.dtype) * seen
        offsets = near[:, :, None] * offset / distance[:, :, None]
        return torch.cat((offsets.flatten(1, 2), near * closeness), dim=1)

    @numpy_too
    def _decode(self, maps: Tensor, depth: Tensor) -> Tensor:
        shape = (4 * self.num_joints, self.size, self.size)
        if maps.ndim != 4 or maps.shape[1:] != shape:
            raise HandDataError(
                f'offset maps have shape {tuple(maps.shape)}, expected (B, {", ".join(map(str, shape))})'
            )
        places, seen = self._places(depth)
        offsets, closeness = maps.split((3 * self.num_joints, self.num_joints), dim=1)
        offsets = offsets.unflatten(1, (self.num_joints, 3)) * seen[:, :, None]
        closeness = closeness * seen
        weight = (self.beta * closeness).flatten(2).softmax(-1)
        reach = self.kernel - self.kernel * closeness
        said = offsets * reach[:, :, None] + places[:, None]
        joints = (said.flatten(3) * weight[:, :, None]).sum(-1)
        return joints[:, self._from_maps]

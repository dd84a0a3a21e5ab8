"""Targets and decoding of DetNet: heat maps, bone vectors and joint locations."""

from typing import NamedTuple

import numpy as np
import torch
from mmpose.codecs import MSRAHeatmap
from torch import Tensor

from mmhand.registry import KEYPOINT_CODECS
from mmhand.structures import CANONICAL


class DetNetTargets(NamedTuple):
    """Targets of a batch of hands.

    Attributes:
        heatmaps: (B, J, H, W), peak 1.
        delta: (B, J, 3) unit vector from the parent joint, 0 at the root.
        location: (B, J, 3) joints relative to the root in units of the reference bone.
        heatmap_valid: (B, J) 1 where a joint's heat map can be drawn.
        delta_valid: (B, J) 1 where the joint and its parent are known.
        location_valid: (B, J) 1 where the joint is known.
    """

    heatmaps: Tensor
    delta: Tensor
    location: Tensor
    heatmap_valid: Tensor
    delta_valid: Tensor
    location_valid: Tensor


class DetNetPrediction(NamedTuple):
    """Joints read off DetNet's maps.

    Attributes:
        uv: (B, J, 2) int64 (row, column) of each heat map's maximum.
        scores: (B, J) value there.
        keypoints_3d: (B, J, 3) location map there: root-relative, in units of the reference bone.
        delta: (B, J, 3) delta map there.
    """

    uv: Tensor
    scores: Tensor
    keypoints_3d: Tensor
    delta: Tensor


@KEYPOINT_CODECS.register_module()
class DetNetCodec:
    """DetNet's encoding of a right hand in canonical joint order (methods/hdr.md#pose-network).

    Heat maps are mmpose's ``MSRAHeatmap`` drawn at the *truncated* pixel. They are separable and
    depend only on that pixel, so the codec asks mmpose once for the profile of every position and
    encodes whole batches by look-up, on whatever device the joints are.

    Note:
        mmpose's and the release's window starts at an integer truncated towards zero, so the peak
        of a joint within 8 pixels of the left or top border sits one pixel too far inside, and a
        joint up to 9 pixels outside still counts as valid with an (almost) empty map.
        ``exact_border=True`` draws the peak where the joint is and drops joints outside the map.

    Args:
        input_size: side of the square input picture.
        heatmap_size: side of the square maps.
        sigma: standard deviation of the Gaussian, heat-map pixels.
        exact_border: mend the border behaviour above.
        check_reference: drop the locations and deltas of hands whose root or reference joint is
            unknown (the release divides by whatever is there).
    """

    joint_set = CANONICAL
    root = CANONICAL.index('wrist')
    reference = CANONICAL.index('middle1')

    def __init__(
        self,
        input_size: int = 256,
        heatmap_size: int = 64,
        sigma: float = 2.5,
        exact_border: bool = False,
        check_reference: bool = True,
    ) -> None:
        self.input_size = input_size
        self.heatmap_size = heatmap_size
        self.exact_border = exact_border
        self.check_reference = check_reference
        # Beyond four sigma outside the map neither rule draws anything.
        self.margin = int(np.ceil(4 * sigma))
        profiles, drawable = self._profiles(sigma)
        self._profiles_table = torch.from_numpy(profiles)
        self._drawable_table = torch.from_numpy(drawable)
        # The root is its own parent: its bone vector is zero.
        self.parents = [max(parent, self.root) for parent in self.joint_set.parents]

    def _profiles(self, sigma: float) -> tuple[np.ndarray, np.ndarray]:
        """mmpose's Gaussian (P, size) through the peak and its validity (P,) for each position."""
        size, margin = self.heatmap_size, self.margin
        # With a wide map around it no position is near a border.
        around = 4 * margin if self.exact_border else 0
        side = size + 2 * around
        positions = np.arange(-margin, size + margin)
        middle = side // 2
        points = np.stack([positions + around, np.full_like(positions, middle)], -1)
        # mmpose rounds by adding one half and truncating; the release truncates beforehand.
        encoded = MSRAHeatmap((side, side), (side, side), sigma).encode(
            points[None] - 0.5, np.ones((1, len(points)), np.float32)
        )
        profiles = encoded['heatmaps'][:, middle, around : around + size]
        drawable = encoded['keypoint_weights'][0]
        if self.exact_border:
            drawable = ((positions >= 0) & (positions < size)).astype(np.float32)
        return profiles, drawable

    def encode(self, keypoints_2d: Tensor, keypoints_3d: Tensor, valid: Tensor) -> DetNetTargets:
        """Targets of a batch of right hands.

        Args:
            keypoints_2d: (B, 21, 2) pixels (x, y) of the input picture.
            keypoints_3d: (B, 21, 3) joints, camera axes, metres, any origin.
            valid: (B, 21) flags.

        Returns:
            Targets on the joints' device, in their dtype.
        """
        valid = valid.to(keypoints_3d.dtype)
        heatmaps, drawable = self._draw(keypoints_2d)
        seen = valid * drawable
        known = valid
        if self.check_reference:
            known = valid * (valid[:, [self.root]] * valid[:, [self.reference]])
        relative = keypoints_3d - keypoints_3d[:, [self.root]]
        bone = relative[:, [self.reference]].norm(dim=-1, keepdim=True)
        location = relative / (bone + 1e-9)  # the release adds 1e-6 mm
        bones = location - location[:, self.parents]
        delta = bones / (bones.norm(dim=-1, keepdim=True) + 1e-6)
        bones_known = known * known[:, self.parents]
        # What is not known may hold anything, NaN too, and zero times NaN would reach the loss.
        return DetNetTargets(
            heatmaps * seen[..., None, None],
            torch.where(bones_known[..., None] > 0, delta, 0.0),
            torch.where(known[..., None] > 0, location, 0.0),
            seen,
            bones_known,
            known,
        )

    def _draw(self, keypoints_2d: Tensor) -> tuple[Tensor, Tensor]:
        """Heat maps (B, J, H, W) and whether they can be drawn (B, J)."""
        size, margin = self.heatmap_size, self.margin
        scaled = keypoints_2d / self.input_size * size
        pixel = scaled.floor() if self.exact_border else scaled.trunc()
        index = (pixel.nan_to_num(-margin) + margin).clamp(0, size + 2 * margin - 1).long()
        profiles = self._profiles_table.to(keypoints_2d)
        drawable = self._drawable_table.to(keypoints_2d)[index].prod(-1)
        columns, rows = profiles[index[..., 0]], profiles[index[..., 1]]
        return rows[..., :, None] * columns[..., None, :], drawable

    def decode(
        self, heatmaps: Tensor, delta_maps: Tensor, location_maps: Tensor
    ) -> DetNetPrediction:
        """Read joints at the heat maps' maxima.

        Args:
            heatmaps: (B, J, H, W).
            delta_maps: (B, J, 3, H, W).
            location_maps: (B, J, 3, H, W).
        """
        scores, position = heatmaps.flatten(2).max(-1)
        width = heatmaps.shape[-1]
        index = position[..., None, None].expand(-1, -1, 3, 1)
        location, delta = (
            maps.flatten(3).gather(-1, index).squeeze(-1) for maps in (location_maps, delta_maps)
        )
        uv = torch.stack([position // width, position % width], -1)
        return DetNetPrediction(uv, scores, location, delta)

    def to_pixels(self, uv: Tensor) -> Tensor:
        """Input pixels (B, J, 2) as (x, y) of heat-map cells (B, J, 2) as (row, column)."""
        return uv.flip(-1) * (self.input_size / self.heatmap_size)

"""InterNet's targets: a 3D heat-map volume per joint, and the depth between the wrists."""

import torch
from torch import Tensor

from mmhand.registry import KEYPOINT_CODECS
from mmhand.structures import get_joint_set, joint_indices
from mmhand.utils.errors import HandConfigError


@KEYPOINT_CODECS.register_module()
class InterNetVolume:
    """Between hands in a crop and InterNet's volumes (Moon et al. 2020, §4).

    Source: methods/internet.md#volumes.

    A joint's voxel is ``(u / input_w * W, v / input_h * H, (z / (depth_bound / 2) + 1) / 2 * D)``
    with z its depth relative to its own wrist, metres. Targets are Gaussians of full support around
    the unrounded voxel; joints outside the crop or the depth range are not trained on, and a hand
    whose wrist is not annotated is left out whole. Everything is batched torch, so that targets are
    made on the device of the network: a rendered volume is 44 MB per image.

    Args:
        input_size: (width, height) of the network's input, pixels.
        heatmap_size: (W, H, D) of the volumes.
        sigma: of the Gaussian, voxels.
        max_value: of the Gaussian's peak.
        depth_bound: depth range of a volume, metres, half on either side of the wrist.
        root_bins: bins of the left wrist's depth relative to the right.
        root_depth_bound: range of that depth, metres.
        joint_set: joint order of the volumes: ``'interhand21'`` (official, mmpose) or ``'mano21'``
            (what Two-Hand-Shape-Pose pairs its joints with), for each hand, right first.
        refine: ``'none'`` takes the highest voxel (released behaviour); ``'gaussian'`` fits a
            Gaussian through it and its neighbours along each axis, which matters for small volumes.

    Raises:
        HandConfigError: a joint set without the 21 joints, or an unknown refinement.
    """

    def __init__(
        self,
        input_size: tuple[int, int] = (256, 256),
        heatmap_size: tuple[int, int, int] = (64, 64, 64),
        sigma: float = 2.5,
        max_value: float = 255.0,
        depth_bound: float = 0.4,
        root_bins: int = 64,
        root_depth_bound: float = 0.4,
        joint_set: str = 'interhand21',
        refine: str = 'none',
    ) -> None:
        if refine not in ('none', 'gaussian'):
            raise HandConfigError(f'refine is "{refine}", not "none" or "gaussian"')
        if len(get_joint_set(joint_set)) != len(get_joint_set('canonical')):
            raise HandConfigError(f'joint set "{joint_set}" does not hold the 21 joints of a hand')
        self.input_size = tuple(input_size)
        self.heatmap_size = tuple(heatmap_size)
        self.sigma = sigma
        self.max_value = max_value
        self.depth_bound = depth_bound
        self.root_bins = root_bins
        self.root_depth_bound = root_depth_bound
        self.joint_set = joint_set
        self.refine = refine
        self._to_volume = list(joint_indices('canonical', joint_set))
        self._to_canonical = list(joint_indices(joint_set, 'canonical'))
        self._wrist = get_joint_set('canonical').index('wrist')

    @property
    def num_joints(self) -> int:
        """Volumes of both hands."""
        return 2 * len(self._to_volume)

    def encode(
        self, keypoints_2d: Tensor, depth: Tensor, valid: Tensor, interacting: Tensor
    ) -> dict[str, Tensor]:
        """Voxel coordinates and weights of the targets.

        Args:
            keypoints_2d: (B, 2, 21, 2) pixels of the crop, canonical joints, right hand first.
            depth: (B, 2, 21) depth in the camera frame, metres.
            valid: (B, 2, 21) flags.
            interacting: (B,) whether both hands are there.

        Returns:
            ``voxels`` (B, 42, 3) x, y, z in the order of the volumes, finite also where invalid;
            ``weights`` (B, 42); ``root_bin`` (B, 1) and ``root_weight`` (B, 1).
        """
        valid = valid > 0
        wrist_valid = valid[..., self._wrist]
        valid = valid & wrist_valid[..., None]
        wrist_depth = depth[..., self._wrist]
        sizes = keypoints_2d.new_tensor(self.heatmap_size)
        inputs = keypoints_2d.new_tensor(self.input_size)
        xy = keypoints_2d / inputs * sizes[:2]
        z = self._to_bin(depth - wrist_depth[..., None], self.depth_bound, self.heatmap_size[2])
        voxels = torch.cat([xy, z[..., None]], dim=-1)
        valid = valid & ((voxels >= 0) & (voxels < sizes)).all(-1)
        voxels = torch.where(valid[..., None], voxels, torch.zeros_like(voxels))
        root_bin = self._to_bin(
            wrist_depth[:, 1:] - wrist_depth[:, :1], self.root_depth_bound, self.root_bins
        )
        root_valid = wrist_valid.all(1, keepdim=True) & (interacting > 0)[:, None]
        root_valid = root_valid & (root_bin >= 0) & (root_bin < self.root_bins)
        return {
            'voxels': voxels[:, :, self._to_volume].flatten(1, 2),
            'weights': valid[:, :, self._to_volume].flatten(1, 2).to(voxels.dtype),
            'root_bin': torch.where(root_valid, root_bin, torch.zeros_like(root_bin)),
            'root_weight': root_valid.to(voxels.dtype),
        }

    @staticmethod
    def _to_bin(depth: Tensor, bound: float, bins: int) -> Tensor:
        return (depth / (bound / 2) + 1) / 2 * bins

    @staticmethod
    def _from_bin(index: Tensor, bound: float, bins: int) -> Tensor:
        return (index / bins * 2 - 1) * (bound / 2)

    def profiles(self, voxels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """One-dimensional Gaussians whose outer product is the target volume.

        Args:
            voxels: (..., 3) x, y, z.

        Returns:
            (..., W), (..., H) and (..., D); the last one carries the peak value.
        """
        out = []
        for axis, size in enumerate(self.heatmap_size):
            grid = torch.arange(size, dtype=voxels.dtype, device=voxels.device)
            out.append(torch.exp(-0.5 * ((grid - voxels[..., axis, None]) / self.sigma) ** 2))
        return out[0], out[1], out[2] * self.max_value

    def render(self, voxels: Tensor) -> Tensor:
        """Target volumes.

        Args:
            voxels: (B, J, 3) x, y, z.

        Returns:
            (B, J, D, H, W).
        """
        x, y, z = self.profiles(voxels)
        plane = y[..., :, None] * x[..., None, :]
        return z[..., :, None, None] * plane[..., None, :, :]

    def peaks(self, heatmaps: Tensor) -> tuple[Tensor, Tensor]:
        """Highest voxel of every volume, without copying the volumes.

        Args:
            heatmaps: (B, J, D, H, W), contiguous.

        Returns:
            (B, J, 3) x, y, z of the voxels, float32, and (B, J) their values.
        """
        depth, height, width = heatmaps.shape[2:]
        scores, index = heatmaps.flatten(2).max(-1)
        xyz = torch.stack(
            [index % width, index // width % height, index // (width * height)], dim=-1
        )
        if self.refine == 'gaussian':
            return self._refine(heatmaps, xyz, scores), scores
        return xyz.float(), scores

    def _refine(self, heatmaps: Tensor, xyz: Tensor, scores: Tensor) -> Tensor:
        """Vertex of the parabola through the logarithms at a peak and its two neighbours."""
        depth, height, width = heatmaps.shape[2:]
        steps = (1, width, width * height)
        flat = heatmaps.flatten(2)
        index = xyz @ xyz.new_tensor(steps)
        centre = scores.clamp(min=1e-6).log()
        refined = []
        for axis, (step, size) in enumerate(zip(steps, (width, height, depth), strict=True)):
            place = xyz[..., axis]
            inside = (place > 0) & (place < size - 1) & (scores > 0)
            around = [(index + sign * step).clamp(0, flat.shape[-1] - 1) for sign in (-1, 1)]
            left, right = (
                flat.gather(-1, i[..., None])[..., 0].clamp(min=1e-6).log() for i in around
            )
            bend = left - 2 * centre + right
            shift = 0.5 * (left - right) / torch.where(bend < 0, bend, -torch.ones_like(bend))
            refined.append(place + torch.where(inside, shift.clamp(-0.5, 0.5), 0.0))
        return torch.stack(refined, dim=-1).float()

    def decode(self, voxels: Tensor, root_bin: Tensor) -> dict[str, Tensor]:
        """Voxels back to the crop.

        Args:
            voxels: (B, 42, 3) x, y, z in the order of the volumes.
            root_bin: (B, 1).

        Returns:
            ``keypoints_2d`` (B, 2, 21, 2) pixels of the crop, canonical joints; ``depth``
            (B, 2, 21) metres relative to each wrist's depth; ``rel_root_depth`` (B,) metres, left
            wrist minus right.
        """
        per_hand = voxels.unflatten(1, (2, -1))[:, :, self._to_canonical]
        sizes = voxels.new_tensor(self.heatmap_size[:2])
        return {
            'keypoints_2d': per_hand[..., :2] / sizes * voxels.new_tensor(self.input_size),
            'depth': self._from_bin(per_hand[..., 2], self.depth_bound, self.heatmap_size[2]),
            'rel_root_depth': self._from_bin(root_bin[:, 0], self.root_depth_bound, self.root_bins),
        }

    def to_canonical(self, values: Tensor) -> Tensor:
        """(B, 42, ...) in the order of the volumes to (B, 2, 21, ...) canonical."""
        return values.unflatten(1, (2, -1))[:, :, self._to_canonical]

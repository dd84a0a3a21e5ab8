"""InterNet: 3D joints of one or two hands from one picture (Moon et al., ECCV 2020)."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from mmhand.cameras.pinhole import unproject
from mmhand.models.estimators.base_hand_estimator import BaseHandEstimator
from mmhand.registry import MODELS
from mmhand.structures import HandCamera, HandDataSample, get_joint_set, sample_name
from mmhand.utils.errors import HandConfigError, HandDataError

#: Root of the mean squared bone length of adult hands, metres (InterHand2.6M's test subjects).
RMS_BONE_LENGTH = 0.0457


@MODELS.register_module()
class InterNet(BaseHandEstimator):
    """Backbone and :class:`~mmhand.models.heads.InterNetHead`, and the way back to the camera.

    InterNet sees a crop and predicts depths relative to each wrist. Where the wrists are has to
    come from elsewhere: from RootNet's result file or from the annotation, as the data set chooses
    (metainfo ``root_depth``), or from the size of a common hand.

    Args:
        backbone: config, e.g. ``dict(type='mmpose.ResNet', depth=50)``; its last feature is used.
        head: config of the head.
        data_preprocessor: config; RGB in [0, 1] (mean 0, std 255) for the authors' weights,
            ImageNet statistics for mmpose's.
        test_cfg: ``flip_test`` (default ``False``); ``root_depth``: ``'sample'`` (default) reads
            metainfo ``root_depth``, metres, right and left wrist, ``'bone_length'`` takes the depth
            at which the predicted bones are as long as a common adult's; ``rms_bone_length`` that
            length, metres.
        train_cfg: passed to the head's losses.
        init_cfg: weight initialisation.

    Raises:
        HandConfigError: an unknown ``root_depth``.
    """

    def __init__(
        self,
        backbone: dict,
        head: dict,
        data_preprocessor: dict | None = None,
        test_cfg: dict | None = None,
        train_cfg: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(data_preprocessor, train_cfg, test_cfg, init_cfg)
        self.backbone = MODELS.build(backbone)
        self.head = MODELS.build(head)
        source = self.test_cfg.get('root_depth', 'sample')
        if source not in ('sample', 'bone_length'):
            raise HandConfigError(
                f'test_cfg.root_depth of InterNet is "{source}", not "sample" or "bone_length"'
            )
        bones = torch.tensor(get_joint_set('canonical').bones)
        self.register_buffer('bones', bones, persistent=False)

    def tensor(
        self, inputs: Tensor, data_samples: Sequence[HandDataSample] | None = None
    ) -> dict[str, Tensor]:
        """Raw outputs.

        Args:
            inputs: (B, 3, H, W).
            data_samples: not used.

        Returns:
            ``heatmaps`` (B, 42, D, H', W'), right hand first, joint order of the codec;
            ``rel_root_bin`` (B, 1); ``hand_type_logits`` (B, 2).
        """
        heatmaps, root_bin, logits = self.head(self.backbone(inputs))
        return {'heatmaps': heatmaps, 'rel_root_bin': root_bin, 'hand_type_logits': logits}

    def loss(self, inputs: Tensor, data_samples: Sequence[HandDataSample]) -> dict[str, Tensor]:
        """Losses of a batch: see :meth:`InterNetHead.loss`."""
        return self.head.loss(self.backbone(inputs), data_samples, self.train_cfg)

    def predict(self, inputs: Tensor, data_samples: Sequence[HandDataSample]) -> list:
        """Fill ``pred_hands`` with both hands, right first.

        Args:
            inputs: (B, 3, H, W).
            data_samples: with metainfo ``camera``, and ``root_depth`` if that is where the wrists'
                depths come from.

        Returns:
            The samples; ``pred_hands`` holds ``side``, ``keypoints_2d`` crop pixels,
            ``keypoints_3d`` metres in the camera frame, ``keypoint_scores`` heights of the peaks,
            ``handedness_score``, ``root_depth`` the wrist depths used, and ``root``: the right
            wrist, and the left wrist where the *predicted* relative depth puts it (what MRRPE
            compares).

        Raises:
            HandDataError: a sample lacks its camera or ``root_depth``.
        """
        if self.test_cfg.get('flip_test', False):
            feats = [self.backbone(inputs), self.backbone(self.head.mirror_inputs(inputs))]
        else:
            feats = self.backbone(inputs)
        hands = self.head.predict(feats, data_samples, self.test_cfg)
        uv = hands['keypoints_2d']
        intrinsics = torch.stack([torch.as_tensor(_crop_camera(sample)) for sample in data_samples])
        intrinsics = intrinsics.to(uv)[:, None].expand(-1, 2, -1, -1)
        rays = unproject(uv, torch.ones_like(uv[..., 0]), intrinsics)
        root_depth = self._root_depth(data_samples, rays, hands)
        wrist = get_joint_set('canonical').index('wrist')
        # Both wrists from the right wrist's depth: their difference is what the network says.
        from_right = root_depth[:, :1].repeat(1, 2)
        from_right[:, 1] += hands['rel_root_depth']
        root = rays[:, :, wrist] * (hands['depth'][:, :, wrist] + from_right)[..., None]
        return self.attach_hands(
            data_samples,
            {
                'side': torch.arange(2).expand(len(uv), 2),
                'keypoints_2d': uv,
                'keypoints_3d': rays * (hands['depth'] + root_depth[..., None])[..., None],
                'keypoint_scores': hands['keypoint_scores'],
                'handedness_score': hands['handedness_score'],
                'root': root,
                'root_depth': root_depth,
            },
        )

    def _root_depth(
        self, data_samples: Sequence[HandDataSample], rays: Tensor, hands: dict[str, Tensor]
    ) -> Tensor:
        """Depths of both wrists in the camera frame, (B, 2) metres."""
        if self.test_cfg.get('root_depth', 'sample') == 'bone_length':
            rms = self.test_cfg.get('rms_bone_length', RMS_BONE_LENGTH)
            depth = depth_from_bones(rays, hands['depth'], self.bones, rms)
            # A hand that is not there has no size: it goes where the relative depth puts it.
            there = hands['handedness_score'] > 0.5
            other = depth.flip(1) + hands['rel_root_depth'][:, None] * depth.new_tensor([-1, 1])
            return torch.where(there | ~there.any(1, keepdim=True), depth, other).clamp(min=1e-3)
        depths = []
        for sample in data_samples:
            if sample.get('root_depth') is None:
                raise HandDataError(
                    f'sample {sample_name(sample)} has no root_depth (wrist depths, metres): read '
                    'them from a RootNet file, or set model.test_cfg.root_depth="bone_length"'
                )
            depths.append(np.asarray(sample.get('root_depth'), dtype=np.float32))
        depth = torch.as_tensor(np.stack(depths), device=rays.device)
        # One hand's unknown depth is the other's plus the predicted difference.
        other = depth.flip(1) + hands['rel_root_depth'][:, None] * depth.new_tensor([-1, 1])
        return torch.where(torch.isfinite(depth), depth, other)


def depth_from_bones(rays: Tensor, depth: Tensor, bones: Tensor, rms_length: float) -> Tensor:
    """Depth of a hand's root at which its bones have a given size.

    A joint is ``(d + z) r`` with its ray r and relative depth z, so a bone is linear in the root
    depth d and the sum of squared bone lengths is a quadratic in it.

    Args:
        rays: (..., J, 3) points at unit depth.
        depth: (..., J) depths relative to the root, metres.
        bones: (E, 2) joint indices.
        rms_length: root mean square of the bone lengths, metres.

    Returns:
        (...) depth of the root, metres, positive.
    """
    slope = rays[..., bones[:, 1], :] - rays[..., bones[:, 0], :]
    points = rays * depth[..., None]
    offset = points[..., bones[:, 1], :] - points[..., bones[:, 0], :]
    a = slope.square().sum((-1, -2)).clamp(min=1e-12)
    b = (slope * offset).sum((-1, -2))
    c = offset.square().sum((-1, -2)) - len(bones) * rms_length**2
    root = (-b + (b * b - a * c).clamp(min=0).sqrt()) / a
    return root.clamp(min=1e-3)


def _crop_camera(sample: HandDataSample) -> np.ndarray:
    """(3, 3) float32 intrinsics of a sample's crop."""
    camera = HandCamera.of(sample.get('camera'))
    if camera is None:
        raise HandDataError(
            f'sample {sample_name(sample)} has no camera for its crop: set metainfo '
            'camera=HandCamera(K=..., affine=...)'
        )
    return camera.K_crop

"""Two-Hand-Shape-Pose: meshes of two interacting hands from one picture (Zhang et al., ICCV 2021)."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mmhand.models.estimators.base_hand_estimator import BaseHandEstimator
from mmhand.registry import MODELS, TASK_UTILS
from mmhand.structures import (
    HandCamera,
    HandDataSample,
    HandEstimate,
    convert_joints,
    get_joint_set,
    stack_hand_types,
    stack_hands,
)
from mmhand.utils.errors import HandConfigError
from mmhand.utils.freezing import freeze, hold

from .hand_registration import register_hands
from .two_hand_loss import TwoHandTarget
from .two_hand_mesh_head import MM
from .two_hand_placement import mend_fits, place_hands, relative_position
from .volume_summary import VolumeSummary, join_summaries, summarise_bands

_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@MODELS.register_module()
class TwoHandShapePose(BaseHandEstimator):
    """A frozen InterNet, a mesh network that reads its volumes, and a cascade of regressors.

    The heat-map branch is not trained, but runs as it is released: in training its batch normalisation
    uses, and so changes, batch statistics. Its volumes exist a few rows at a time on a processor, one
    hand at a time elsewhere, and are never copied.

    Args:
        heatmap: config of :class:`InterNet`; its codec's ``joint_set`` says in which order its
            volumes are. ``init_cfg=dict(type='Pretrained', checkpoint=...)`` loads its pre-training.
        backbone: config of :class:`~mmhand.models.backbones.MeshResNet`.
        head: config of :class:`~mmhand.models.heads.TwoHandMeshHead`.
        loss: config of :class:`~mmhand.models.losses.TwoHandLoss`.
        joint_set: joint order in which the mesh network reads the volumes: MANO's in the second
            release, manopth's (canonical) in the first. Volumes in another order are re-ordered.
        volume_strides: sub-sampling of the volumes along depth, rows and columns.
        mesh_mean, mesh_std: normalisation of the RGB picture in [0, 1] for the mesh network; the
            heat-map branch takes it as it is.
        frozen_bn: run the heat-map branch in evaluation mode while training (mends the drift of its
            running statistics).
        data_preprocessor: config; RGB in [0, 1].
        test_cfg: ``place``: put the hands before the camera where their joints fall on the peaks of
            the heat maps (default ``True``); else the right middle knuckle is the origin.
        init_cfg: mmengine initialisation.
        refine: config of the fit that places both hands before the camera.

    Raises:
        HandConfigError: ``joint_set`` has not the 21 joints.
    """

    def __init__(
        self,
        heatmap: dict,
        backbone: dict,
        head: dict,
        loss: dict | None = None,
        joint_set: str = 'mano21',
        volume_strides: tuple[int, int, int] = (4, 2, 2),
        mesh_mean: Sequence[float] = _IMAGENET_MEAN,
        mesh_std: Sequence[float] = _IMAGENET_STD,
        frozen_bn: bool = False,
        data_preprocessor: dict | None = None,
        test_cfg: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
        refine: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor, test_cfg=test_cfg, init_cfg=init_cfg)
        self.heatmap = MODELS.build(heatmap)
        freeze(self, ['heatmap'])
        self.backbone = MODELS.build(backbone)
        self.head = MODELS.build(head)
        self.loss_module = MODELS.build(loss or dict(type='TwoHandLoss'))
        if len(get_joint_set(joint_set)) != len(get_joint_set('canonical')):
            raise HandConfigError(f'joint set "{joint_set}" does not hold the 21 joints of a hand')
        self.joint_set = joint_set
        self.refine = TASK_UTILS.build(dict(refine or dict(type='TranslationFit', together=True)))
        self.volume_strides = tuple(volume_strides)
        self.frozen_bn = frozen_bn
        for name, values in (('mesh_mean', mesh_mean), ('mesh_std', mesh_std)):
            self.register_buffer(name, torch.tensor(values).view(-1, 1, 1), persistent=False)

    def train(self, mode: bool = True) -> 'TwoHandShapePose':
        """Set the mode; with ``frozen_bn`` the heat-map branch stays in evaluation mode."""
        super().train(mode)
        hold(self, ['heatmap'], 'eval' if self.frozen_bn else 'train')
        return self

    @property
    def volume_set(self) -> str:
        """Joint order of the heat-map branch."""
        return self.heatmap.head.codec.joint_set

    @torch.no_grad()
    def look(self, inputs: Tensor) -> tuple[VolumeSummary, Tensor]:
        """What the heat-map branch sees.

        Args:
            inputs: (B, 3, H, W) RGB in [0, 1].

        Returns:
            Both hands' summaries (B, 2, ...): maps in the order of ``joint_set``, peaks in canonical
            order; and (B, 2) logits of hand presence.
        """
        feature = self.heatmap.backbone(inputs)[-1]
        head = self.heatmap.head
        summary = join_summaries(
            [
                summarise_bands(head.hand_volume_bands(feature, side), self.volume_strides)
                for side in range(2)
            ]
        )
        maps, peaks = summary.maps, summary.peaks
        if self.volume_set != self.joint_set:
            maps = convert_joints(maps, self.volume_set, self.joint_set, axis=2)
        peaks = convert_joints(peaks, self.volume_set, 'canonical', axis=2)
        logits = head.hand_type_head(head.neck(feature).float())
        return VolumeSummary(maps, peaks, summary.attention), logits

    def estimate(self, inputs: Tensor) -> tuple[list[HandEstimate], Tensor, VolumeSummary, Tensor]:
        """Stages, relative place, what the heat-map branch saw, and its logits of presence."""
        seen, logits = self.look(inputs)
        feats = self.backbone((inputs - self.mesh_mean) / self.mesh_std, seen.maps.flatten(1, 3))
        stages, trans = self.head(feats, seen.peaks, seen.attention)
        return stages, trans, seen, logits

    def tensor(
        self, inputs: Tensor, data_samples: Sequence[HandDataSample] | None = None
    ) -> dict[str, object]:
        """Raw outputs.

        Args:
            inputs: (B, 3, H, W) RGB in [0, 1].
            data_samples: not used.

        Returns:
            ``stages``: dicts with ``vertices`` (B, 2, V, 3), ``joints`` (B, 2, 21, 3) canonical,
            ``rest_joints`` (B, 2, 16, 3) ``mano16``, metres, ``pose`` (B, 2, 48) and ``betas``
            (B, 2, 10); ``trans`` (B, 4); ``peaks`` (B, 2, 21, 3) x, y on the heat maps and height,
            canonical; ``attention`` (B, 2, h, w); ``hand_type_logits`` (B, 2).
        """
        stages, trans, seen, logits = self.estimate(inputs)
        return {
            'stages': [stage.as_dict() for stage in stages],
            'trans': trans,
            'peaks': seen.peaks,
            'attention': seen.attention,
            'hand_type_logits': logits,
        }

    def loss(self, inputs: Tensor, data_samples: Sequence[HandDataSample]) -> dict[str, Tensor]:
        """The six losses, see :class:`~mmhand.models.losses.TwoHandLoss`."""
        stages, trans, _, _ = self.estimate(inputs)
        return self.loss_module(stages, trans, self.target(data_samples, inputs.device))

    def target(self, data_samples: Sequence[HandDataSample], device: torch.device) -> TwoHandTarget:
        """Annotations of a batch.

        Args:
            data_samples: with ``gt_hands`` (``keypoints_3d``, ``keypoint_valid``, ``betas``,
                ``mano_valid``) and ``hand_type``.
            device: of the result.

        Raises:
            HandDataError: a sample lacks a field.
        """
        names = ('keypoints_3d', 'keypoint_valid', 'betas', 'mano_valid')
        hands = stack_hands(data_samples, names)
        hands = {name: value.to(device).float() for name, value in hands.items()}
        present, _ = stack_hand_types(data_samples, device)
        return TwoHandTarget(
            hands['keypoints_3d'],
            hands['keypoint_valid'],
            present,
            hands['betas'],
            hands['mano_valid'],
        )

    def predict(
        self, inputs: Tensor, data_samples: Sequence[HandDataSample]
    ) -> list[HandDataSample]:
        """Fill ``pred_hands`` with both hands, right first, in one frame.

        Args:
            inputs: (B, 3, H, W) RGB in [0, 1].
            data_samples: those with metainfo ``camera`` are placed before the camera.

        Returns:
            The samples; ``pred_hands`` holds ``side``, ``pose``, ``betas``, ``keypoints_3d`` and
            ``vertices``, metres, in their relative position; ``root`` the wrists; ``keypoints_2d`` the
            joints through the weak-perspective fit, crop pixels; ``weak_perspective`` (2, 3) that
            fit of ``keypoints_3d`` less its middle knuckle: pixels of the crop per metre and shift,
            of a hand whose peaks are noise from the other's (see :func:`.mend_fits`);
            ``keypoint_scores`` heights of the peaks; ``handedness_score``; ``present``, always true.
        """
        stages, trans, seen, logits = self.estimate(inputs)
        final = stages[-1]
        stride = inputs.shape[-1] / seen.attention.shape[-1]
        camera = register_hands(MM * final.joints, seen.peaks)
        placed = place_hands(
            final.joints,
            final.rest_joints,
            trans,
            seen.peaks,
            stride,
            self._cameras(data_samples),
            self.refine,
        )
        shift, knuckle = placed.translation[:, :, None], placed.knuckle[:, :, None]
        joints = final.joints + shift
        # The fit in crop pixels and metres, about the knuckle.
        scale, centre = mend_fits(
            camera.scale * MM * stride,
            camera.project(MM * knuckle)[:, :, 0] * stride,
            relative_position(trans, final.rest_joints),
        )
        keypoints_2d = (
            scale[..., None, None] * (final.joints - knuckle)[..., :2] + centre[:, :, None]
        )
        fields = {
            'side': torch.arange(2, device=inputs.device).expand(len(inputs), 2),
            'keypoints_3d': joints,
            'keypoints_2d': keypoints_2d,
            'keypoint_scores': seen.peaks[..., 2],
            'vertices': final.vertices + shift,
            'root': joints[:, :, 0],
            'pose': final.pose,
            'betas': final.betas,
            'weak_perspective': torch.cat((scale[..., None], centre), dim=-1),
            'handedness_score': logits.sigmoid(),
            # The method is for crops of two hands and shows both, whatever the branch thinks.
            'present': torch.ones_like(logits, dtype=torch.bool),
        }
        return self.attach_hands(data_samples, fields)

    def _cameras(self, data_samples: Sequence[HandDataSample]) -> list[HandCamera | None]:
        """Cameras of the crops, where they are known and wanted."""
        if not self.test_cfg.get('place', True):
            return [None] * len(data_samples)
        return [HandCamera.of(sample.get('camera')) for sample in data_samples]

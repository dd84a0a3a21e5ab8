"""CMR: camera-space hand mesh recovery via semantic aggregation (Chen et al., CVPR 2021)."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from mmengine.logging import print_log
from torch import Tensor

from mmhand.codecs import CMRHeatmap
from mmhand.fitting import mask_silhouette, register_root
from mmhand.models.estimators.model_frame_estimator import ModelFrameEstimator
from mmhand.models.losses import RELEASE_UNIT
from mmhand.registry import KEYPOINT_CODECS, MODELS
from mmhand.structures import HAND_MASK_PLANES, HandDataSample, HandEstimate

from .cmr_hierarchy import hierarchy_for
from .cmr_trunk import CMRMaps, CMRTrunk, get_variant
from .spiral_mesh_decoder import SpiralMeshDecoder


@dataclass(frozen=True, eq=False)
class CMROutput:
    """Everything the network computes; meshes in metres, finest first."""

    maps: CMRMaps
    meshes: list[Tensor]
    attention: Tensor | None


@MODELS.register_module()
class CMR(ModelFrameEstimator):
    """Heat maps and masks stage by stage, then a mesh from coarse to fine; no hand parameters.

    ``pg_pp`` (pure pose, of the identity-aware release), ``pg``, ``sg`` and ``g`` (of HandMesh) differ
    in what the stages see, ``pose2d`` ends at the heat maps. See methods/cmr.md#variants.

    A prediction is put at the annotated wrist where there is one, else registered to the heat maps and,
    where the variant has one, to the mask's outline (:func:`mmhand.fitting.register_root`).

    Args:
        hand_model: config of the right hand whose topology and joints the mesh has.
        variant: which of the family.
        backbone: settings of all ResNets: ``depth``, ``base_channels`` (also the heat-map decoders')
            and ``init_cfg``.
        num_features: length of the image feature.
        mesh_channels: of the mesh decoder's blocks, finest level first.
        attention: overrides the variant's.
        hierarchy: file of the mesh hierarchy, see :func:`.cmr_hierarchy.hierarchy_for`.
        codec: config of :class:`mmhand.codecs.CMRHeatmap`.
        loss: config of :class:`CMRLoss`.
        data_preprocessor: config; RGB, (x / 255 - 0.5) / 0.5.
        test_cfg: ``root``: ``'sample'`` (the annotated wrist where a sample has one, else
            ``'registration'``), ``'registration'`` always, or ``'crop'`` (by the size in the crop);
            ``crop_ratio``: see :class:`ModelFrameEstimator`.
        init_cfg: mmengine initialisation.

    Raises:
        HandConfigError: unknown variant or ``root``, or a hierarchy of another topology.
    """

    ROOTS = ('sample', 'registration', 'crop')

    def __init__(
        self,
        hand_model: dict,
        variant: str = 'pg_pp',
        backbone: dict | None = None,
        num_features: int = 1000,
        mesh_channels: Sequence[int] = (64, 128, 256, 512),
        attention: bool | None = None,
        hierarchy: str | None = None,
        codec: dict | None = None,
        loss: dict | None = None,
        data_preprocessor: dict | None = None,
        test_cfg: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        chosen = get_variant(variant)
        super().__init__(
            hand_model,
            flat_hand_mean=False,
            data_preprocessor=data_preprocessor,
            test_cfg=test_cfg,
            init_cfg=init_cfg,
        )
        self.variant = variant
        self.trunk = CMRTrunk(chosen, num_features, **(backbone or {}))
        self.decoder = None
        if chosen.mesh:
            self.hierarchy = hierarchy_for(self.hand_model, hierarchy)
            with_attention = chosen.attention if attention is None else attention
            self.decoder = SpiralMeshDecoder(
                self.hierarchy, num_features, mesh_channels, with_attention
            )
        self.codec: CMRHeatmap = KEYPOINT_CODECS.build(codec or dict(type='CMRHeatmap'))
        self.loss_hand = MODELS.build(loss or dict(type='CMRLoss'))

    def run(self, inputs: Tensor) -> CMROutput:
        """(B, 3, H, W) normalised RGB to everything the network computes."""
        maps = self.trunk(inputs)
        if self.decoder is None:
            return CMROutput(maps, [], None)
        attention, meshes = self.decoder(maps.feature)
        return CMROutput(maps, [RELEASE_UNIT * mesh for mesh in meshes], attention)

    def hand(
        self, inputs: Tensor, data_samples: Sequence[HandDataSample] | None = None
    ) -> HandEstimate:
        """See :class:`ModelFrameEstimator`; ``pixels`` are the heat maps' highest cells."""
        return self._hand(self.run(inputs), inputs)

    def _hand(self, output: CMROutput, inputs: Tensor) -> HandEstimate:
        peaks = self.codec.decode(output.maps.heatmaps[-1])
        size = peaks.new_tensor([0.0, 0.0, inputs.shape[-1], inputs.shape[-2]])
        pixels = self.codec.to_picture(peaks, size.expand(len(peaks), 4))
        vertices = output.meshes[0] if output.meshes else None
        joints = None if vertices is None else self.hand_model.regress_joints(vertices)
        return HandEstimate(joints, vertices, pixels=pixels, pixel_scores=peaks[..., 2])

    def tensor(
        self, inputs: Tensor, data_samples: Sequence[HandDataSample] | None = None
    ) -> dict[str, object]:
        """Raw tensors, metres.

        ``heatmaps``, ``prior_heatmaps``, ``masks`` and ``feature``; with a mesh also ``meshes``,
        ``vertices``, ``joints`` and ``attention``.
        """
        output = self.run(inputs)
        maps = output.maps
        out: dict[str, object] = {
            'heatmaps': maps.heatmaps[-1],
            'prior_heatmaps': maps.heatmaps[:-1],
            'masks': maps.masks,
            'feature': maps.feature,
        }
        if output.meshes:
            vertices = output.meshes[0]
            out |= {
                'meshes': output.meshes,
                'vertices': vertices,
                'joints': self.hand_model.regress_joints(vertices),
                'attention': output.attention,
            }
        return out

    def loss(self, inputs: Tensor, data_samples: Sequence[HandDataSample]) -> dict[str, Tensor]:
        """Losses of all stages and levels; of masks only where all samples have one."""
        output = self.run(inputs)
        pixels = self._stack(data_samples, 'keypoints_2d', inputs)
        valid = None
        if all('keypoint_valid' in sample.gt_hands for sample in data_samples):
            valid = self._stack(data_samples, 'keypoint_valid', inputs)
        losses = self.loss_hand.heatmap_losses(
            output.maps.heatmaps, self.codec.encode(pixels), valid
        )
        if output.maps.masks:
            target = self._mask_target(data_samples, output.maps.masks[-1])
            if target is not None:
                losses |= self.loss_hand.mask_losses(output.maps.masks, target)
        if output.meshes:
            levels = self.hierarchy.select(self.mesh_target(data_samples, inputs))
            losses |= self.loss_hand.mesh_losses(
                output.meshes, levels[: len(output.meshes)], self.hand_model.faces
            )
        return losses

    def _mask_target(self, data_samples: Sequence[HandDataSample], like: Tensor) -> Tensor | None:
        """(B, h, w) in [0, 1]: the visible hand, resized as the heat maps are."""
        if not all('gt_sem_seg' in sample for sample in data_samples):
            print_log('samples without masks: the mask is not learned', logger='current')
            return None
        plane = HAND_MASK_PLANES.index('right_visible')
        masks = torch.stack([sample.gt_sem_seg.data[plane] for sample in data_samples]).to(like)
        return F.interpolate(masks[:, None] / 255, like.shape[-2:], mode='bilinear')[:, 0]

    def predict(
        self, inputs: Tensor, data_samples: Sequence[HandDataSample]
    ) -> list[HandDataSample]:
        """Fill ``pred_hands``, one right hand per sample, in the frame of its annotations.

        ``keypoints_2d`` are the heat maps' peaks in pixels of the input and ``keypoint_scores`` their
        heights. ``visible_mask`` (h, w) uint8 where the variant has one.
        """
        output = self.run(inputs)
        hand = self._hand(output, inputs)
        fields = {
            'side': torch.zeros(len(inputs), dtype=torch.int64),
            'keypoints_2d': hand.pixels,
            'keypoint_scores': hand.pixel_scores,
        }
        if output.maps.masks:
            fields['visible_mask'] = (255 * output.maps.masks[-1]).round().to(torch.uint8)
        if hand.vertices is not None:
            transl = self._translations(hand, output, inputs, data_samples)
            fields |= {
                'keypoints_3d': hand.joints + transl[:, None],
                'vertices': hand.vertices + transl[:, None],
                'root': hand.joints[:, 0] + transl,
                'transl': transl,
            }
        fields = {name: value.unsqueeze(1) for name, value in fields.items()}
        return self.attach_hands(data_samples, fields)

    def _translations(
        self,
        hand: HandEstimate,
        output: CMROutput,
        inputs: Tensor,
        data_samples: Sequence[HandDataSample],
    ) -> Tensor:
        """(B, 3) from the mesh's own frame to the sample's; the hand's size where nothing else helps."""
        origin = hand.joints[:, 0]
        transl = self._roots(hand.joints - origin[:, None], inputs, data_samples) - origin
        if self.root_source == 'crop':
            return transl
        for row, sample in enumerate(data_samples):
            annotated = 'gt_hands' in sample and 'root' in sample.gt_hands
            known = 'K_crop' in (sample.get('camera') or {})
            if not known or (annotated and self.root_source == 'sample'):
                continue
            outline = None
            if output.maps.masks:
                outline = mask_silhouette(output.maps.masks[-1][row], inputs.shape[-1])
            found = register_root(
                hand.vertices[row],
                hand.joints[row],
                hand.pixels[row],
                hand.pixel_scores[row],
                torch.as_tensor(sample.camera['K_crop']),
                outline,
                inputs.shape[-1],
            )
            if torch.isfinite(found).all():
                transl[row] = found.to(transl)
        return transl

"""CMR: camera-space hand mesh recovery via semantic aggregation (Chen et al., CVPR 2021)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from mmengine.logging import print_log
from torch import Tensor

from mmhand.codecs import CMRHeatmap
from mmhand.models.estimators.model_frame_estimator import ModelFrameEstimator
from mmhand.models.estimators.single_hand_mesh_estimator import HandOutputs
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
            ``crop_ratio`` and ``refine``: see :class:`ModelFrameEstimator`.
        init_cfg: mmengine initialisation.

    Raises:
        HandConfigError: unknown variant or ``root``, or a hierarchy of another topology.
    """

    ROOTS: ClassVar[dict[str, dict]] = {
        'registration': dict(type='OutlineRegistration'),
        'crop': dict(type='BoxPlacement'),
    }

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
        refine: dict | None = None,
    ) -> None:
        chosen = get_variant(variant)
        super().__init__(
            hand_model,
            flat_hand_mean=False,
            data_preprocessor=data_preprocessor,
            test_cfg=test_cfg,
            init_cfg=init_cfg,
            refine=refine,
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

    def estimate(
        self, inputs: Tensor, data_samples: Sequence[HandDataSample] | None = None
    ) -> HandOutputs:
        """The finest mesh; ``pixels`` are the heat maps' highest cells.

        Raw tensors: ``heatmaps``, ``prior_heatmaps``, ``masks`` and ``feature``; with a mesh also
        ``meshes``, ``vertices``, ``joints`` and ``attention``. ``visible`` is the last of the masks.
        """
        output = self.run(inputs)
        maps = output.maps
        peaks = self.codec.decode(maps.heatmaps[-1])
        size = peaks.new_tensor([0.0, 0.0, inputs.shape[-1], inputs.shape[-2]])
        pixels = self.codec.to_picture(peaks, size.expand(peaks.shape[0], 4))
        tensors: dict[str, object] = {
            'heatmaps': maps.heatmaps[-1],
            'prior_heatmaps': maps.heatmaps[:-1],
            'masks': maps.masks,
            'feature': maps.feature,
        }
        vertices = joints = None
        if output.meshes:
            vertices = output.meshes[0]
            joints = self.hand_model.regress_joints(vertices)
            tensors |= {
                'meshes': output.meshes,
                'vertices': vertices,
                'joints': joints,
                'attention': output.attention,
            }
        return HandOutputs(
            HandEstimate(joints, vertices, pixels=pixels, pixel_scores=peaks[..., 2]),
            masks={'visible': maps.masks[-1]} if maps.masks else {},
            tensors=tensors,
        )

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

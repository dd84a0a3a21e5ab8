"""The picture's way through CMR's stages, and how its variants differ."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmhand.registry import MODELS
from mmhand.structures import CANONICAL
from mmhand.utils.errors import HandConfigError

from .heatmap_decoder import HeatmapDecoder
from .relations import finger_relations, tip_relations


@dataclass(frozen=True)
class CMRVariant:
    """One of the family (methods/cmr.md#variants).

    Attributes:
        stages: maps that each stage before the last estimates: ``'mask'`` or ``'pose'``.
        mask: whether the last stage estimates the hand's mask besides the joints.
        base: stage whose half-size map the last stage gets, 0 the first.
        relations: what the last stage gets besides heat maps.
        mesh: whether there is a mesh decoder.
        attention: whether the mesh decoder starts with attention.
    """

    stages: tuple[str, ...]
    mask: bool = False
    base: int = 0
    relations: Callable[[Tensor], Tensor] = tip_relations
    mesh: bool = True
    attention: bool = True


VARIANTS = {
    'pg_pp': CMRVariant(('pose', 'pose')),
    'pose2d': CMRVariant(('pose', 'pose'), mesh=False),
    'pg': CMRVariant(('pose', 'pose'), mask=True),
    'sg': CMRVariant(('mask', 'pose'), mask=True, base=1),
    'g': CMRVariant(('pose',), mask=True, relations=finger_relations, attention=False),
}


def get_variant(name: str) -> CMRVariant:
    """Look a variant up.

    Raises:
        HandConfigError: no such one.
    """
    if name not in VARIANTS:
        raise HandConfigError(f'unknown CMR variant "{name}"; known: {", ".join(VARIANTS)}')
    return VARIANTS[name]


@dataclass(frozen=True, eq=False)
class CMRMaps:
    """What the stages see.

    Attributes:
        heatmaps: (B, 21, h, w) of every stage that has them, last is final, in [0, 1].
        masks: (B, h, w) likewise.
        feature: (B, C) for the mesh decoder.
    """

    heatmaps: list[Tensor]
    masks: list[Tensor]
    feature: Tensor


class CMRTrunk(BaseModule):
    """Two or three ResNets, each with a decoder to heat maps that the next one sees.

    Args:
        variant: which of the family.
        num_features: length of the feature.
        depth: of the ResNets.
        base_channels: width of the ResNets and their decoders.
        init_cfg: of each ResNet.
    """

    def __init__(
        self,
        variant: CMRVariant,
        num_features: int = 1000,
        depth: int = 18,
        base_channels: int = 64,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__()
        self.variant = variant
        joints = len(CANONICAL)
        settings: dict = dict(depth=depth, base_channels=base_channels, stem_channels=base_channels)
        if init_cfg is not None:
            settings['init_cfg'] = init_cfg
        counts = [joints if kind == 'pose' else 1 for kind in variant.stages]
        backbones: list[nn.Module] = [MODELS.build(dict(type='mmhand.StemResNet', **settings))]
        extra = [*counts[:-1], joints + variant.relations(torch.zeros(1, joints, 1, 1)).shape[1]]
        for place, more in enumerate(extra):
            last = place == len(extra) - 1
            backbones.append(
                MODELS.build(
                    dict(
                        type='mmhand.ReducedResNet',
                        in_channels=base_channels + more,
                        num_features=num_features,
                        use_feature=last and variant.mesh,
                        **settings,
                    )
                )
            )
        self.backbones = nn.ModuleList(backbones)
        widths = [getattr(backbones[0], f'layer{k}')[-1].out_channels for k in (1, 2, 3, 4)]
        self.decoders = nn.ModuleList(
            HeatmapDecoder(widths, count, base_channels)
            for count in (*counts, joints + variant.mask)
        )

    def forward(self, inputs: Tensor) -> CMRMaps:
        """(B, 3, H, W) normalised RGB to maps and feature."""
        heatmaps: list[Tensor] = []
        masks: list[Tensor] = []
        bases: list[Tensor] = []
        x = inputs
        last = len(self.backbones) - 1
        for stage, (backbone, decoder) in enumerate(
            zip(self.backbones, self.decoders, strict=True)
        ):
            base, levels = backbone(x)
            bases.append(base)
            maps = decoder(levels)
            kind = self.variant.stages[stage] if stage < last else 'last'
            if kind == 'mask':
                masks.append(maps[:, 0])
            else:
                heatmaps.append(maps[:, : len(CANONICAL)])
            if stage == last:
                break
            if stage == last - 1:
                pose = heatmaps[-1]
                x = torch.cat((bases[self.variant.base], pose, self.variant.relations(pose)), 1)
            else:
                x = torch.cat((bases[0], maps), 1)
        if self.variant.mask:
            masks.append(maps[:, -1])
        return CMRMaps(heatmaps, masks, backbone.feature(levels[-1]))

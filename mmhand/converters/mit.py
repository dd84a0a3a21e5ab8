"""ImageNet weights of SegFormer's Mix Transformers, in the authors' or mmsegmentation's form."""

import re
from collections.abc import Mapping

from torch import Tensor

from .base import ConversionMethod, KeyTable, register_method
from .config_model import config_model
from .pvt import convert_pvt_block

#: Start of the projection of a stage in any of the layouts.
_STAGE = r'(?:backbone\.)?(?:patch_embed(\d)\.proj|layers\.(\d)\.0\.projection)\.weight'
_BLOCK = r'(?:backbone\.)?(?:block(\d)|layers\.(\d)\.1)\.(\d+)\.norm1\.weight'


def mix_transformer(state: Mapping[str, Tensor]) -> dict:
    """Config of the Mix Transformer that a state dict belongs to, read off its shapes.

    Args:
        state: weights in the authors' form (``patch_embed1...``) or mmsegmentation's
            (``layers.0...``), with or without ``backbone.``.
    """
    widths: dict[int, int] = {}
    depths: dict[int, int] = {}
    for key, value in state.items():
        if match := re.fullmatch(_STAGE, key):
            widths[_stage(match)] = value.shape[0]
        elif match := re.fullmatch(_BLOCK, key):
            depths[_stage(match)] = depths.get(_stage(match), 0) + 1
    stages = sorted(widths)
    # Nothing in the weights names the heads; every published size has 32 or 64 channels a head.
    embed = widths[stages[0]] if stages else 64
    return dict(
        type='mmseg.MixVisionTransformer',
        embed_dims=embed,
        num_stages=4,
        num_layers=[depths.get(stage, 1) for stage in range(4)],
        num_heads=[widths.get(stage, embed) // embed for stage in range(4)],
    )


def _stage(match: re.Match) -> int:
    return int(match.group(1)) - 1 if match.group(1) else int(match.group(2))


def segmentor(state: Mapping[str, Tensor]) -> dict:
    """Config of the :class:`HandAmodalSegmentor` that a backbone belongs to."""
    backbone = mix_transformer(state)
    widths = [backbone['embed_dims'] * heads for heads in backbone['num_heads']]
    head = dict(in_channels=widths)
    return config_model('hdr_hasm_mitb5_interhand', backbone=backbone, decode_head=head)


def _convert(table: KeyTable) -> None:
    for match in table.find(r'block(\d)\.(\d+)\.norm1\.weight'):
        stage, block = match.groups()
        convert_pvt_block(
            table, f'block{stage}.{block}.', f'backbone.layers.{int(stage) - 1}.1.{block}.'
        )


def _previous(pattern: str) -> tuple:
    """Rename rule ``prefix{N}rest`` -> ``backbone.layers.{N - 1}...``."""
    source, target = pattern.split(' -> ')
    return source, lambda match: target.format(int(match.group(1)) - 1, match.group(2))


register_method(
    ConversionMethod(
        'mit',
        "SegFormer mit_b0 ... mit_b5, ImageNet, authors' or mmsegmentation's file",
        model=segmentor,
        convert=_convert,
        rename=(
            _previous(r'patch_embed(\d)\.proj\.(.*) -> backbone.layers.{}.0.projection.{}'),
            _previous(r'patch_embed(\d)\.norm\.(.*) -> backbone.layers.{}.0.norm.{}'),
            _previous(r'norm(\d)\.(.*) -> backbone.layers.{}.2.{}'),
            (r'(?:backbone\.)?(layers\..*)', r'backbone.\1'),
        ),
        drop=((r'head\..*', 'ImageNet classifier'),),
        prefixes=('backbone.',),
    )
)

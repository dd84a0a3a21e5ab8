"""CMR: the pure-pose and 2D networks of the identity-aware release, and HandMesh's three."""

import re
from collections.abc import Mapping

from torch import Tensor

from mmhand.utils.errors import HandDataError

from .base import ConversionMethod, register_method

#: The authors' names of each variant's decoders, stage by stage; ``_delayer`` and ``_head`` follow.
_DECODERS = {
    'pg_pp': ('uv_prior', 'uv', 'uvm'),
    'pose2d': ('uv_prior', 'uv', 'uvm'),
    'pg': ('uv_prior', 'uv', 'uvm'),
    'sg': ('mask', 'uv', 'uvm'),
}

_SPIRALS = {'conv': 'whole', 'conv_2d3': 'two_thirds', 'conv_d3': 'third', 'conv1': 'center'}

_ATTENTION = (r'attention\.(query|key|value)_conv\.(.*)', r'decoder.attention.\1.\2')

_MESH = (
    (r'attention\.gamma', 'decoder.attention.gamma'),
    _ATTENTION,
    (r'de_layers\.0\.(.*)', r'decoder.lift.\1'),
    (
        r'de_layers\.(\d)\.(\w+)\.layer\.(.*)',
        lambda m: f'decoder.blocks.{int(m[1]) - 1}.{_SPIRALS[m[2]]}.layer.{m[3]}',
    ),
    (r'heads\.(\d)\.layer\.(.*)', r'decoder.heads.\1.layer.\2'),
)

_CONFIDENCE = (r'conf_branch\..*', 'a confidence branch that the release never builds')

_DEPTHS = {('conv2', 2): 18, ('conv2', 6): 34, ('conv3', 6): 50}


def _model(variant: str, prefix: str) -> object:
    """Function from the authors' weights to our network's config."""

    def config(state: Mapping[str, Tensor]) -> dict:
        # Not at the top: the table of methods is read without building hands.
        from mmhand.hand_models.synthetic_mano import synthetic_mano

        blocks = {
            match[1]
            for key in state
            if (match := re.fullmatch(rf'{prefix}\.layer3\.(\d+)\.conv1\.weight', key))
        }
        conv = 'conv3' if f'{prefix}.layer1.0.conv3.weight' in state else 'conv2'
        if (conv, len(blocks)) not in _DEPTHS:
            raise HandDataError(
                f'the checkpoint holds no ResNet of a known depth under "{prefix}"; it is incomplete '
                'or from another network'
            )
        return dict(
            type='CMR',
            variant=variant,
            backbone=dict(depth=_DEPTHS[conv, len(blocks)]),
            attention='attention.gamma' in state,
            # Any mesh of MANO's size: the hierarchy is not among the weights.
            hand_model=dict(type='MANO', data=synthetic_mano()),
            hierarchy=str(_template()),
        )

    return config


def _template() -> object:
    from mmhand.geometry.mesh_hierarchy import CMR_TEMPLATE

    return CMR_TEMPLATE


def _decoders(names: tuple[str, ...]) -> tuple:
    rules = []
    for stage, name in enumerate(names):
        rules += [
            (rf'{name}_delayer\.(\d)\.(.*)', rf'trunk.decoders.{stage}.blocks.\1.\2'),
            (rf'{name}_head\.(.*)', rf'trunk.decoders.{stage}.head.\1'),
        ]
    return tuple(rules)


def _backbone(match: re.Match) -> str:
    return f'trunk.backbones.{int(match[1]) - 1}.{match[2]}'


for _variant, _names in _DECODERS.items():
    _release = 'HandMesh .pt' if _variant in ('pg', 'sg') else 'Identity-Aware Hand Mesh .pt'
    register_method(
        ConversionMethod(
            f'cmr_{_variant}',
            f'CMR {_variant}, {_release}',
            model=_model(_variant, 'backbone1'),
            drop=(_CONFIDENCE,),
            rename=(
                (r'backbone(\d)\.(.*)', _backbone),
                *_decoders(_names),
                *(() if _variant == 'pose2d' else _MESH),
            ),
            # Joints in the picture alone know no mesh.
            hand_models=() if _variant == 'pose2d' else ('MANO',),
        )
    )

register_method(
    ConversionMethod(
        'cmr_g',
        'CMR g, HandMesh .pt',
        model=_model('g', 'backbone'),
        rename=(
            (r'backbone\.(.*)', r'trunk.backbones.0.\1'),
            (r'backbone_mesh\.(.*)', r'trunk.backbones.1.\1'),
            (r'uv_delayer\.(\d)\.(.*)', r'trunk.decoders.0.blocks.\1.\2'),
            (r'uv_head\.(.*)', r'trunk.decoders.0.head.\1'),
            (r'uv_delayer2\.(\d)\.(.*)', r'trunk.decoders.1.blocks.\1.\2'),
            (r'uv_head2\.(.*)', r'trunk.decoders.1.head.\1'),
            *_MESH,
        ),
        hand_models=('MANO',),
    )
)

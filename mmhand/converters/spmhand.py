"""SPMHand (TMM 2024) and its baseline HandOccNet (CVPR 2022): methods/spmhand.md#checkpoints."""

import re

from .base import ConversionMethod, KeyTable, Rule, register_method

#: Order of the hourglass's four units in the release: beside, into, out of, and the innermost.
_HOURGLASS = ('up1', 'low1', 'low3', 'low2')
_PATHS = ('coarse', 'medium', 'decent')

_MANO_BUFFERS = (r'.*\.mano_layer\..*', "MANO's own arrays, read from the user's file instead")


def _unit(name: str) -> str:
    """Parameter of a residual unit: ``bn, conv1, bn1, conv2, bn2, conv3`` in the release."""
    layer, kind = name.split('.', 1)
    norms = {'bn': 'bn1', 'bn1': 'bn2', 'bn2': 'bn3'}
    return f'{norms.get(layer, layer)}.{kind}'


def _hourglass(match: re.Match) -> str:
    depth, unit = 3 - int(match[1]), _HOURGLASS[int(match[2])]
    return f'pose_head.hourglass.{"low2." * depth}{unit}.{match[3]}'


def _path(match: re.Match) -> str:
    level, unit = _PATHS.index(match[1]), int(match[2])
    place = 'last' if unit == level + 2 else f'units.{unit - 1}'
    return f'neck.paths.{level}.{place}.{_unit(match[3])}'


def _decode(match: re.Match) -> str:
    index = {'conv1': 0, 'bn1': 1, 'conv2': 3, 'bn2': 4}[match[2]]
    return f'visible_head.decode.{3 - int(match[1])}.{index}.{match[3]}'


def _pyramid(prefix: str) -> tuple[Rule, ...]:
    return (
        (rf'{prefix}toplayer\.(.*)', r'neck.top.\1'),
        (rf'{prefix}latlayer(\d)\.(.*)', lambda m: f'neck.lateral.{int(m[1]) - 1}.{m[2]}'),
    )


def _shared(pose: str, encoder: str, mano: str) -> tuple[Rule, ...]:
    """Rules for the parts both networks have, under their prefixes in the release."""
    return (
        (r'backbone\.layer0\.0\.(.*)', r'backbone.conv1.\1'),
        (r'backbone\.layer0\.1\.(.*)', r'backbone.bn1.\1'),
        (r'backbone\.layer(\d)\.0\.(.*)', r'backbone.layer\1.\2'),
        (rf'{pose}\.betas', 'pose_head.temperature'),
        (rf'{pose}\.hg\.0\.hg\.(\d)\.(\d)\.0\.(.*)', _hourglass),
        (rf'{pose}\.res\.0\.0\.(.*)', r'pose_head.residual.\1'),
        (rf'{pose}\.fc\.0\.block\.(.*)', r'pose_head.fc.\1'),
        (rf'{pose}\.score\.0\.(.*)', r'pose_head.score.\1'),
        (
            rf'{encoder}\.reg\.(\d)\.(.*)',
            lambda m: f'encoder.levels.{int(m[1]) // 2}.{int(m[1]) % 2}.{_unit(m[2])}',
        ),
        (rf'{encoder}\.(heatmap_conv|encoding_conv)\.(.*)', r'encoder.\1.\2'),
        (rf'{mano}\.mano_base_layer\.(.*)', r'mano_head.trunk.\1'),
        (rf'{mano}\.(pose|shape)_reg\.(.*)', r'mano_head.\1.\2'),
    )


_GRID = (r'.*\.hand_regHead\.(uu|vv)', 'pixel grid, computed from the size of the map')


def _keep_shared_head(table: KeyTable) -> None:
    """One MANO head, saved under two names; the second is what the release ends up with."""
    if table.find(r'decent2fine\.mano_regHead\.(?!mano_layer).*'):
        for match in table.find(r'coarse2decent\.mano_branch\.(?!mano_layer).*'):
            table.drop(match.group(), 'alias of decent2fine.mano_regHead')


_HMA = r'sgd\.hand_morphology_attention\.'

register_method(
    ConversionMethod(
        'spmhand',
        'SPMHand snapshot_*.pth.tar for HO3D v2, v3, ObMan; also its stage-1 file',
        model='spmhand_r50_ho3d-v2',
        convert=_keep_shared_head,
        drop=(
            _MANO_BUFFERS,
            _GRID,
            (r'coarse2decent\.resize\d\..*', 'never used by the release and never trained'),
        ),
        rename=(
            *_shared(
                r'coarse2decent\.hand_regHead',
                r'decent2fine\.hand_Encoder',
                r'(?:decent2fine\.mano_regHead|coarse2decent\.mano_branch)',
            ),
            *_pyramid(r'coarse2decent\.'),
            (r'coarse2decent\.smooth(\d)\.(.*)', lambda m: f'neck.smooth.{int(m[1]) - 1}.{m[2]}'),
            (rf'coarse2decent\.({"|".join(_PATHS)})_regression_block\.res(\d)\.(.*)', _path),
            (r'decent2fine\.seg_emb\.conv_pool\.(.*)', r'segmentation_embedding.pool.\1'),
            (
                r'decent2fine\.seg_emb\.whole_block\.block\.0\.(.*)',
                r'segmentation_embedding.project.\1',
            ),
            (r'decent2fine\.seg_emb\.whole_block\.block\.1\.(.*)', r'segmentation_embedding.bn.\1'),
            (r'sgd\.conv(\d)\.(conv\d|bn\d)\.(.*)', _decode),
            (r'sgd\.up(\d)\.1\.(.*)', lambda m: f'visible_head.up.{3 - int(m[1])}.{m[2]}'),
            (r'sgd\.out_layer\.(.*)', r'visible_head.conv_seg.\1'),
            (_HMA + r'layers\.0\.qk_embedding', 'whole_head.attention.query_embedding'),
            (_HMA + r'layers\.0\.v_embedding', 'whole_head.attention.key_embedding'),
            (_HMA + r'layers\.0\.norm2\.(.*)', r'whole_head.attention.norm.\1'),
            (_HMA + r'layers\.0\.(encode_\w+|mlp)\.(.*)', r'whole_head.attention.\1.\2'),
            (_HMA + r'expand\.(.*)', r'whole_head.expand.\1'),
            (_HMA + r'norm_f\.(.*)', r'whole_head.norm_attention.\1'),
            (_HMA + r'up_sample\.(.*)', r'whole_head.up.\1'),
            (_HMA + r'norm_out\.(.*)', r'whole_head.norm_up.\1'),
            (_HMA + r'mlp\.(.*)', r'whole_head.conv_seg.\1'),
        ),
    )
)


def _block(match: re.Match) -> str:
    names = {'q_embedding': 'query_embedding', 'k_embedding': 'key_embedding'}
    rest = names.get(match[3], match[3]).replace('norm2.', 'norm.')
    return f'injector.{match[1].lower()}.{match[2]}.{rest}'


register_method(
    ConversionMethod(
        'handoccnet',
        'HandOccNet snapshot_*.pth.tar for HO3D and DexYCB, and snapshot_demo',
        model='handoccnet_r50_ho3d-v2',
        drop=(
            _MANO_BUFFERS,
            _GRID,
            (r'fitting_loss\..*', 'constants of the fitting demo'),
        ),
        rename=(
            *_shared(
                r'regressor\.hand_regHead',
                r'regressor\.hand_Encoder',
                r'regressor\.mano_regHead',
            ),
            *_pyramid(r'backbone\.'),
            (r'backbone\.smooth3\.(.*)', r'neck.smooth.\1'),
            (r'backbone\.smooth2\.(.*)', r'neck.smooth2.\1'),
            (r'backbone\.attention_module\.spatial\.(.*)', r'neck.gate.\1'),
            (r'(FIT|SET)\.layers\.(\d)\.(.*)', _block),
            (r'FIT\.conv1\.(.*)', r'injector.merge.\1'),
            (r'FIT\.conv2\.0\.(.*)', r'injector.shortcut.\1'),
        ),
    )
)

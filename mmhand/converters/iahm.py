"""Identity-aware hand mesh (ECCV 2022), its baseline, its confidence stage, and Boukhayma's network."""

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from mmhand.utils.errors import HandDataError

from .base import ConversionMethod, KeyTable, register_method
from .config_model import config_model

#: Blocks of a ResNet's third stage, with one 3x3 convolution more or less, to its depth.
_DEPTHS = {(2, False): 18, (6, False): 34, (6, True): 50, (23, True): 101, (36, True): 152}

#: Constants that Boukhayma's network adds to its 22 numbers.
_MEAN = (545.0, 128.0, 128.0, *[0.0] * 19)

_MANO = (
    r'(mano_layer|mano_pca_layer)\..*|th_selected_comps|th_hands_mean',
    "MANO's own arrays, read from the user's file instead",
)
_REGRESSOR = (r'j_regressor', 'never used by the network; made of MANO')


def _depth(state: Mapping[str, Tensor], prefix: str) -> int:
    """Depth of the ResNet under ``prefix``."""
    blocks = {
        match[1]
        for key in state
        if (match := re.fullmatch(rf'{re.escape(prefix)}layer3\.(\d+)\.conv1\.weight', key))
    }
    bottleneck = f'{prefix}layer1.0.conv3.weight' in state
    if (len(blocks), bottleneck) not in _DEPTHS:
        raise HandDataError(
            f'the checkpoint holds no ResNet of a known depth under "{prefix}"; it is incomplete or '
            'from another network'
        )
    return _DEPTHS[len(blocks), bottleneck]


def _confidence_layers(state: Mapping[str, Tensor]) -> list[int]:
    """Places of the linear layers of the confidence branch."""
    found = (re.fullmatch(r'conf_branch\.(\d+)\.weight', key) for key in state)
    return sorted(int(match[1]) for match in found if match)


def _network(name: str, confidence: bool) -> object:
    """Function from the authors' weights to our network's config."""

    def config(state: Mapping[str, Tensor]) -> dict:
        layers = max(len(_confidence_layers(state)), 1)
        changes = dict(backbone=dict(depth=_depth(state, 'feature_extractor.')))
        if confidence:
            changes['confidence_head'] = dict(num_layers=layers)
        return config_model(name, **changes)

    return config


def _place(index: str) -> int:
    """Linear layers stand at every third place of the release (ReLU, dropout), every second of ours."""
    return int(index) // 3 * 2


def _move_confidence(table: KeyTable) -> None:
    for number, place in enumerate(_confidence_layers(table.left)):
        for kind in ('weight', 'bias'):
            old, new = f'conf_branch.{place}.{kind}', f'confidence_head.layers.{2 * number}.{kind}'
            table.put(new, table.take(old))


_RENAME = (
    (r'feature_extractor\.(.*)', r'backbone.\1'),
    (
        r'pose_6d_extractor\.(\d)\.([0369])\.(.*)',
        lambda m: f'pose_head.steps.{m[1]}.{_place(m[2])}.{m[3]}',
    ),
    (r'shape_extractor\.([0369])\.(.*)', lambda m: f'shape_head.layers.{_place(m[1])}.{m[2]}'),
)

for _name, _about, _config in (
    ('iahm_baseline', 'the anonymous baseline with a shape head', 'iahm_r50_baseline_dexycb-s1'),
    ('iahm', 'the identity-aware network', 'iahm_r50_dexycb-s1'),
    (
        'iahm_confidence',
        'the baseline with its confidence branch',
        'iahm_r50_confidence_dexycb-s1',
    ),
):
    _confidence = 'confidence' in _name
    register_method(
        ConversionMethod(
            _name,
            f'Identity-Aware Hand Mesh checkpoint_last.pt: {_about}',
            model=_network(_config, _confidence),
            convert=_move_confidence if _confidence else None,
            drop=(_MANO, _REGRESSOR),
            rename=_RENAME,
            compare_mano=True,
            hand_models=('MANO',),
        )
    )


def _check_mean(table: KeyTable) -> None:
    mean = table.drop('mean', 'constants, in our network by name')
    if not torch.allclose(mean.float().cpu(), torch.tensor(_MEAN)):
        raise HandDataError(f'{table.source}: "mean" is {mean.tolist()}, not {list(_MEAN)}')


register_method(
    ConversionMethod(
        'boukhayma',
        'Identity-Aware Hand Mesh checkpoint_last.pt: Boukhayma (ResNet-34)',
        model=lambda state: config_model(
            'boukhayma_r34_dexycb-s1', backbone=dict(depth=_depth(state, ''))
        ),
        convert=_check_mean,
        drop=(
            _MANO,
            (r'conv11\..*', 'a stem for heat maps that the network never runs'),
        ),
        rename=((r'(conv1|bn1|layer\d|fc)\.(.*)', r'backbone.\1.\2'),),
        compare_mano=True,
        hand_models=('MANO',),
    )
)

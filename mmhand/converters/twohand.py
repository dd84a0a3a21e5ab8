"""Two-Hand-Shape-Pose (ICCV 2021), second and first release: methods/twohand.md#checkpoints."""

import re

import torch

from mmhand.structures.sides import SIDES

from .base import ConversionMethod, KeyTable, Rule, register_method
from .internet import AUTHORS_RULES

#: The authors' names of a hand's branches, and ours of both hands'.
_BRANCHES = (
    ('{side}_mano_branch', 'head.initial'),
    *((f'cascaded_{{side}}_mano_branch_list.{i}', f'head.cascade.{i}.branch') for i in range(3)),
)

_TRANS = {'decoder.0': 'head.trans.0', 'final_layer': 'head.trans.2'}

_MANO = (r'mesh_reg\.mano_layer\..*', "MANO's own arrays, read from the user's file instead")
_COUNTERS = (r'.*\.num_batches_tracked', 'counter of training batches, not used')


def _pair_hands(table: KeyTable) -> None:
    """Right and left layers become one."""
    for theirs, ours in _BRANCHES:
        right, left = (f'mesh_reg.{theirs.format(side=side)}' for side in SIDES)
        for kind in ('weight', 'bias'):
            layers = {f'base_layer.{2 * i}': f'layers.{i}' for i in range(4)}
            layers |= {'pose_reg': 'pose', 'shape_reg.0': 'shape'}
            for old, new in layers.items():
                pair = [table.take(f'{hand}.{old}.{kind}') for hand in (right, left)]
                table.put(f'{ours}.{new}.{kind}', torch.stack(pair))
    for match in table.find(r'mesh_reg\.cascaded_right_feature_extractor_list\.(\d)\.(.*)\.weight'):
        index, layer = match[1], match[2]
        name = 'mesh_reg.cascaded_{}_feature_extractor_list.{}.{}.weight'
        pair = [table.take(name.format(side, index, layer)) for side in SIDES]
        layer = 'downsample.0' if layer == 'downsample' else layer
        # Groups of one convolution: output channels of the right hand first.
        table.put(f'head.cascade.{index}.extractor.{layer}.weight', torch.cat(pair))


def _heatmap(rule: Rule) -> Rule:
    """A rule of InterNet's for the branch inside."""
    pattern, replacement = rule

    def rename(match: re.Match) -> str:
        new = replacement(match) if callable(replacement) else match.expand(replacement)
        return f'heatmap.{new}'

    return rf'heatmap_predictor\.{pattern}', rename


_RENAME = (
    *(_heatmap(rule) for rule in AUTHORS_RULES),
    (
        r'mesh_reg\.trans_branch\.(decoder\.0|final_layer)\.(.*)',
        lambda match: f'{_TRANS[match[1]]}.{match[2]}',
    ),
)


register_method(
    ConversionMethod(
        'twohand',
        'Two-Hand-Shape-Pose v2, snapshot_99.pth.tar',
        model='twohand_r50_interhand',
        convert=_pair_hands,
        drop=(_MANO, _COUNTERS),
        rename=(*_RENAME, (r'mesh_reg\.base_net\.(.*)', r'backbone.\1')),
        absent=(r'.*\.num_batches_tracked',),
    )
)

register_method(
    ConversionMethod(
        'twohand_v1',
        'Two-Hand-Shape-Pose v1 (paper), model.pts',
        model='twohand_v1_r50_interhand',
        convert=_pair_hands,
        drop=(
            _MANO,
            _COUNTERS,
            (r'mesh_reg\.base_net\.fc\..*', 'a classifier that the network never runs'),
        ),
        rename=(
            *_RENAME,
            (
                r'mesh_reg\.base_net\.(layer\d\.0)\.downsample\.weight',
                r'backbone.\1.downsample.0.weight',
            ),
            (r'mesh_reg\.base_net\.(.*)', r'backbone.\1'),
        ),
        absent=(r'.*\.num_batches_tracked',),
    )
)

"""Two-hand arrays of a batch."""

import pytest
import torch

from mmhand.structures import HandDataSample, HandInstances, stack_hand_types, stack_hands
from mmhand.utils.errors import HandDataError


def sample(sides, kind='interacting', name='s'):
    out = HandDataSample(metainfo={'sample_id': name, 'hand_type': kind})
    sides = torch.tensor(sides, dtype=torch.long)
    out.gt_hands = HandInstances(side=sides, root=10.0 * sides[:, None] + torch.ones(1, 3))
    return out


def test_rows_find_their_places():
    batch = [sample([1]), sample([0, 1]), sample([1, 0]), sample([])]
    out = stack_hands(batch, ['root'], optional=['betas'])
    assert set(out) == {'root', 'present'}
    assert out['present'].tolist() == [[0, 1], [1, 1], [1, 1], [0, 0]]
    assert out['root'][..., 0].tolist() == [[0, 11], [1, 11], [1, 11], [0, 0]]


def test_optional_fields_come_when_all_have_them():
    batch = [sample([0]), sample([0])]
    for row in batch:
        row.gt_hands.betas = torch.ones(1, 10)
    assert stack_hands(batch, [], optional=['betas'])['betas'].shape == (2, 2, 10)


def test_hand_types():
    batch = [sample([0], 'right'), sample([1], 'left'), sample([0, 1])]
    batch[1].set_metainfo({'hand_type_valid': False})
    flags, valid = stack_hand_types(batch)
    assert flags.tolist() == [[1, 0], [0, 1], [1, 1]]
    assert valid.tolist() == [1, 0, 1]


def test_what_is_missing_is_named():
    with pytest.raises(HandDataError, match=r'sample lost has no gt_hands\.pose'):
        stack_hands([sample([0], name='lost')], ['pose'])
    with pytest.raises(HandDataError, match='has no gt_hands.side'):
        stack_hands([HandDataSample()], ['root'])
    with pytest.raises(HandDataError, match='one side twice'):
        stack_hands([sample([0, 0])], ['root'])
    with pytest.raises(HandDataError, match='hand_type is "None"'):
        stack_hand_types([HandDataSample()])

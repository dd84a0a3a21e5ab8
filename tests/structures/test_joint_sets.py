"""Joint orders against the index lists of the releases."""

import itertools

import numpy as np
import pytest
import torch

from mmhand.structures import JointSet, convert_joints, get_joint_set, joint_indices
from mmhand.structures import register_joint_set as register
from mmhand.utils import HandConfigError

# As the releases have them: out[k] = in[list[k]].
SPEC_GATHERS = {
    ('mano21', 'canonical'): [0, 13, 14, 15, 16, 1, 2, 3, 17, 4, 5, 6, 18, 10, 11, 12, 19, 7, 8, 9]
    + [20],
    ('interhand21', 'mano21'): [20, 7, 6, 5, 11, 10, 9, 19, 18, 17, 15, 14, 13, 3, 2, 1, 0, 4, 8]
    + [12, 16],
    ('mano21', 'interhand21'): [16, 15, 14, 13, 17, 3, 2, 1, 18, 6, 5, 4, 19, 12, 11, 10, 20, 9]
    + [8, 7, 0],
    ('interhand21', 'snap'): [20, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12, 19, 18, 17]
    + [16],
    ('manopth', 'ho3d'): [0, 5, 6, 7, 9, 10, 11, 17, 18, 19, 13, 14, 15, 1, 2, 3, 4, 8, 12, 16, 20],
    ('dsf21', 'canonical'): [0, 13, 14, 15, 20, 1, 2, 3, 16, 4, 5, 6, 17, 10, 11, 12, 19, 7, 8, 9]
    + [18],
    ('dsf21', 'msra21'): [0, 1, 2, 3, 16, 4, 5, 6, 17, 10, 11, 12, 19, 7, 8, 9, 18, 13, 14, 15, 20],
    ('dsf21', 'icvl16'): [0, 13, 14, 15, 1, 2, 3, 4, 5, 6, 10, 11, 12, 7, 8, 9],
    ('dsf21', 'hands2017'): [0, 13, 1, 4, 10, 7, 14, 15, 20, 2, 3, 16, 5, 6, 17, 11, 12, 19, 8, 9]
    + [18],
    ('hands2017', 'dsf21'): [0, 2, 9, 10, 3, 12, 13, 5, 18, 19, 4, 15, 16, 1, 6, 7, 11, 14, 20, 17]
    + [8],
}


@pytest.mark.parametrize('pair', SPEC_GATHERS)
def test_gather_lists_of_the_specs(pair):
    assert list(joint_indices(*pair)) == SPEC_GATHERS[pair]


def test_nyu_takes_its_first_twelve_from_the_chain():
    expected = [18, 8, 19, 11, 17, 5, 16, 2, 20, 15, 14, 0]
    names = get_joint_set('nyu14').joints[:12]
    assert [get_joint_set('dsf21').index(name) for name in names] == expected


@pytest.mark.parametrize(
    'pair',
    itertools.permutations(
        ['canonical', 'mano21', 'dsf21', 'interhand21', 'rhd21', 'msra21', 'hands2017'], 2
    ),
)
def test_round_trip_of_full_orders(pair):
    src, dst = pair
    points = np.random.default_rng(0).normal(size=(4, 21, 3))
    there = convert_joints(points, src, dst)
    np.testing.assert_array_equal(convert_joints(there, dst, src), points)
    assert not np.array_equal(there, points)
    torch.testing.assert_close(convert_joints(torch.tensor(points), src, dst).numpy(), there)


def test_both_hands_keep_their_sides():
    rows = np.arange(42)[:, None] * np.ones((1, 3))
    out = convert_joints(rows, 'interhand42', 'canonical42')
    assert (out[:21] < 21).all()
    assert (out[21:] >= 21).all()
    assert out[0, 0] == 20
    left_first = convert_joints(out, 'canonical42', 'rhd42')
    assert (left_first[:21] >= 21).all()


def test_flags_convert_along_the_last_axis():
    flags = np.arange(21)
    assert convert_joints(flags, 'interhand21', 'canonical', axis=-1)[0] == 20


def test_tensors_of_any_type_convert_alike():
    flags = np.arange(21) % 3 == 0
    expected = convert_joints(flags, 'interhand21', 'canonical', axis=-1)
    for dtype in (torch.bool, torch.uint8, torch.float16):
        converted = convert_joints(torch.tensor(flags).to(dtype), 'interhand21', 'canonical', -1)
        assert converted.dtype == dtype
        np.testing.assert_array_equal(converted.bool().numpy(), expected)


def test_parents_run_to_the_wrist_in_any_order():
    canonical = get_joint_set('canonical')
    assert canonical.parents[:6] == (-1, 0, 1, 2, 3, 0)
    assert get_joint_set('mano16').parents == (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 0, 10, 11, 0, 13, 14)
    # A set without some joints skips to the nearest ancestor it has.
    nyu = get_joint_set('nyu14')
    assert nyu.parents[nyu.index('pinky4')] == nyu.index('pinky2')
    assert nyu.parents[nyu.index('pinky2')] == nyu.index('wrist')
    assert len(canonical.bones) == 20


@pytest.mark.parametrize(
    ('call', 'match'),
    [
        (lambda: get_joint_set('nope'), 'unknown joint set "nope"; known: .*canonical'),
        (lambda: joint_indices('mano16', 'canonical'), 'lacks thumb4'),
        (lambda: convert_joints(np.zeros((3, 3)), 'canonical', 'mano21'), 'has 3 entries'),
        (lambda: get_joint_set('mano16').index('thumb4'), 'has no joint "thumb4"'),
        (lambda: JointSet('x', ('wrist', 'wrist')), 'twice'),
        (lambda: register(JointSet('canonical', ('wrist',))), 'exists already'),
    ],
)
def test_mistakes_are_named(call, match):
    with pytest.raises(HandConfigError, match=match):
        call()

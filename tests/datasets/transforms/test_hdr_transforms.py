"""Augmentation of hand masks, and the choice of one hand."""

import numpy as np
import pytest

from mmhand.datasets.transforms import AmodalSegAugment, MirrorLeftHand, SelectHand
from mmhand.structures import HAND_MASK_PLANES
from mmhand.utils.errors import HandConfigError, HandDataError


def picture():
    """Hands as boxes whose colour tells the plane: right red, left green."""
    image = np.zeros((64, 64, 3), np.uint8)
    masks = np.zeros((64, 64, 4), np.uint8)
    image[10:50, 5:25] = (0, 0, 250)
    masks[10:50, 5:25, :2] = 1
    image[20:60, 40:60] = (0, 250, 0)
    masks[20:60, 40:60, 2:] = 1
    return dict(img=image, hand_masks=masks, hand_present=np.ones(2), affine=np.eye(2, 3))


@pytest.mark.parametrize('flip', [0.0, 1.0])
def test_masks_follow_the_picture_and_mirroring_swaps_sides(flip):
    np.random.seed(0)
    augment = AmodalSegAugment(
        size=64, ratio=(0.5, 2.0), cat_max_ratio=1.0, flip_prob=flip, distort=False
    )
    padded = cropped = 0
    for _ in range(20):
        out = augment(picture())
        image, masks = out['img'], out['hand_masks']
        assert image.shape == (64, 64, 3)
        assert masks.shape == (64, 64, 4)
        unknown = masks == 255
        assert (unknown.all(-1) == unknown.any(-1)).all()
        padded += unknown.any()
        cropped += not unknown.any()
        red, green = image[..., 2] > 125, image[..., 1] > 125
        # A mirrored right hand is a left one.
        right, left = (green, red) if flip else (red, green)
        for plane, seen in zip(HAND_MASK_PLANES, (right, right, left, left), strict=True):
            mask = masks[..., HAND_MASK_PLANES.index(plane)]
            known = mask != 255
            assert ((mask == 1) == seen)[known].mean() > 0.94
        assert not {'affine', 'hand_present'} & set(out)
    assert padded
    assert cropped


def test_colours_change_and_masks_do_not():
    np.random.seed(1)
    plain = AmodalSegAugment(size=64, ratio=(1, 1), flip_prob=0, distort=False)(picture())
    for _ in range(20):
        out = AmodalSegAugment(size=64, ratio=(1, 1), flip_prob=0)(picture())
        assert np.array_equal(out['hand_masks'], plain['hand_masks'])
        if not np.array_equal(out['img'], plain['img']):
            break
    else:
        pytest.fail('colours never changed')


def two_hands():
    rng = np.random.default_rng(0)
    points = rng.uniform(10, 40, (2, 21, 2)).astype(np.float32)
    points[1] += 60
    return dict(
        keypoints_2d=points,
        keypoint_valid=np.ones((2, 21), np.float32),
        hand_present=np.ones(2, np.float32),
        hand_type='interacting',
        bbox=np.array([0, 0, 100, 100], np.float32),
    )


@pytest.mark.parametrize('side', ['right', 'left'])
def test_one_hand_stays(side):
    index = ('right', 'left').index(side)
    out = SelectHand(side)(two_hands())
    assert out['hand_type'] == side
    assert out['hand_present'].tolist() == [1 - index, index]
    assert out['keypoint_valid'].sum(1).tolist() == [21 * (1 - index), 21 * index]
    points = two_hands()['keypoints_2d'][index]
    extent = np.ptp(points, axis=0)
    assert out['bbox'][2:] == pytest.approx(1.15 * extent, rel=1e-4)
    assert out['bbox'][:2] + out['bbox'][2:] / 2 == pytest.approx(
        (points.min(0) + points.max(0)) / 2, rel=1e-4
    )
    out = MirrorLeftHand()(out)
    # Only left hands are mirrored; right ones never are.
    assert out['bbox_flip'] == (side == 'left')


def test_the_box_is_the_masks_where_there_are_masks():
    sample = two_hands()
    sample['hand_masks'] = picture()['hand_masks']
    assert SelectHand('left')(sample)['bbox'].tolist() == [40, 20, 19, 39]


def test_random_sides_are_both_chosen_and_missing_hands_never():
    np.random.seed(0)
    sides = {SelectHand()(two_hands())['hand_type'] for _ in range(20)}
    assert sides == {'right', 'left'}
    alone = two_hands()
    alone['keypoint_valid'][0] = 0
    assert SelectHand('right')(alone)['hand_type'] == 'left'
    alone['keypoint_valid'][1] = 0
    with pytest.raises(HandDataError, match='no annotated hand'):
        SelectHand()(alone)
    with pytest.raises(HandConfigError, match='both'):
        SelectHand('both')

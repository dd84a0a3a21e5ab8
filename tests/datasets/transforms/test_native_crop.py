"""The identity-aware release's crop, colours and resizing."""

import cv2
import numpy as np
import pytest
from PIL import Image

from mmhand.apis.left_hands import with_mirroring
from mmhand.datasets.transforms import (
    CutHandBox,
    HandBBoxCrop,
    HandPhotometricJitter,
    HandPhotometricParams,
    ResizeHandCrop,
)
from mmhand.datasets.transforms.geometry import start_geometry
from mmhand.structures import HandCamera
from mmhand.utils.errors import HandConfigError, HandDataError

RNG = np.random.default_rng(0)
PICTURE = RNG.integers(1, 256, (48, 64, 3), dtype=np.uint8)


def record(box, image=PICTURE):
    K = np.array([[80.0, 0, 30], [0, 82, 25], [0, 0, 1]], np.float32)
    joints = RNG.normal(0, 0.05, (2, 21, 3)).astype(np.float32) + [0, 0, 0.5]
    pixels = joints @ K.T
    results = dict(
        img=image.copy(),
        img_shape=image.shape[:2],
        bbox=np.array(box, np.float32),
        sample_id='s',
        camera=HandCamera(K=K),
        keypoints_3d=joints.astype(np.float32),
        keypoints_2d=(pixels[..., :2] / pixels[..., 2:]).astype(np.float32),
    )
    start_geometry(results)
    return HandBBoxCrop(scale=2.0).transform(results)


@pytest.mark.parametrize(
    'box',
    [(20, 15, 10, 12), (20.5, 15.25, 11.5, 7), (-3, 30, 14, 9), (50, 2, 30, 20), (70, 5, 4, 4)],
)
def test_cuts_as_pil_does(box):
    results = CutHandBox().transform(record(box))
    x, y, w, h = box
    side = 2 * max(w, h)
    sides = (x + w / 2 - side / 2, y + h / 2 - side / 2, x + w / 2 + side / 2, y + h / 2 + side / 2)
    wanted = np.asarray(Image.fromarray(PICTURE).crop(sides))
    assert (results['img'] == wanted).all()
    assert results['img_shape'] == wanted.shape[:2]


def test_all_annotations_follow():
    before = record((20.5, 15.25, 11.5, 7))
    points, cut = before['keypoints_2d'].copy(), CutHandBox().transform(before)
    height = cut['img_shape'][0]
    left, top = round(20.5 + 5.75 - 11.5), round(15.25 + 3.5 - 11.5)
    results = ResizeHandCrop(96).transform(cut)
    assert results['img'].shape == (96, 96, 3)
    np.testing.assert_allclose(
        results['keypoints_2d'], (points - [left, top]) * 96 / height, atol=1e-3
    )
    pixels = results['keypoints_3d'] @ results['camera'].K_crop.T
    np.testing.assert_allclose(
        pixels[..., :2] / pixels[..., 2:], results['keypoints_2d'], atol=1e-2
    )


def test_the_whole_picture_may_stay():
    results = CutHandBox(mode='picture').transform(record((20, 15, 10, 12)))
    assert (results['img'] == PICTURE).all()
    resized = ResizeHandCrop((32, 24)).transform(results)['img']
    assert (resized == cv2.resize(PICTURE, (32, 24))).all()


@pytest.mark.parametrize(
    ('change', 'match'),
    [
        (dict(bbox_rotation=10.0), 'a turned box'),
        (dict(bbox_size=np.array([np.nan, 1.0])), 'not finite or far too large'),
        (dict(bbox_size=np.array([1e6, 1e6])), 'not finite or far too large'),
        (dict(bbox_size=np.array([0.2, 0.2])), 'holds no pixel'),
    ],
)
def test_boxes_that_cannot_be_cut(change, match):
    results = {**record((20, 15, 10, 12)), **change}
    with pytest.raises(HandDataError, match=match):
        CutHandBox().transform(results)
    with pytest.raises(HandConfigError, match='"all"'):
        CutHandBox(mode='all')


@pytest.mark.parametrize('mode', ['box', 'picture'])
def test_left_hands_are_mirrored_with_all_that_knows_sides(mode):
    plain, flipped = (
        CutHandBox(mode=mode).transform({**record((20, 15, 10, 12)), 'bbox_flip': flip})
        for flip in (False, True)
    )
    assert (flipped['img'] == plain['img'][:, ::-1]).all()
    assert flipped['bbox'].tolist() == [20, 15, 10, 12]
    points, camera = flipped['keypoints_3d'], flipped['camera']
    pixels = points @ camera.K_crop.T
    np.testing.assert_allclose(
        pixels[..., :2] / pixels[..., 2:], flipped['keypoints_2d'], atol=1e-2
    )
    assert camera.mirrored


def change(**values):
    params = HandPhotometricParams(**values)
    return HandPhotometricJitter().apply(dict(img=PICTURE), params)['img']


def test_colours_are_changed_in_floats_and_never_clipped():
    picture = PICTURE.astype(np.float32)
    np.testing.assert_allclose(change(), picture)
    np.testing.assert_allclose(
        change(brightness=-30, contrast=1.5), 1.5 * (picture - 30), atol=1e-3
    )
    assert change(brightness=-30, contrast=1.5).min() < 0
    assert change(brightness=30, contrast=1.5).max() > 400
    hsv = cv2.cvtColor(picture, cv2.COLOR_BGR2HSV)
    hsv[..., 1] *= 0.5
    hsv[..., 0] = (hsv[..., 0] + 350) % 360
    wanted = 1.2 * cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)
    values = dict(saturation=0.5, hue=-10.0, contrast=1.2)
    np.testing.assert_allclose(change(**values, contrast_first=False), wanted, atol=0.01)
    # Hue and saturation do not depend on the scale, so the order shows with brightness only.
    bright = dict(values, brightness=20.0)
    first, last = (change(**bright, contrast_first=order) for order in (True, False))
    np.testing.assert_allclose(first, last, atol=0.05)
    assert first.dtype == np.float32


def test_draws_are_as_released():
    step = HandPhotometricJitter()
    draws = [step.sample(np.random.RandomState(seed)) for seed in range(2000)]
    for name, still, low, high in (
        ('brightness', 0.0, -32, 32),
        ('contrast', 1.0, 0.5, 1.5),
        ('saturation', 1.0, 0.5, 1.5),
        ('hue', 0.0, -18, 18),
    ):
        values = np.array([getattr(draw, name) for draw in draws])
        moved = values[values != still]
        assert 0.46 < len(moved) / len(draws) < 0.54
        assert low <= moved.min() < low + 0.03 * (high - low)
        assert high >= moved.max() > high - 0.03 * (high - low)
    assert 0.46 < np.mean([draw.contrast_first for draw in draws]) < 0.54
    results = step.transform(dict(img=PICTURE))
    assert results['img'].dtype == np.float32


def test_pictures_of_left_hands_are_mirrored_before_the_cut():
    steps = [dict(type=kind) for kind in ('HandBBoxCrop', 'CutHandBox', 'ResizeHandCrop')]
    kinds = [step['type'] for step in with_mirroring(steps)]
    assert kinds == ['HandBBoxCrop', 'MirrorLeftHand', 'CutHandBox', 'ResizeHandCrop']

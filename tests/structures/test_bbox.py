"""Box rules and crop affines against the numbers of the releases."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmhand.structures import (
    bbox_from_points,
    crop_affine,
    invert_affine,
    process_bbox_handoccnet,
    square_bbox_interhand,
    squarify_bbox,
    transform_points,
    xywh2xyxy,
    xyxy2xywh,
)
from mmhand.utils import HandDataError


def test_interhand_square_box_and_affine():
    box = square_bbox_interhand(np.array([100.0, 150.0, 120.0, 80.0]))
    np.testing.assert_allclose(box, [85, 115, 150, 150])
    np.testing.assert_allclose(
        crop_affine(box, (256, 256)),
        [[1.7066667, 0, -145.06667], [0, 1.7066667, -196.26667]],
        atol=2e-5,
    )
    np.testing.assert_allclose(
        crop_affine(box, (256, 256), scale=1.2, rot_deg=30),
        [[1.23168, 0.71111, -204.17998], [-0.71111, 1.23168, 7.75847]],
        atol=2e-5,
    )


def test_hdr_demo_box_and_affine():
    box = squarify_bbox(np.array([569.0, 340.0, 139.0, 122.0]), 2)
    np.testing.assert_allclose(box, [499.5, 262, 278, 278])
    affine = crop_affine(np.trunc(box), (256, 256))
    np.testing.assert_allclose(
        affine, [[0.920863330, 0, -459.510803], [0, 0.920863330, -241.266190]], atol=1e-5
    )
    np.testing.assert_allclose(
        invert_affine(affine), [[1.0859375, 0, 499], [0, 1.0859375, 262]], atol=1e-4
    )


def test_handoccnet_box_shifts_at_the_border():
    # x1 = 0 keeps the width, so the box is shifted, not shrunk.
    box = process_bbox_handoccnet([-10, 20, 101, 51], 640, 480, 1.0)
    np.testing.assert_allclose(box, [0, -5, 100, 100])
    assert process_bbox_handoccnet([10, 10, 0, 5], 640, 480, 1.0) is None
    assert process_bbox_handoccnet([700, 10, 20, 20], 640, 480, 1.0) is None
    clipped = process_bbox_handoccnet([600, 400, 100, 100], 640, 480, 1.5)
    np.testing.assert_allclose(clipped[2:], [118.5, 118.5])


@given(
    st.tuples(*[st.floats(-300, 300)] * 2, *[st.floats(5, 400)] * 2),
    st.floats(0.6, 1.6),
    st.floats(-180, 180),
    st.booleans(),
)
def test_affine_round_trip(box, scale, rot, flip):
    affine = crop_affine(np.array(box), (256, 192), scale, rot, flip, image_width=640)
    points = np.array([[0.0, 0.0], [320.0, 240.0], [639.0, 479.0]])
    there = transform_points(points, affine.astype(np.float64))
    back = transform_points(there, invert_affine(affine.astype(np.float64)))
    np.testing.assert_allclose(back, points, atol=1e-3)
    centre = np.array([[box[0] + box[2] / 2, box[1] + box[3] / 2]])
    np.testing.assert_allclose(transform_points(centre, affine), [[128, 96]], atol=0.05)
    # A mirror has a negative determinant, a rotation has not.
    assert (np.linalg.det(affine[:, :2]) < 0) == flip


def test_flip_mirrors_the_unflipped_crop():
    box = np.array([100.0, 50.0, 80.0, 80.0])
    plain, flipped = (crop_affine(box, (256, 256), flip=f, image_width=640) for f in (False, True))
    point = np.array([[130.0, 70.0]])
    (u, v), (mu, mv) = transform_points(point, plain)[0], transform_points(point, flipped)[0]
    np.testing.assert_allclose([256 - u, v], [mu, mv], atol=1e-4)


def test_points_box_ignores_invalid_points():
    points = np.array([[[0.0, 0.0], [10.0, 20.0], [999.0, -999.0]]])
    valid = np.array([[1, 1, 0]])
    np.testing.assert_allclose(bbox_from_points(points, valid), [[0, 0, 10, 20]])
    np.testing.assert_allclose(bbox_from_points(points, valid, 1.5), [[-2.5, -5, 15, 30]])
    assert bbox_from_points(points)[0, 2] == 999
    corners = xywh2xyxy(np.array([1.0, 2.0, 3.0, 4.0]))
    np.testing.assert_allclose(corners, [1, 2, 4, 6])
    np.testing.assert_allclose(xyxy2xywh(corners), [1, 2, 3, 4])


@pytest.mark.parametrize(
    ('call', 'match'),
    [
        (lambda: bbox_from_points(np.zeros((2, 2)), np.zeros(2)), 'none is valid'),
        (lambda: crop_affine(np.array([0, 0, 0, 5.0]), (8, 8)), 'no area'),
        (lambda: crop_affine(np.array([0, 0, np.nan, 5.0]), (8, 8)), 'not finite'),
        (lambda: crop_affine(np.array([0, 0, 5, 5.0]), (8, 8), flip=True), 'image_width'),
    ],
)
def test_bad_boxes_are_named(call, match):
    with pytest.raises(HandDataError, match=match):
        call()

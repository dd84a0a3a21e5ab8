"""Skeletons, boxes, masks and panels land where they should."""

import cv2
import numpy as np
import pytest

from mmhand.structures import get_joint_set
from mmhand.visualization.draw import (
    FINGER_COLOURS,
    draw_box,
    draw_masks,
    draw_skeleton,
    draw_text,
    join_panels,
    joint_colours,
    line_width,
)


def blank(height=120, width=160):
    return np.full((height, width, 3), 90, np.uint8)


def test_joints_are_drawn_at_their_pixels_in_their_fingers_colours():
    image = blank()
    points = np.stack([np.linspace(8, 150, 21), np.tile([30.0, 60.0, 90.0], 7)], -1)
    draw_skeleton(image, points, width=2)
    colours = joint_colours()
    for (x, y), colour in zip(points.round().astype(int), colours, strict=True):
        assert tuple(image[y, x]) == colour
    # Nothing is drawn outside of the joints' reach.
    assert (image[:20] == 90).all()
    names = get_joint_set('canonical').joints
    assert colours[names.index('thumb4')] == FINGER_COLOURS['thumb']
    assert colours[names.index('wrist')] == FINGER_COLOURS['wrist']


def test_hidden_points_and_their_bones_are_left_out():
    image, points = blank(), np.full((21, 2), 60.0)
    points[0] = 20, 20
    valid = np.zeros(21)
    assert (draw_skeleton(image, points, valid) == 90).all()
    valid[0] = 1
    draw_skeleton(image, points, valid, width=2)
    assert tuple(image[20, 20]) == FINGER_COLOURS['wrist']
    assert (image[40:] == 90).all()


def test_points_that_cannot_be_drawn_do_no_harm():
    image = blank()
    points = np.full((21, 2), np.nan)
    points[1], points[2], points[3] = (1e30, 5), (-np.inf, 5), (-40, -40)
    assert (draw_skeleton(image, points) == 90).all()


def test_sides_differ_in_shape():
    points = np.full((21, 2), np.nan)
    points[0] = 60, 60
    right, left = (draw_skeleton(blank(), points, side=s, width=6) for s in (0, 1))
    assert tuple(right[60, 60]) == tuple(left[60, 60])
    # The corner of a square is outside of the circle.
    assert tuple(left[53, 53]) == FINGER_COLOURS['wrist']
    assert tuple(right[52, 52]) != FINGER_COLOURS['wrist']


def test_boxes_and_labels():
    image = draw_box(blank(), (20.4, 40, 50, 30), (10, 200, 30), 'right')
    assert tuple(image[40, 40]) == (10, 200, 30)
    assert tuple(image[70, 45]) == (10, 200, 30)
    assert tuple(image[55, 45]) == (90, 90, 90)
    assert (image[30:38, 20:50] != 90).any(), 'the label stands above'
    draw_box(image, (20, 0, 50, 30), (10, 200, 30), 'at the rim')


def test_masks_tint_only_what_they_cover():
    image, masks = blank(), np.zeros((2, 120, 160), bool)
    masks[0, :10], masks[1, 5:20] = True, True
    out = draw_masks(image, masks, [(190, 90, 90), (90, 190, 90)], alpha=0.5)
    assert tuple(out[2, 0]) == (140, 90, 90)
    assert tuple(out[15, 0]) == (90, 140, 90)
    assert tuple(out[30, 0]) == (90, 90, 90)
    assert (image == 90).all()


def test_panels_stand_side_by_side_under_titles():
    joined = join_panels([blank(90, 50), blank(120, 70)], ['a', 'b'])
    assert joined.shape[1] == 50 + 4 + 70
    bar = joined.shape[0] - 120
    assert (joined[bar : bar + 90, :50] == 90).all()
    assert (joined[bar + 90 :, :50] == 255).all()
    assert (joined[:bar, :50] != 32).any(), 'the title is written'


@pytest.mark.parametrize(('size', 'width'), [(64, 1), (480, 3), (1600, 10)])
def test_lines_grow_with_the_picture(size, width):
    assert line_width(blank(size, size)) == width


def test_text_is_white_letters_each_in_its_rim():
    image = np.full((40, 300, 3), 128, np.uint8)
    draw_text(image, 'camera assumed: focal 560', (4, 30), 0.5, (255, 255, 255), 1, 1)
    letters, rim = (image > 128).all(-1), (image < 128).all(-1)
    assert min(letters.sum(), rim.sum()) > 300
    near = cv2.dilate(letters.astype(np.uint8), np.ones((7, 7), np.uint8)).astype(bool)
    assert not (rim & ~near).any(), 'no dark stroke stands by itself'
    assert (image[:, 290:] == 128).all()


@pytest.mark.parametrize('at', [(-900, 5), (4, -50), (500, 500)])
def test_text_beside_the_picture_changes_nothing(at):
    image = np.full((20, 30, 3), 90, np.uint8)
    assert (draw_text(image, 'text', at, 0.5, (255, 255, 255)) == 90).all()

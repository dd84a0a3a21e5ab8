"""The open finder: its geometry, its choices, and hands in rendered pictures."""

import cv2
import numpy as np
import pytest

from mmhand.apis import OpenHandFinder
from mmhand.apis.finding import FoundHands
from mmhand.apis.finding.hand_reader import HandReader, HandReadings, geometric_median
from mmhand.apis.finding.pairing import merge_boxes, pair_hands
from mmhand.apis.finding.palm_search import tiles_of
from mmhand.apis.finding.partner_search import PartnerSearch
from mmhand.apis.finding.suppression import keep_hands, known_hands
from mmhand.apis.finding.turned_crops import (
    Patch,
    Picture,
    apply_affines,
    crop_affines,
    invert_affines,
    squares_of_hands,
)
from mmhand.utils.errors import HandConfigError, HandDataError


def upright_hand():
    """(21, 2) a flat hand that points up, about 100 pixels long, wrist at zero."""
    points = [(0.0, 0.0)]
    for finger, x in enumerate((-30, -18, -5, 8, 20)):
        start, length = ((-12, -15), 14) if finger == 0 else ((x, -50), 14)
        lean = -10 if finger == 0 else 0
        points += [(start[0] + lean * k, start[1] - length * k) for k in range(4)]
    return np.array(points, float)


def turned(points, angle, center, scale=1.0):
    cos, sin = np.cos(angle), np.sin(angle)
    return points @ np.array([[cos, sin], [-sin, cos]]) * scale + center


def test_squares_follow_the_hand():
    hand = upright_hand()
    angles = np.array([0.0, 0.7, -2.5])
    many = np.stack([turned(hand, angle, (200, 150), 1.5) for angle in angles])
    squares = squares_of_hands(many)
    np.testing.assert_allclose(np.cos(squares[:, 3] - squares[0, 3] - angles), 1)
    np.testing.assert_allclose(squares[:, 2], squares[0, 2])
    crops = apply_affines(crop_affines(squares, 224), many)
    # In its own crop every hand looks the same: upright, in the middle half.
    np.testing.assert_allclose(crops[1:], crops[[0, 0]], atol=1e-6)
    assert (crops[0, 0, 1] - crops[0, 9, 1]) > 30
    assert crops.min() > 15
    assert crops.max() < 204
    back = apply_affines(invert_affines(crop_affines(squares, 224)), crops)
    np.testing.assert_allclose(back, many)


@pytest.mark.parametrize('shape', [(90, 120), (360, 480)])
def test_crops_of_halved_pictures_stay_in_place(shape):
    """A smooth picture looks the same through a crop, whatever level it is taken from."""
    height, width = shape
    y, x = np.mgrid[:height, :width]
    image = np.stack((x / width, y / height, (x + y) / (width + height)), -1)
    picture = Picture((255 * image).astype(np.uint8))
    affine = crop_affines(np.array([[width / 2, height / 2, height * 0.6, 0.3]]), 40)
    crop = picture.crop(affine[0], 40).astype(float)
    grid = np.stack(np.meshgrid(np.arange(40), np.arange(40)), -1).reshape(1, -1, 2).astype(float)
    where = apply_affines(invert_affines(affine), grid)[0]
    wanted = 255 * where / (width, height)
    assert np.abs(crop.reshape(-1, 3)[:, :2] - wanted).max() < 3


@pytest.mark.parametrize('size', [(640, 480), (480, 640), (1280, 300), (100, 100)])
def test_tiles_cover_the_picture(size):
    width, height = size
    squares = tiles_of(width, height, (1, 2))
    assert squares[0].tolist() == [width / 2, height / 2, max(size), 0]
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    seen = np.zeros((height, width), bool)
    for cx, cy, side, _ in squares[1:]:
        seen |= (abs(x + 0.5 - cx) <= side / 2) & (abs(y + 0.5 - cy) <= side / 2)
    assert seen.all()


def test_touching_hands_stay_and_doubles_go():
    hand = upright_hand()
    mirrored = hand * (-1, 1)
    one = turned(hand, 0, (200, 200))
    again = one + 3
    # The same points read as the other hand: the little finger is the thumb.
    fingers = one[1:].reshape(5, 4, 2)[::-1].reshape(20, 2)
    as_left = np.concatenate((one[:1], fingers)) + 2
    crossing = turned(mirrored, 1.2, (230, 190))
    small = turned(hand, 0, (200, 165), 0.25)
    keypoints = np.stack((one, again, as_left, crossing, small))
    assert keep_hands(keypoints, np.array([0.9, 0.8, 0.85, 0.7, 0.95])).tolist() == [0, 3]
    # A doubtful large reading does not take a sure small one with it.
    assert 4 in keep_hands(keypoints, np.array([0.5, 0.4, 0.4, 0.7, 0.95]))
    assert keep_hands(np.zeros((0, 21, 2)), np.zeros(0)).tolist() == []


def test_known_hands_are_known_again_under_any_name():
    one = turned(upright_hand(), 0, (200, 200))
    other = turned(upright_hand() * (-1, 1), 1.2, (230, 190))
    mirrored = np.concatenate((one[:1], one[1:].reshape(5, 4, 2)[::-1].reshape(20, 2)))
    assert known_hands(np.stack((one + 3, other, mirrored)), one[None]).tolist() == [1, 0, 1]
    assert known_hands(one[None], np.zeros((0, 21, 2))).tolist() == [False]
    assert known_hands(np.zeros((0, 21, 2)), one[None]).tolist() == []


@pytest.mark.parametrize(
    ('right', 'chance', 'found'), [(0.1, 0.9, 1), (0.95, 0.9, 0), (0.1, 0.2, 0)]
)
def test_a_partner_is_a_hand_of_the_other_side_where_one_is_guessed(right, chance, found):
    """What is read beside a right hand and is a right hand, too, is that hand."""
    first, partner = turned(upright_hand(), 0, (200, 200)), turned(upright_hand(), 0.3, (260, 210))
    square = squares_of_hands(first[None])
    picture = Picture(np.zeros((400, 400, 3), np.uint8))

    class Reader(HandReader):
        """Sees the partner in every crop."""

        def __call__(self, pictures, owners, squares, mirrored=None):
            count = len(owners)
            points = np.repeat(partner[None], count, 0)
            ones = np.ones(count)
            return HandReadings(
                owners, squares, points, np.zeros((count, 21, 3)), 0.9 * ones, right * ones
            )

    search = PartnerSearch(Reader(None, 224))

    search.guess = lambda pictures, hands: (partner[None] + 3, np.array([chance]))
    one = np.ones(1)
    hand = HandReadings(np.zeros(1, int), square, first[None], np.zeros((1, 21, 3)), one, one)
    readings, agreement, missed = search([picture], hand, np.array([0]))
    assert len(readings) == len(agreement) == found
    # Where there seems to be one that cannot be read, palms are looked for.
    assert missed.tolist() == ([0] if chance > 0.5 and not found else [])
    if found:
        np.testing.assert_allclose(readings.keypoints[0], partner, atol=1)
        assert readings.right[0] < 0.5


def test_patches_are_in_the_coordinates_of_their_pictures():
    image = np.random.default_rng(0).integers(0, 255, (60, 80, 3)).astype(np.uint8)
    affine = np.array([[1.0, 0, -10], [0, 1, -20]])
    patch = Patch(Picture(image).crop(affine, 40), affine)
    inside = np.array([[1.0, 0, -15], [0, 1, -25]])
    np.testing.assert_array_equal(patch.crop(inside, 20), Picture(image).crop(inside, 20))


def found_hands(bboxes, sides):
    number = len(sides)
    return FoundHands(
        np.array(bboxes, np.float32),
        np.array(sides),
        np.linspace(1, 0.5, number),
        1.0 - np.array(sides),
        np.zeros((number, 21, 2)),
        np.ones((number, 21)),
        np.zeros((number, 21, 3)),
        np.zeros((number, 2, 3)),
    )


def test_pairs_are_the_nearest_of_opposite_sides():
    boxes = [(0, 0, 10, 10), (100, 0, 10, 10), (14, 0, 10, 10), (0, 50, 10, 10)]
    found = found_hands(boxes, [0, 0, 1, 0])
    assert pair_hands(found) == [(0, 2), (1,), (3,)]
    np.testing.assert_allclose(merge_boxes(found)[0], (0, 0, 24, 10))
    assert merge_boxes(found_hands(np.zeros((0, 4)), [])).shape == (0, 4)


def fake_network(batch):
    """Reads the brightest pixel as all joints; x of the first tenth of a metre; surely right."""
    number, size = len(batch), batch.shape[-1]
    flat = batch.sum(1).reshape(number, -1).argmax(1)
    point = np.stack((flat % size, flat // size), -1).astype(float)
    joints = np.zeros((number, 21, 3))
    joints[:, 1, 0] = 0.1
    return np.repeat(point[:, None], 21, 1), np.zeros((number, 21)), joints, *np.ones((2, number))


def test_readings_come_back_turned_and_unmirrored():
    image = np.zeros((100, 120, 3), np.uint8)
    image[40:43, 70:73] = 255
    squares = np.array([[60, 50, 80, 0.0], [60, 50, 80, 0.5], [60, 50, 80, 0.5]])
    found = HandReader(fake_network, 224)(
        [Picture(image)], np.zeros(3, int), squares, np.array([False, False, True])
    )
    np.testing.assert_allclose(found.keypoints, np.broadcast_to((71, 41), (3, 21, 2)), atol=1.5)
    np.testing.assert_allclose(found.right, (1, 1, 0))
    along = 0.1 * np.array([np.cos(0.5), np.sin(0.5), 0])
    np.testing.assert_allclose(found.joints[:, 1], ((0.1, 0, 0), along, -along), atol=1e-9)


def test_one_crop_that_is_wrong_does_not_move_a_joint():
    rng = np.random.default_rng(0)
    points = rng.normal(50, 1, (10, 2, 21, 2))
    points[3, 0] += 40
    points[4:, 1] += 40
    weights = np.ones((10, 2))
    weights[4:, 1] = 0.01
    found = geometric_median(points, weights, np.full(2, 0.5))
    assert np.abs(found - 50).max() < 2
    # Few crops have no outlier.
    np.testing.assert_allclose(
        geometric_median(points[:2], weights[:2], np.ones(2)), points[:2].mean(0)
    )
    # Weights that are nothing everywhere do not divide by nothing.
    assert np.isfinite(geometric_median(points, np.zeros((10, 2)), np.zeros(2))).all()


@pytest.fixture(scope='module')
def finder():
    return OpenHandFinder(views=2)


def test_no_hand_is_no_error(finder):
    pictures = [np.full((1, 1, 3), 9, np.uint8), np.zeros((40, 300, 3), np.uint8)]
    for found in finder.find(pictures):
        assert len(found) == 0
        assert found.keypoints_2d.shape == (0, 21, 2)
    assert finder(pictures[1]).shape == (0, 4)
    assert finder.find([]) == []


def test_boxes_give_one_hand_each_in_their_order(finder):
    picture = np.random.RandomState(0).randint(0, 255, (60, 80, 3)).astype(np.uint8)
    boxes = np.array([[10, 10, 20, 20], [40, 20, 30, 25]], float)
    found = finder.find([picture, picture], [boxes, np.zeros((0, 4))])
    assert [len(each) for each in found] == [2, 0]
    assert not found[0].keypoints_3d[:, 0].any()
    assert np.isfinite(found[0].keypoints_2d).all()
    for wrong in ([[0, 0, 0, 5]], [[0, 0, np.nan, 5]]):
        with pytest.raises(HandDataError, match='with a positive size'):
            finder.find([picture], [wrong])
    with pytest.raises(HandDataError, match='1 pictures and 2 lists'):
        finder.find([picture], [boxes, boxes])
    with pytest.raises(HandConfigError, match='not one of torch, onnxruntime'):
        OpenHandFinder(engine='caffe')


def test_onnxruntime_gives_what_torch_gives(finder):
    pytest.importorskip('onnxruntime')
    pytest.importorskip('onnx')
    other = OpenHandFinder(engine='onnxruntime', views=2)
    batch = np.random.RandomState(0).rand(3, 3, 224, 224).astype(np.float32)
    for ours, theirs in zip(finder.reader.network(batch), other.reader.network(batch), strict=True):
        np.testing.assert_allclose(theirs, ours, atol=2e-3)
    batch = batch[:, :, :192, :192]
    for ours, theirs in zip(finder.search.network(batch), other.search.network(batch), strict=True):
        np.testing.assert_allclose(theirs, ours, atol=2e-3)


@pytest.mark.parametrize('name', ['two_hands_1', 'two_hands_2'])
def test_hands_of_a_pair_are_of_different_sides(repo, name):
    """Far-turned crops are unsure of the second picture's right hand."""
    picture = cv2.imread(str(repo / 'demo' / 'images' / f'{name}.jpg'))
    (found,) = OpenHandFinder().find([picture])
    assert sorted(found.sides) == [0, 1]
    assert (np.abs(found.right_scores - 0.5) > 0.2).all()

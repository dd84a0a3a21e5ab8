"""Crop, augmentation and mirroring: golden numbers, and properties that hold for every draw."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmhand.datasets.mano_params import AnnotatedPair
from mmhand.datasets.transforms import (
    HandAffineParams,
    HandBBoxCrop,
    HandColorJitter,
    HandColorParams,
    HandTopdownAffine,
    LoadHandImage,
    RandomHandAffine,
    mirror_hands,
)
from mmhand.structures import convert_joints, invert_affine, square_bbox_interhand, transform_points
from mmhand.utils.errors import HandConfigError, HandDataError

WIDTH, HEIGHT = 334, 512


def noise(shape, k):
    """The recipe's pseudo-noise: sin(12.9898 i + 78.233 k) in C order."""
    count = int(np.prod(shape))
    return np.sin(np.arange(count, dtype=np.float64) * 12.9898 + k * 78.233).reshape(shape)


def smooth_image(rng, height=HEIGHT, width=WIDTH):
    return cv2.GaussianBlur(rng.integers(0, 256, (height, width, 3), np.uint8), (0, 0), 4)


def make_record(seed=0, **changes):
    """A complete record whose 2D joints are the projections of its 3D joints."""
    rng = np.random.default_rng(seed)
    pair = PAIR
    pose = rng.normal(0, 0.3, (2, 48)).astype(np.float32)
    betas = rng.normal(0, 1, (2, 10)).astype(np.float32)
    transl = (rng.normal(0, 0.05, (2, 3)) + (0, 0, 0.9)).astype(np.float32)
    joints = pair.joints(pose[None], betas[None], transl[None])[0]
    intrinsics = np.array([[1200.0, 0, 160], [0, 1210, 250], [0, 0, 1]], np.float32)
    image = joints @ intrinsics.T
    record = dict(
        img=smooth_image(rng),
        sample_id='made/up',
        bbox=np.array([90.0, 160.0, 150.0, 120.0], np.float32),
        keypoints_3d=joints,
        keypoints_2d=image[..., :2] / image[..., 2:],
        keypoint_valid=(rng.random((2, 21)) < 0.8).astype(np.float32),
        hand_present=np.array([1, rng.integers(2)], np.float32),
        hand_type='interacting',
        root_depth=joints[:, 0, 2],
        camera=dict(K=intrinsics, R=np.eye(3, dtype=np.float32), t=np.zeros(3, np.float32)),
        mano_pose=pose,
        mano_betas=betas,
        mano_trans=transl,
        mano_rest_wrist=pair.rest_wrists(betas).astype(np.float32),
        mano_valid=np.array([1, 0], np.float32),
        hand_masks=(rng.random((HEIGHT, WIDTH, 4)) < 0.5).astype(np.uint8),
        depth=rng.random((HEIGHT, WIDTH), np.float32),
    )
    record.update(changes)
    return record


PAIR = AnnotatedPair('OpenHand')


def crop(record, params=None, size=256):
    results = HandBBoxCrop()(LoadHandImage()(dict(record)))
    results = RandomHandAffine().apply(results, params or HandAffineParams())
    return HandTopdownAffine(input_size=size)(results)


params = st.builds(
    HandAffineParams,
    shift=st.tuples(st.floats(-0.15, 0.15), st.floats(-0.15, 0.15)),
    scale=st.floats(0.75, 1.25),
    rotation=st.floats(-90, 90),
    flip=st.booleans(),
)


class TestGolden:
    """Block C of the two-hand goldens: bbox, affine and augmentation of the released code."""

    BBOX = np.array([100.0, 150, 120, 80], np.float32)
    AUG = HandAffineParams(shift=(0.1, -0.05), scale=1.2, rotation=30.0, flip=True)

    def record(self):
        valid = (np.arange(42) % 5 != 0).astype(np.float32).reshape(2, 21)
        joints = (100 * noise((42, 3), 31)).astype(np.float32).reshape(2, 21, 3)
        return dict(
            img=np.full((HEIGHT, WIDTH, 3), 128, np.uint8),
            bbox=self.BBOX,
            # Its joints are in MANO's order; ours are canonical.
            keypoints_3d=convert_joints(joints, 'mano21', 'canonical'),
            keypoint_valid=convert_joints(valid, 'mano21', 'canonical', axis=-1),
            hand_present=np.array([1, 0], np.float32),
            hand_type='right',
            mano_betas=np.arange(20, dtype=np.float32).reshape(2, 10),
        )

    def test_box(self):
        results = HandBBoxCrop()(dict(bbox=self.BBOX))
        center, size = results['bbox_center'], results['bbox_size']
        np.testing.assert_array_equal([*(center - size / 2), *size], [85, 115, 150, 150])
        np.testing.assert_array_equal(square_bbox_interhand(self.BBOX), [85, 115, 150, 150])

    def test_affine_without_augmentation(self):
        got = crop(self.record())['affine']
        want = [[1.70667, 0, -145.06667], [0, 1.70667, -196.26666]]
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-5)

    def test_affine_scaled_and_rotated(self):
        got = crop(self.record(), HandAffineParams(scale=1.2, rotation=30.0))['affine']
        want = [[1.23168, 0.71111, -204.17998], [-0.71111, 1.23168, 7.75847]]
        np.testing.assert_allclose(got, want, rtol=0, atol=2e-5)

    def test_full_augmentation(self):
        results = crop(self.record(), self.AUG)
        joints = convert_joints(results['keypoints_3d'], 'canonical', 'mano21').reshape(42, 3)
        np.testing.assert_allclose(joints[0], (-38.41466, 132.16533, 74.32748), atol=2e-5)
        np.testing.assert_allclose(joints[25], (45.1171, -113.94196, -42.74792), atol=2e-5)
        valid = convert_joints(results['keypoint_valid'], 'canonical', 'mano21', axis=-1)
        assert np.flatnonzero(valid.reshape(42) == 0).tolist() == [4, 9, 14, 19, 21, 26, 31, 36, 41]
        assert results['hand_type'] == 'left'
        assert results['hand_present'].tolist() == [0, 1]
        assert results['mano_betas'].reshape(20).tolist() == [*range(10, 20), *range(10)]

    def test_inverse_affine_to_the_mirrored_picture(self):
        affine = crop(self.record(), self.AUG)['affine'].astype(np.float64)
        mirror = np.array([[-1.0, 0, WIDTH - 1], [0, 1, 0], [0, 0, 1]])
        to_mirrored = (mirror @ np.vstack([invert_affine(affine), [0, 0, 1]]))[:2]
        want = [[0.60892, -0.35156, 125.05771], [0.35156, 0.60892, 59.55771]]
        np.testing.assert_allclose(to_mirrored, want, rtol=0, atol=2e-5)

    def test_colour_gain(self):
        results = LoadHandImage(to_float32=True)(self.record())
        results = RandomHandAffine().apply(HandBBoxCrop()(results), self.AUG)
        results = HandTopdownAffine()(results)
        # The release's gains are for RGB.
        jitter = HandColorJitter()
        rgb = jitter.apply(results, HandColorParams((1.0, 0.9, 1.1)))['img'][128, 128, ::-1]
        np.testing.assert_allclose(rgb, (140.8, 115.2, 128.0), rtol=1e-6)
        results['img'] = np.full((4, 4, 3), 128, np.uint8)
        rounded = jitter.apply(results, HandColorParams((1.0, 0.9, 1.1)))['img'][0, 0, ::-1]
        assert rounded.tolist() == [141, 115, 128]

    def test_box_is_not_edited_in_place(self):
        record = self.record()
        before = {key: np.array(value) for key, value in record.items()}
        for _ in range(3):
            crop(record, self.AUG)
        for key, value in record.items():
            np.testing.assert_array_equal(value, before[key], err_msg=key)


class TestProperties:
    @settings(max_examples=40, deadline=None)
    @given(params=params, seed=st.integers(0, 3))
    def test_projection_and_hand_model_follow_the_crop(self, params, seed):
        results = crop(make_record(seed), params, size=64)
        image = results['keypoints_3d'].astype(np.float64) @ results['camera']['K_crop'].T
        np.testing.assert_allclose(
            image[..., :2] / image[..., 2:], results['keypoints_2d'], rtol=0, atol=2e-3
        )
        posed = PAIR.joints(*(results[f'mano_{key}'][None] for key in ('pose', 'betas', 'trans')))
        np.testing.assert_allclose(posed[0], results['keypoints_3d'], rtol=0, atol=3e-6)
        frame = results['camera']['frame']
        np.testing.assert_allclose(frame @ frame.T, np.eye(3), atol=1e-6)
        assert np.sign(np.linalg.det(frame)) == (-1 if params.flip else 1)

    @settings(max_examples=40, deadline=None)
    @given(params=params)
    def test_affine_round_trip(self, params):
        record = make_record(1)
        results = crop(record, params)
        back = transform_points(results['keypoints_2d'], invert_affine(results['affine']))
        expected = record['keypoints_2d'][::-1] if params.flip else record['keypoints_2d']
        np.testing.assert_allclose(back, expected, rtol=0, atol=5e-3)
        np.testing.assert_array_equal(results['bbox'], record['bbox'])

    @settings(max_examples=30, deadline=None)
    @given(params=params)
    def test_picture_moves_with_the_joints(self, params):
        """A bright dot painted at a joint is found at the joint in the crop."""
        record = make_record(2)
        point = np.array([160.3, 214.8])
        record['keypoints_2d'][0, 0] = point
        record['img'] = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        shift = 16  # fractional bits
        at = tuple(int(v) for v in np.round(point * (1 << shift)))
        cv2.circle(record['img'], at, 6 << shift, (255, 255, 255), -1, cv2.LINE_AA, shift)
        results = crop(record, params)
        where = results['keypoints_2d'][1 if params.flip else 0, 0]
        weights = results['img'][..., 0].astype(np.float64)
        rows, columns = np.mgrid[:256, :256]
        found = np.array([(columns * weights).sum(), (rows * weights).sum()]) / weights.sum()
        np.testing.assert_allclose(found, where, rtol=0, atol=0.15)

    @settings(max_examples=20, deadline=None)
    @given(seed=st.integers(0, 5))
    def test_mirroring_twice_is_identity(self, seed):
        record = LoadHandImage()(make_record(seed, bbox_center=np.array([50.5, 60])))
        before = dict(record)
        once = mirror_hands(dict(record))
        assert once['flipped']
        assert not np.array_equal(once['img'], before['img'])
        twice = mirror_hands(once)
        assert not twice.pop('flipped')
        for key, value in before.items():
            if key == 'camera':
                for name in value:
                    np.testing.assert_allclose(twice[key][name], value[name], atol=1e-3)
            elif isinstance(value, np.ndarray):
                np.testing.assert_allclose(twice[key], value, rtol=0, atol=1e-4, err_msg=key)
            else:
                assert twice[key] == value

    def test_mirroring_the_picture_first_gives_the_same_crop(self):
        record = make_record(4)
        folded = crop(record, HandAffineParams(flip=True, rotation=20.0))
        first = HandBBoxCrop()(mirror_hands(LoadHandImage()(dict(record))))
        first = RandomHandAffine().apply(first, HandAffineParams(rotation=20.0))
        first = HandTopdownAffine()(first)
        for key in ('keypoints_2d', 'affine', 'keypoints_3d', 'mano_pose', 'mano_trans'):
            np.testing.assert_allclose(folded[key], first[key], rtol=0, atol=1e-3, err_msg=key)
        assert np.abs(folded['img'].astype(int) - first['img']).max() <= 6
        assert (folded['hand_masks'] != first['hand_masks']).mean() < 0.01
        assert np.isclose(folded['depth'], first['depth']).mean() > 0.99


def test_mirroring_swaps_sides_everywhere():
    record = LoadHandImage()(make_record(0, hand_type='right', hand_present=np.float32([1, 0])))
    results = mirror_hands(dict(record))
    assert results['hand_type'] == 'left'
    assert results['hand_present'].tolist() == [0, 1]
    assert results['mano_valid'].tolist() == [0, 1]
    np.testing.assert_array_equal(results['mano_betas'], record['mano_betas'][::-1])
    np.testing.assert_array_equal(
        results['hand_masks'], record['hand_masks'][:, ::-1][..., [2, 3, 0, 1]]
    )
    np.testing.assert_array_equal(results['depth'], record['depth'][:, ::-1])
    x, y, w, h = record['bbox']
    assert results['bbox'].tolist() == [WIDTH - 1 - x - w, y, w, h]
    kept = mirror_hands(dict(record), swap_mano_valid=False)
    assert kept['mano_valid'].tolist() == [1, 0]


def test_release_keeps_mano_valid_in_place_on_request():
    results = HandBBoxCrop()(LoadHandImage()(make_record()))
    results = RandomHandAffine().apply(results, HandAffineParams(flip=True))
    results = HandTopdownAffine(swap_mano_valid=False)(results)
    assert results['mano_valid'].tolist() == [1, 0]


def test_draws_follow_their_distributions():
    rng = np.random.RandomState(0)
    draws = [RandomHandAffine().sample(rng) for _ in range(6000)]
    shift = np.array([draw.shift for draw in draws])
    assert np.abs(shift).max() <= 0.15
    np.testing.assert_allclose(shift.std(0), 0.3 / np.sqrt(12), rtol=0.05)
    scale = np.array([draw.scale for draw in draws])
    assert (scale.min(), scale.max()) == (0.75, 1.25)
    np.testing.assert_allclose((scale == 1.25).mean(), 0.1587, atol=0.02)
    rotation = np.array([draw.rotation for draw in draws])
    assert (rotation.min(), rotation.max()) == (-90, 90)
    np.testing.assert_allclose((rotation != 0).mean(), 0.6, atol=0.02)
    np.testing.assert_allclose(np.mean([draw.flip for draw in draws]), 0.5, atol=0.02)
    still = RandomHandAffine(shift=0, scale=0, rotate_prob=0, flip_prob=0).sample(rng)
    assert still == HandAffineParams()


def test_global_state_is_what_is_drawn_from():
    def draw():
        np.random.seed(3)  # noqa: NPY002
        results = dict(bbox_center=np.zeros(2), bbox_size=np.ones(2))
        return RandomHandAffine()(results)['bbox_center']

    np.testing.assert_array_equal(draw(), draw())


def test_box_that_is_a_crop_already_is_not_enlarged():
    box = np.array([10.0, 20, 30, 40], np.float32)
    results = HandBBoxCrop()(dict(bbox=box, bbox_is_crop=True))
    assert results['bbox_size'].tolist() == [30, 40]
    assert results['bbox_center'].tolist() == [25, 40]


def test_crop_without_area_names_the_sample():
    results = HandBBoxCrop()(LoadHandImage()(make_record(bbox=np.zeros(4, np.float32))))
    with pytest.raises(HandDataError, match='sample made/up: cannot crop the box'):
        HandTopdownAffine()(results)


def test_sizes_and_mask_modes():
    results = crop(make_record(), size=(48, 32))
    assert results['img'].shape == (32, 48, 3)
    assert results['img_shape'] == (32, 48)
    assert results['hand_masks'].shape == (32, 48, 4)
    with pytest.raises(HandConfigError, match='mask_mode'):
        HandTopdownAffine(mask_mode='cubic')
    disc = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.circle(disc, (165, 220), 40, 1, -1)
    sums = {}
    for mode in ('nearest', 'floor'):
        record = make_record(hand_masks=np.repeat(disc[..., None], 4, -1))
        results = HandBBoxCrop()(LoadHandImage()(record))
        results = HandTopdownAffine(mask_mode=mode)(results)
        assert set(np.unique(results['hand_masks'])) == {0, 1}
        sums[mode] = int(results['hand_masks'][..., 0].sum())
    # Half a pixel off the rim, of length 2 pi r in the crop.
    rim = 2 * np.pi * 40 * 256 / 187.5
    assert 0.2 * rim < sums['nearest'] - sums['floor'] < 1.2 * rim


def test_flat_camera_free_records_pass():
    """Sets without cameras or 3D joints use the same transforms."""
    record = dict(img=np.zeros((40, 60, 3), np.uint8), bbox=np.float32([5, 5, 20, 20]))
    results = crop(record, HandAffineParams(flip=True, rotation=10.0))
    assert results['img'].shape == (256, 256, 3)
    assert 'camera' not in results

"""Samples by index: reproducible, and consistent with their own annotations."""

import cv2
import numpy as np
import pytest
import torch

from mmhand.hand_models import OpenHand
from mmhand.structures import CANONICAL, tip_joints
from mmhand.synthesis import SynthesisConfig, render_sample, synthetic_batch
from mmhand.utils.errors import HandConfigError


def test_same_arguments_give_the_same_bytes_in_any_order(samples, small_config):
    from mmhand.synthesis.render import _renderer

    for index in (7, 2):
        _renderer.cache_clear()
        again = render_sample(11, index, small_config)
        for name in ('image', 'mask', 'depth'):
            assert np.array_equal(getattr(again, name), getattr(samples[index], name)), name
        assert again.camera.name == samples[index].camera.name
    other = render_sample(12, 2, small_config)
    assert not np.array_equal(other.camera.R, samples[2].camera.R)


def test_views_of_a_frame_show_the_same_hands(samples):
    first, second = samples[4], samples[5]
    assert (first.frame, first.view, second.view) == (2, 0, 1)
    assert np.array_equal(first.hands[0].vertices, second.hands[0].vertices)
    assert first.camera.name != second.camera.name


def test_images_have_content_and_the_camera_s_size(samples):
    for sample in samples:
        width, height = sample.camera.size
        assert sample.image.shape == (height, width, 3)
        assert sample.image.dtype == np.uint8
        assert sample.depth.shape == sample.mask.shape == (height, width)
        assert sample.image.std() > 5
        if sample.camera.grey:
            assert np.ptp(sample.image.astype(int), axis=-1).max() == 0
    assert {sample.camera.size for sample in samples} <= {(192, 126), (126, 192)}
    assert {sample.hand_type for sample in samples} >= {'interacting'}


def test_parameters_pose_the_model_into_the_annotated_joints(samples):
    """The MANO-style parameters, in world and camera frame, give the stored joints."""
    for sample in samples[::2]:
        for hand in sample.hands:
            model = OpenHand(hand.side)
            pose, trans = sample.camera_parameters(hand)
            for theta, shift, joints in (
                (hand.pose, hand.trans, hand.joints),
                (pose, trans, sample.joints_camera(hand)),
            ):
                theta, beta, shift = (
                    torch.from_numpy(x).float()[None] for x in (theta, hand.betas, shift)
                )
                with torch.no_grad():
                    out = model(theta[:, :3], theta[:, 3:], beta, shift)
                assert np.abs(out.joints[0].numpy() - joints).max() < 2e-6
                assert np.abs(shift[0].numpy()).max() < 3


def test_visible_masks_lie_in_amodal_ones_and_do_not_overlap(samples):
    for sample in samples:
        shown = [sample.plane(f'{hand.side}_visible') for hand in sample.hands]
        for hand, visible in zip(sample.hands, shown, strict=True):
            amodal = sample.plane(f'{hand.side}_amodal')
            assert not (visible & ~amodal).any()
            assert amodal.sum() > 100
        others = [sample.plane('object_visible'), sample.plane('forearm_visible')]
        assert (np.sum(shown + others, axis=0) <= 1).all()
        # Whatever is visible has a depth, and nothing else has.
        assert np.array_equal(np.any(shown + others, axis=0), sample.depth > 0)
        for side in {'right', 'left'} - {hand.side for hand in sample.hands}:
            assert not sample.plane(f'{side}_amodal').any()
        planes = sample.hand_masks
        assert planes.shape == (*sample.mask.shape, 4)
        assert np.array_equal(planes[..., 0], sample.plane('right_amodal'))


def test_joints_project_into_the_hull_of_the_amodal_mask(samples):
    for sample in samples:
        for hand in sample.hands:
            outline = np.argwhere(sample.plane(f'{hand.side}_amodal'))[:, ::-1]
            hull = cv2.convexHull(outline.astype(np.float32))
            inside = sample.camera.share_inside(hand.joints, 2)
            assert inside > 0.7
            for u, v in sample.joints_2d(hand):
                if 1 <= u < sample.mask.shape[1] - 2 and 1 <= v < sample.mask.shape[0] - 2:
                    distance = cv2.pointPolygonTest(hull, (float(u), float(v)), True)
                    assert distance > -2.0


def test_depth_agrees_with_the_joints(samples):
    """Joints (but for the tips, which lie on the skin) are inside the hand: behind the skin that is
    seen, by little unless another part of the hand is in front."""
    inner = [i for i, name in enumerate(CANONICAL.joints) if name not in tip_joints()]
    behind = []
    for sample in samples:
        for hand in sample.hands:
            pixel = np.rint(sample.joints_2d(hand)).astype(int)[inner]
            z = sample.joints_camera(hand)[inner, 2]
            height, width = sample.depth.shape
            visible = sample.plane(f'{hand.side}_visible')
            for (u, v), depth in zip(pixel, z, strict=True):
                if 0 <= u < width and 0 <= v < height and visible[v, u]:
                    behind.append(depth - sample.depth[v, u])
    assert len(behind) > 60
    assert min(behind) > -0.002
    assert max(behind) < 0.2
    assert np.median(behind) < 0.02


def test_solo_images_differ_only_where_the_other_things_are():
    config = SynthesisConfig(
        hands='interacting', image_size=(160, 160), views=1, solo_images=True, occluder_prob=1.0
    )
    sample = render_sample(3, 0, config)
    assert set(sample.solo_images) == {'right', 'left'}
    for side, image in sample.solo_images.items():
        changed = np.abs(image.astype(int) - sample.image).max(-1) > 24
        assert changed.any()
        # Background far from everything is the same.
        far = cv2.dilate((sample.mask > 0).astype(np.uint8), np.ones((9, 9))) == 0
        assert not (changed & far).any(), side


def test_synthetic_batch_is_small_and_counted():
    batch = synthetic_batch(2, seed=5)
    assert [sample.index for sample in batch] == [0, 1]
    assert all(sample.image.shape == (128, 128, 3) for sample in batch)


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(hands='three'), 'hands must be one of'),
        (dict(framing='loose'), 'framing must be one of'),
        (dict(image_size=(8, 8)), 'image_size'),
        (dict(views=0), 'views must be at least 1'),
        (dict(views=9, cameras=3), 'exceeds the cameras'),
        (dict(occluder_prob=1.5), 'occluder_prob must lie in'),
        (dict(sides=('both',)), 'sides must name'),
        (dict(turn=-0.1), 'turn must lie in'),
        (dict(gestures=('fist', 'wave')), 'unknown gesture wave; known: relaxed, flat'),
        (dict(single_poses='both'), 'single_poses must be one of own, meeting'),
        (dict(backgrounds=('plain', 'moon')), 'unknown background moon; known: studio, '),
    ],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(HandConfigError, match=message):
        SynthesisConfig(**settings)


def test_negative_index_and_unknown_model_are_refused():
    with pytest.raises(HandConfigError, match='index must be >= 0'):
        render_sample(0, -1)
    with pytest.raises(HandConfigError, match='no hand model "Paw"'):
        render_sample(0, 0, SynthesisConfig(hand_model='Paw'))

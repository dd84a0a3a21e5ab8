"""Adaptive 2D-1D registration."""

import cv2
import numpy as np
import pytest
import torch

from mmhand.fitting import mask_silhouette, register_root
from mmhand.hand_models import OpenHand
from mmhand.utils.errors import HandDataError

K = np.array([[500.0, 0, 112], [0, 500, 112], [0, 0, 1]])
SHIFT = np.array([0.02, -0.03, 0.55])


def project(points):
    pixels = points @ K.T
    return pixels[..., :2] / pixels[..., 2:]


@pytest.fixture(scope='module')
def hand():
    model = OpenHand(side='right')
    vertices = model.v_template - model.v_template.mean(0)
    return vertices.numpy().astype(np.float64), model.regress_joints(vertices).numpy()


def test_exact_pixels(hand):
    vertices, joints = hand
    pixels = project(joints + SHIFT)
    found = register_root(vertices, joints, pixels, np.ones(21), K)
    assert found == pytest.approx(SHIFT, abs=1e-5)
    tensors = (torch.from_numpy(np.float32(x)) for x in (vertices, joints, pixels, np.ones(21), K))
    tensor = register_root(*tensors)
    assert tensor.dtype == torch.float32
    assert tensor.numpy() == pytest.approx(SHIFT, abs=1e-4)


def test_outliers_and_unsure_joints_do_not_count(hand):
    vertices, joints = hand
    pixels, confidence = project(joints + SHIFT), np.ones(21)
    pixels[3] += 100
    confidence[3] = 0.05
    pixels[10, 0] += 40
    found = register_root(vertices, joints, pixels, confidence, K)
    assert found == pytest.approx(SHIFT, abs=1e-5)


@pytest.mark.parametrize('confidence', [0.0, 0.1, np.nan])
def test_no_joint_is_nan(hand, confidence):
    vertices, joints = hand
    found = register_root(vertices, joints, project(joints), np.full(21, confidence), K)
    assert np.isnan(found).all()


def outline(vertices):
    return cv2.convexHull(project(vertices + SHIFT).astype(np.float32))[:, 0]


@pytest.mark.parametrize(('off', 'share'), [(0.01, 0.0), (0.04, 0.5), (0.1, 1.0)])
def test_far_apart_the_silhouette_is_believed(hand, off, share):
    vertices, joints = hand
    pixels = project(joints + SHIFT + [0, 0, off])
    found = register_root(vertices, joints, pixels, np.ones(21), K, outline(vertices))
    assert found[2] - SHIFT[2] == pytest.approx((1 - share) * off, abs=2e-3)


def test_outline_of_a_mask():
    mask = np.zeros((112, 112), np.float32)
    mask[20:40, 30:80] = 0.9
    mask[90:95, 90:95] = 0.9
    found = mask_silhouette(torch.from_numpy(mask), 224)
    assert found.min(0) == pytest.approx([60, 40], abs=1)
    assert found.max(0) == pytest.approx([159, 79], abs=1)
    assert mask_silhouette(np.zeros((8, 8)), 224) is None


def test_wrong_shapes_end_in_one_line(hand):
    vertices, joints = hand
    with pytest.raises(HandDataError, match='K has shape'):
        register_root(vertices, joints, joints[:, :2], np.ones(21), np.eye(4))
    with pytest.raises(HandDataError, match='do not fit'):
        register_root(vertices, joints, joints[:20, :2], np.ones(21), K)

"""Samples are drawn where their hands are."""

import cv2
import numpy as np
import pytest
import torch
from mmengine.structures import PixelData

from mmhand.cameras import project
from mmhand.hand_models import OpenHand
from mmhand.structures import HandDataSample, HandInstances, crop_affine, transform_points
from mmhand.utils.errors import HandFileError
from mmhand.visualization import (
    HandVisualizer,
    face_table,
    image_keypoints,
    tile_images,
    write_image,
)
from mmhand.visualization.hand_visualizer import zoom_matrix
from mmhand.visualization.sample_view import camera_meshes, present, sides_of

K = np.array([[300.0, 0, 80], [0, 300, 60], [0, 0, 1]])
SIZE = (120, 160)


@pytest.fixture(scope='module')
def hand():
    model = OpenHand('right')
    with torch.no_grad():
        out = model(
            torch.tensor([[0.2, 0.1, 0.0]]),
            torch.zeros(1, 45),
            torch.zeros(1, 10),
            torch.tensor([[0.0, 0.0, 0.6]]),
        )
    return model, out


@pytest.fixture
def sample(hand):
    _, out = hand
    affine = crop_affine(np.array([10.0, 5.0, 120, 100]), (64, 64), rot_deg=20)
    uv = project(out.joints[0].double(), torch.from_numpy(K)).numpy()
    sample = HandDataSample(
        metainfo=dict(camera=dict(K=K, affine=affine), img_shape=(64, 64), ori_shape=SIZE)
    )
    sample.gt_hands = HandInstances(
        side=torch.tensor([0]),
        keypoints_2d=torch.from_numpy(transform_points(uv, affine))[None],
        keypoints_3d=out.joints,
        keypoint_valid=torch.ones(1, 21),
        bbox=torch.tensor([[20.0, 10.0, 100.0, 90.0]]),
    )
    sample.uv = torch.from_numpy(uv)
    return sample


def test_joints_come_back_from_the_crop(sample):
    points, valid = image_keypoints(sample.gt_hands, sample)
    np.testing.assert_allclose(points[0], sample.uv.numpy(), atol=1e-3)
    assert valid.all()


def test_joints_are_projected_where_there_are_no_pixels(sample):
    hands = HandInstances(side=torch.tensor([0]), keypoints_3d=sample.gt_hands.keypoints_3d.clone())
    np.testing.assert_allclose(image_keypoints(hands, sample)[0][0], sample.uv.numpy(), atol=1e-3)
    hands.keypoints_3d[0, 3, 2] = -1.0
    assert image_keypoints(hands, sample)[1].sum() == 20
    bare = HandDataSample()
    assert image_keypoints(hands, bare) is None


def test_a_turned_camera_frame_is_undone(sample):
    turn = cv2.Rodrigues(np.array([0.0, 0.0, 0.7]))[0]
    hands = HandInstances(
        side=torch.tensor([0]),
        keypoints_3d=sample.gt_hands.keypoints_3d @ torch.from_numpy(turn.T).float(),
    )
    sample.set_metainfo(dict(camera={**sample.camera, 'frame': turn}))
    np.testing.assert_allclose(image_keypoints(hands, sample)[0][0], sample.uv.numpy(), atol=1e-3)


def test_absent_hands_and_invalid_joints_are_hidden(sample):
    hands = sample.gt_hands.clone()
    hands.keypoint_valid[0, 5:] = 0
    assert image_keypoints(hands, sample)[1].sum() == 5
    hands.handedness_score = torch.tensor([0.2])
    assert not image_keypoints(hands, sample)[1].any()
    assert not present(hands).any()
    assert sides_of(HandInstances(bbox=torch.zeros(2, 4))).tolist() == [0, 1]


def test_meshes_are_drawn_where_their_joints_are(hand, sample):
    model, out = hand
    faces = face_table(torch.nn.Sequential(model))
    assert set(faces) == {(0, model.num_verts), (1, model.num_verts)}
    # A mirrored hand has its faces turned, or it would be seen from inside.
    assert np.array_equal(faces[1, model.num_verts], faces[0, model.num_verts][:, ::-1])
    there = HandInstances(side=torch.tensor([0]), vertices=out.vertices)
    ((side, mesh, _),) = camera_meshes(there, sample, faces)
    assert side == 0
    np.testing.assert_allclose(mesh, out.vertices[0].double(), atol=1e-6)
    # Root-relative predictions are placed by their pixels.
    root = out.joints[:, :1]
    relative = HandInstances(
        side=torch.tensor([0]),
        vertices=out.vertices - root,
        keypoints_3d=out.joints - root,
        keypoints_2d=sample.gt_hands.keypoints_2d,
    )
    ((_, placed, _),) = camera_meshes(relative, sample, faces)
    np.testing.assert_allclose(placed, mesh, atol=2e-3)
    # Without pixels, or without faces, there is no place and no mesh.
    del relative.keypoints_2d
    assert camera_meshes(relative, sample, faces) == []
    assert camera_meshes(there, sample, {}) == []
    assert camera_meshes(there, HandDataSample(), faces) == []


def test_a_sample_becomes_panels(hand, sample):
    model, out = hand
    sample.pred_hands = HandInstances(
        side=torch.tensor([0]), keypoints_2d=sample.gt_hands.keypoints_2d, vertices=out.vertices
    )
    visualizer = HandVisualizer('test-panels', min_height=0)
    visualizer.faces = face_table(model)
    image = np.full((*SIZE, 3), 90, np.uint8)
    drawn = visualizer.draw_sample(image, sample)
    assert drawn.shape[1] == 3 * SIZE[1] + 2 * 4
    only = visualizer.draw_sample(image, sample, draw_gt=False)
    assert only.shape[1] == 2 * SIZE[1] + 4
    assert visualizer.draw_sample(image, HandDataSample()).shape == image.shape
    # The mesh covers the middle of the palm.
    bar = drawn.shape[0] - SIZE[0]
    x, y = sample.uv[[0, 5, 17]].mean(0).round().int().tolist()
    assert not np.array_equal(drawn[bar + y, 2 * (SIZE[1] + 4) + x], [90, 90, 90])
    assert (image == 90).all()


def test_masks_are_brought_back_from_the_crop(sample):
    planes = torch.zeros(4, 32, 32, dtype=torch.uint8)
    planes[0, 8:24, 8:24] = 255
    sample.gt_sem_seg = PixelData(data=planes)
    del sample.gt_hands
    visualizer = HandVisualizer('test-masks', min_height=0)
    image = np.full((*SIZE, 3), 90, np.uint8)
    drawn = visualizer.draw_sample(image, sample)[-SIZE[0] :]
    tinted = (drawn != 90).any(-1)
    centre, outside = np.array([[70.0, 55.0], [20.0, 110.0]]).round().astype(int)
    assert tinted[centre[1], centre[0]]
    assert not tinted[outside[1], outside[0]]
    # A quarter of the box's area, whatever the planes' resolution.
    assert tinted.sum() == pytest.approx(120 * 100 / 4, rel=0.05)


def test_small_pictures_are_enlarged_about_pixel_centres():
    mapped = zoom_matrix(4.0) @ [10, 20, 1]
    np.testing.assert_allclose(mapped[:2], [41.5, 81.5])
    image = np.zeros((8, 8, 3), np.uint8)
    image[2, 5] = 255
    big = cv2.resize(image, None, fx=8, fy=8, interpolation=cv2.INTER_CUBIC)
    rows, columns = np.nonzero(big[..., 0] > 200)
    found = [columns.mean(), rows.mean(), 1]
    np.testing.assert_allclose(zoom_matrix(8.0) @ [5, 2, 1], found, atol=0.1)


def test_pictures_are_shown_saved_or_filed(tmp_path, sample, monkeypatch):
    backends = [dict(type='LocalVisBackend')]
    visualizer = HandVisualizer('test-filed', vis_backends=backends, save_dir=str(tmp_path / 'run'))
    image = np.full((*SIZE, 3), 90, np.uint8)
    visualizer.add_datasample('name', image, sample, step=3)
    assert (tmp_path / 'run/vis_data/vis_image/name_3.png').is_file()
    visualizer.add_datasample('name', image, sample, out_file=tmp_path / 'deep' / 'x.png')
    saved = cv2.imread(str(tmp_path / 'deep/x.png'))
    np.testing.assert_array_equal(saved[..., ::-1], visualizer.draw_sample(image, sample))
    shown = []
    monkeypatch.setattr(visualizer, 'show', lambda drawn, **kwargs: shown.append(kwargs))
    visualizer.add_datasample('name', image, None, show=True, wait_time=0.5)
    assert shown == [dict(win_name='name', wait_time=0.5)]


def test_unwritable_pictures_are_named(tmp_path):
    image = np.zeros((4, 4, 3), np.uint8)
    (tmp_path / 'file').write_text('')
    for name in ('file/x.jpg', 'x.unknown'):
        with pytest.raises(HandFileError, match='cannot write the picture'):
            write_image(tmp_path / name, image)


def test_contact_sheets():
    images = [np.full((h, 30, 3), 50, np.uint8) for h in (20, 40, 60)]
    sheet = tile_images(images, columns=2, height=40)
    assert sheet.shape == (40 + 4 + 40, 60 + 30, 3)


def test_a_picture_without_hands_is_drawn_as_it_is():
    sample = HandDataSample()
    sample.pred_hands = HandInstances(
        bbox=torch.zeros(0, 4), side=torch.zeros(0).long(), keypoints_2d=torch.zeros(0, 21, 2)
    )
    sample.pred_hands.set_field(torch.zeros(0), 'handedness_score')
    image = np.full((40, 60, 3), 90, np.uint8)
    drawn = HandVisualizer('empty').draw_hands(image.copy(), sample.pred_hands, sample)
    np.testing.assert_array_equal(drawn, image)

"""Overlay, views and glb of two hands; contact of two hands."""

import cv2
import numpy as np
import pytest
import torch

from mmhand.apis import HandInferencer
from mmhand.evaluation.metrics import HandContactMetric
from mmhand.hand_models import OpenHand
from mmhand.structures import HandDataSample, HandInstances
from mmhand.utils.errors import HandConfigError
from mmhand.visualization import face_table
from mmhand.visualization.two_hand_views import related_meshes, weak_perspective_meshes


@pytest.fixture(scope='module')
def hands():
    """Two hands 8 cm apart, and their faces."""
    models = [OpenHand('right'), OpenHand('left')]
    zero = torch.zeros(1, 48), torch.zeros(1, 10)
    outs = [m(zero[0][:, :3], zero[0][:, 3:], zero[1]) for m in models]
    apart = torch.tensor([[[0.0, 0, 0]], [[0.08, 0, 0.02]]])
    return (
        torch.cat([o.vertices for o in outs]) + apart,
        torch.cat([o.joints for o in outs]) + apart,
        face_table(torch.nn.ModuleList(models)),
    )


def sample_of(hands, **fields):
    vertices, joints, _ = hands
    sample = HandDataSample()
    sample.pred_hands = HandInstances(
        side=torch.arange(2), vertices=vertices, keypoints_3d=joints, **fields
    )
    return sample


def test_weak_perspective_puts_every_vertex_on_its_pixel(hands):
    vertices, joints, faces = hands
    fits = torch.tensor([[400.0, 60, 70], [380.0, 150, 80]])
    sample = sample_of(hands, weak_perspective=fits)
    affine = np.array([[0.5, 0.1, -20], [-0.1, 0.5, 5]])
    sample.set_metainfo({'camera': {'affine': affine}})
    meshes, K = weak_perspective_meshes(sample.pred_hands, sample, faces, (480, 640))
    assert [side for side, *_ in meshes] == [0, 1]
    knuckle = joints[:, 9]
    for row, (_, placed, _) in enumerate(meshes):
        uv = placed @ K.T
        uv = uv[:, :2] / uv[:, 2:]
        crop = uv @ affine[:, :2].T + affine[:, 2]
        expected = fits[row, 0] * (vertices[row] - knuckle[row])[:, :2] + fits[row, 1:]
        np.testing.assert_allclose(crop, expected.numpy(), atol=1e-2)
    # The left hand is behind the right one.
    assert meshes[1][1][:, 2].mean() > meshes[0][1][:, 2].mean()


def test_hands_without_a_place_keep_their_relation(hands):
    vertices, _, faces = hands
    sample = sample_of(hands, weak_perspective=torch.ones(2, 3))
    meshes = related_meshes(sample.pred_hands, sample, faces)
    shift = meshes[0][1] - vertices[0].numpy()
    np.testing.assert_allclose(meshes[1][1] - vertices[1].numpy(), shift, atol=1e-6)
    assert min(mesh[:, 2].min() for _, mesh, _ in meshes) == pytest.approx(0.5)


def test_pictures_of_the_reduced_model(tmp_path):
    inferencer = HandInferencer('twohand_cpu_interhand')
    image = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    (result,) = inferencer(image, out_dir=tmp_path)
    assert set(result.files) == {'overlay', 'json', 'mesh', 'views', 'glb'}
    assert len(result.files['mesh']) == 2
    views = cv2.imread(str(result.files['views'][0]))
    assert views.shape == (320, 960, 3)
    import trimesh

    scene = trimesh.load(result.files['glb'][0])
    assert {name.split('_')[0] for name in scene.geometry} == {'right', 'left'}


def test_contact_metric(hands):
    vertices, _, _ = hands
    metric = HandContactMetric(dict(type='OpenHand'))
    # The same mesh twice, a millimetre apart, touches everywhere; 50 mm apart it touches nowhere.
    metric.faces = (metric.faces[0], metric.faces[0])
    right = vertices[0]
    near = torch.stack((right, right + torch.tensor([0.0, 0, 0.001])))
    far = torch.stack((right, right + torch.tensor([0.0, 0, 0.051])))

    def pack(pred, gt):
        pair = dict(side=torch.arange(2))
        return dict(
            pred_hands=dict(pair, vertices=pred), gt_hands=dict(pair, vertices=gt), sample_id='s'
        )

    metric.process(None, [pack(near, near)])
    touching = metric.evaluate(1)
    assert touching['contact/deviation'] <= 1.0 + 1e-3
    assert touching['contact/penetration'] == pytest.approx(touching['contact/penetration_gt'])
    assert touching['contact/penetration'] > 0.5
    metric.process(None, [pack(far, near)])
    assert metric.evaluate(1)['contact/deviation'] > 45


def test_contact_metric_takes_every_nth_pair_and_the_data_sets_model(hands):
    vertices, _, _ = hands
    apart = vertices + torch.tensor([[[0.0, 0, 0]], [[0.5, 0, 0]]])
    pair = dict(side=torch.arange(2), vertices=apart)
    packed = dict(pred_hands=pair, gt_hands=pair, sample_id='s')
    metric = HandContactMetric(interval=3)
    with pytest.raises(HandConfigError, match='names none'):
        metric.process(None, [packed])
    metric = HandContactMetric(interval=3, max_samples=4)
    metric.dataset_meta = dict(hand_model=dict(type='OpenHand', side='left'))
    counts = []
    for _ in range(8):
        metric.process(None, [packed] * 2)
        counts.append(len(metric.results))
    assert counts == [1, 2, 2, 3, 4, 4, 4, 4]
    assert metric.evaluate(16)['contact/penetration'] == 0
    metric.process(None, [packed])
    assert len(metric.results) == 1
    with pytest.raises(HandConfigError, match='interval'):
        HandContactMetric(interval=0)

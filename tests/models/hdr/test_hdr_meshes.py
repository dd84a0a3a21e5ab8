"""Hand models laid into the joints that HDR finds."""

import pytest
import torch

from mmhand.apis.inference import without_pretraining
from mmhand.cameras import project
from mmhand.registry import MODELS
from mmhand.structures import HandDataSample
from mmhand.utils.config import load_config
from mmhand.visualization import face_table
from mmhand.visualization.sample_view import camera_meshes

K = torch.tensor([[300.0, 0, 80], [0, 300.0, 60], [0, 0, 1]])
PLACE = torch.tensor([[0.05, 0.02, 0.5], [-0.06, 0.0, 0.6]])


@pytest.fixture(scope='module')
def hdr():
    torch.manual_seed(0)
    model = without_pretraining(load_config('hdr_cpu_interhand').model)
    return MODELS.build({**model, 'mesh_fitter': dict(type='JointFitter')}).eval()


@pytest.fixture
def scene(hdr, monkeypatch):
    """Two posed hands, and a pose estimator that sees them exactly in every picture."""
    g = torch.Generator().manual_seed(1)
    joints, vertices = [], []
    for model, shift in zip(hdr.mesh_fitter.hand_models, PLACE, strict=True):
        orient, pose = torch.randn(1, 3, generator=g), model.sample_pose(1, g)
        out = model(orient, pose, torch.randn(1, 10, generator=g))
        shift = shift - out.joints[0, 0]
        joints.append(out.joints[0] + shift)
        vertices.append(out.vertices[0] + shift)
    joints = torch.stack(joints)
    lengths = (joints[:, 9] - joints[:, 0]).norm(dim=-1)
    seen = dict(
        keypoints_3d=(joints - joints[:, :1]) / lengths[:, None, None],
        keypoints_2d=project(joints, K.expand(2, 3, 3)),
        scores=torch.full((2, 21), 0.8),
    )

    def pose(hands):
        return {name: value.expand(len(hands.crops), *value.shape) for name, value in seen.items()}

    monkeypatch.setattr(hdr, '_pose', pose)
    return joints, torch.stack(vertices), lengths


def predict(hdr, metainfo, count=1):
    samples = [HandDataSample(metainfo=metainfo) for _ in range(count)]
    return hdr(torch.zeros(count, 3, 120, 160), samples, mode='predict')


def test_meshes_stand_where_the_hands_are(hdr, scene):
    joints, vertices, lengths = scene
    camera = dict(K=K.numpy())
    metainfo = dict(camera=camera, bone_length=tuple(lengths.tolist()), img_shape=(120, 160))
    for sample in predict(hdr, metainfo, count=2):
        hands = sample.pred_hands
        torch.testing.assert_close(hands.keypoints_3d, joints, atol=1e-4, rtol=0)
        error = 1000 * (hands.vertices - vertices).norm(dim=-1).mean(1)
        assert error.max() < 4.0
        assert 1000 * hands.fit_residual.max() < 2.0
        for row, model in enumerate(hdr.mesh_fitter.hand_models):
            pose, betas = hands.pose[row : row + 1], hands.betas[row : row + 1]
            own = model(pose[:, :3], pose[:, 3:], betas).vertices[0]
            again = hands.scale[row] * own + hands.transl[row]
            torch.testing.assert_close(hands.vertices[row], again, atol=1e-5, rtol=0)
        hands.present = torch.ones(2, dtype=torch.bool)
        assert [side for side, *_ in camera_meshes(hands, sample, face_table(hdr))] == [0, 1]


def test_without_a_length_the_hand_model_says_how_large(hdr, scene, monkeypatch):
    joints, _, lengths = scene
    monkeypatch.setattr(hdr, 'bone_length', None)
    (sample,) = predict(hdr, dict(camera=dict(K=K.numpy()), img_shape=(120, 160)))
    hands = sample.pred_hands
    torch.testing.assert_close(hands.scale, torch.ones(2))
    depth = hands.vertices[..., 2].mean(1) / joints[..., 2].mean(1)
    assert ((depth - 1).abs() < 0.25).all()
    # Without a camera too: meshes about the wrist.
    (sample,) = predict(hdr, dict(img_shape=(120, 160)))
    assert sample.pred_hands.vertices.norm(dim=-1).max() < 0.35


def test_no_meshes_without_a_fitter_and_no_weights_with_one(hdr):
    alone = MODELS.build(without_pretraining(load_config('hdr_cpu_interhand').model)).eval()
    with torch.no_grad():
        (sample,) = predict(alone, dict(img_shape=(120, 160)))
    assert not {'vertices', 'pose', 'scale'} & set(sample.pred_hands.keys())
    assert alone.state_dict().keys() == hdr.state_dict().keys()
    assert len(list(alone.parameters())) == len(list(hdr.parameters()))


@torch.no_grad()
def test_untrained_hands_are_in_front_of_the_camera(hdr):
    g = torch.Generator().manual_seed(2)
    pictures = 255 * torch.rand(2, 3, 120, 160, generator=g)
    samples = [HandDataSample(metainfo=dict(camera=dict(K=K.numpy()), img_shape=(120, 160)))] * 2
    for sample in hdr(pictures, samples, mode='predict'):
        assert sample.pred_hands.keypoints_3d[..., 2].min() > 0
        assert sample.pred_hands.vertices.isfinite().all()

"""InterNet as a whole: losses, camera-space predictions, weights."""

import json

import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope

from mmhand.models.internet import InterNet
from mmhand.models.internet.internet import depth_from_bones
from mmhand.registry import MODELS
from mmhand.structures import (
    HandDataSample,
    HandInstances,
    crop_affine,
    get_joint_set,
)
from mmhand.utils.errors import HandConfigError, HandDataError

WRIST = get_joint_set('canonical').index('wrist')
K = np.array([[600.0, 0, 160], [0, 610, 120], [0, 0, 1]], dtype=np.float32)


def config(**test_cfg):
    return {
        'type': 'InterNet',
        'data_preprocessor': {'mean': [0.0], 'std': [255.0], 'bgr_to_rgb': True},
        'backbone': {'type': 'mmpose.ResNet', 'depth': 18},
        'head': {
            'type': 'InterNetHead',
            'keypoint_head_cfg': {
                'in_channels': 512,
                'out_channels': 21 * 16,
                'depth_size': 16,
                'deconv_out_channels': (16, 16),
                'deconv_kernel_sizes': (4, 4),
            },
            'root_head_cfg': {'in_channels': 512, 'heatmap_size': 16, 'hidden_dims': (32,)},
            'hand_type_head_cfg': {'in_channels': 512, 'num_labels': 2, 'hidden_dims': (32,)},
            'codec': {
                'type': 'InterNetVolume',
                'input_size': (128, 128),
                'heatmap_size': (16, 16, 16),
                'root_bins': 16,
                'sigma': 1.0,
            },
        },
        'test_cfg': test_cfg,
    }


@pytest.fixture(scope='module', autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('mmhand'):
        yield


def scene(rot=0.0, flip=False, seed=0):
    """Two hands before a camera and their sample, crop included."""
    rng = np.random.default_rng(seed)
    joints = rng.uniform(-0.06, 0.06, (2, 21, 3)) + [[[-0.05, 0, 0.8]], [[0.06, 0, 0.85]]]
    uv = joints @ K.T
    uv = uv[..., :2] / uv[..., 2:]
    flat = uv.reshape(-1, 2)
    box = np.concatenate([flat.min(0), flat.max(0) - flat.min(0)])
    side = box[2:].max() * 1.25
    box = np.array([*(box[:2] + box[2:] / 2 - side / 2), side, side])
    affine = crop_affine(box, (128, 128), rot_deg=rot, flip=flip, image_width=320)
    crop = uv @ affine[:, :2].T + affine[:, 2]
    sample = HandDataSample(
        metainfo={
            'sample_id': f's{seed}',
            'hand_type': 'interacting',
            'hand_type_valid': 1.0,
            'camera': {'K': K, 'affine': affine},
            'root_depth': joints[:, WRIST, 2],
        }
    )
    sample.gt_hands = HandInstances(
        side=torch.arange(2),
        keypoints_2d=torch.from_numpy(crop).float(),
        keypoints_3d=torch.from_numpy(joints).float(),
        keypoint_valid=torch.ones(2, 21),
    )
    return sample


def batch(size=2):
    rng = torch.Generator().manual_seed(0)
    images = [
        torch.randint(0, 256, (3, 128, 128), dtype=torch.uint8, generator=rng) for _ in range(size)
    ]
    return {'inputs': images, 'data_samples': [scene(seed=n) for n in range(size)]}


@pytest.fixture(scope='module')
def model():
    torch.manual_seed(0)
    return MODELS.build(config())


def test_initial_weights():
    """Head convolutions N(0, .001), linear layers N(0, .01)."""
    torch.manual_seed(0)
    model = MODELS.build(config())
    model.init_weights()
    for hand in (model.head.right_hand_head, model.head.left_hand_head):
        assert hand.final_layer.weight.detach().std() == pytest.approx(1e-3, rel=0.05)
        assert hand.deconv_layers[0].weight.detach().std() == pytest.approx(1e-3, rel=0.05)
        assert not hand.final_layer.bias.any()
    assert model.head.root_head.fc[0].weight.detach().std() == pytest.approx(1e-2, rel=0.05)
    assert model.head.hand_type_head.fc[0].weight.detach().std() == pytest.approx(1e-2, rel=0.05)


def test_every_parameter_learns(model):
    model.train()
    data = model.data_preprocessor(batch(), True)
    losses = model(**data, mode='loss')
    assert set(losses) == {'loss_heatmap', 'loss_root_depth', 'loss_hand_type'}
    total, log = model.parse_losses(losses)
    total.backward()
    without = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert not without
    model.zero_grad()
    assert np.isfinite(log['loss'].item())


def test_a_head_that_knows_gives_back_the_hands(model):
    """Encoding, volumes, peaks, crop camera: within the voxel size of the truth."""

    class Knowing(torch.nn.Module):
        codec = model.head.codec

        def predict(self, feats, samples, test_cfg=None):
            target = model.head.targets(samples, torch.device('cpu'))
            return {
                **self.codec.decode(target['voxels'], target['root_bin']),
                'keypoint_scores': torch.ones(len(samples), 2, 21),
                'handedness_score': torch.ones(len(samples), 2),
            }

    known = MODELS.build(config())
    known.head = Knowing()
    samples = [scene(), scene(rot=35, seed=1), scene(flip=True, seed=2), scene(30, True, seed=3)]
    truth = [sample.gt_hands.keypoints_3d for sample in samples]
    out = known(torch.zeros(4, 3, 128, 128), samples, 'predict')
    for sample, joints in zip(out, truth, strict=True):
        pred = sample.pred_hands
        torch.testing.assert_close(pred.keypoints_3d, joints, atol=1e-5, rtol=0)
        torch.testing.assert_close(pred.root, joints[:, WRIST], atol=1e-5, rtol=0)
        assert pred.side.tolist() == [0, 1]


def test_root_is_the_predicted_relative_depth_not_the_given_one(model):
    """MRRPE compares the network's own relative depth (official evaluate())."""
    model.eval()
    data = model.data_preprocessor(batch(1))
    out = model(**data, mode='predict')[0]
    raw = model.tensor(data['inputs'])
    bins = raw['rel_root_bin'][0, 0]
    hands = out.pred_hands
    relative = (bins / 16 * 2 - 1) * 0.2
    wrist = hands.keypoints_3d[:, WRIST, 2] - hands.root_depth
    expected = hands.root_depth[0] + relative + wrist[1]
    torch.testing.assert_close(hands.root[1, 2], expected.detach(), atol=1e-5, rtol=0)
    torch.testing.assert_close(hands.root[0], hands.keypoints_3d[0, WRIST])
    assert hands.handedness_score.shape == (2,)


def test_tensor_mode(model):
    out = model(torch.zeros(1, 3, 128, 128))
    assert out['heatmaps'].shape == (1, 42, 16, 16, 16)
    assert out['rel_root_bin'].shape == (1, 1)
    assert out['hand_type_logits'].shape == (1, 2)


def test_flip_test_runs():
    torch.manual_seed(0)
    model = MODELS.build(config(flip_test=True)).eval()
    out = model.test_step(batch())
    assert out[1].pred_hands.keypoints_3d.isfinite().all()


def test_depth_from_bones_is_exact():
    sample = scene(seed=4)
    joints = sample.gt_hands.keypoints_3d.double()
    rays = joints / joints[..., 2:]
    bones = torch.tensor(get_joint_set('canonical').bones)
    lengths = (joints[:, bones[:, 0]] - joints[:, bones[:, 1]]).norm(dim=-1)
    for hand in (0, 1):
        depth = joints[hand, :, 2] - joints[hand, WRIST, 2]
        rms = lengths[hand].square().mean().sqrt().item()
        root = depth_from_bones(rays[hand], depth, bones, rms)
        torch.testing.assert_close(root, joints[hand, WRIST, 2])


def test_prediction_without_known_depth():
    torch.manual_seed(0)
    model = MODELS.build(config(root_depth='bone_length')).eval()
    data = batch()
    for sample in data['data_samples']:
        del sample.root_depth
    out = model.test_step(data)
    assert all((sample.pred_hands.root_depth > 0).all() for sample in out)


def test_one_unknown_depth_comes_from_the_other(model):
    data = batch(1)
    data['data_samples'][0].set_metainfo({'root_depth': np.array([0.8, np.nan])})
    model.eval()
    hands = model.test_step(data)[0].pred_hands
    assert hands.root_depth[0] == pytest.approx(0.8)
    wrist = hands.keypoints_3d[:, WRIST]
    torch.testing.assert_close(hands.root, wrist, atol=1e-5, rtol=0)


def test_what_is_missing_is_named(model):
    model.eval()
    data = batch(1)
    del data['data_samples'][0].root_depth
    with pytest.raises(HandDataError, match=r's0 has no root_depth .* RootNet'):
        model.test_step(data)
    data = batch(1)
    del data['data_samples'][0].camera
    with pytest.raises(HandDataError, match='s0 has no camera'):
        model.test_step(data)
    with pytest.raises(HandConfigError, match='root_depth'):
        MODELS.build(config(root_depth='guess'))


def test_weights_are_named_as_in_mmpose(model):
    """The official layers under mmpose's names: official and mmpose checkpoints convert."""
    reference = MODELS.build(
        {
            'type': 'mmpose.TopdownPoseEstimator',
            'backbone': {'type': 'mmpose.ResNet', 'depth': 18},
            'head': {
                'type': 'InternetHead',
                '_scope_': 'mmpose',
                **{
                    k: v
                    for k, v in config()['head'].items()
                    if k in ('keypoint_head_cfg', 'root_head_cfg', 'hand_type_head_cfg')
                },
            },
        }
    )
    ours, theirs = model.state_dict(), reference.state_dict()
    assert {k: v.shape for k, v in ours.items()} == {k: v.shape for k, v in theirs.items()}


def test_full_size_parameter_count(repo):
    """The heat-map branch has 47,305,474 parameters."""
    big = config()
    big['backbone']['depth'] = 50
    big['head'].update(
        keypoint_head_cfg={'in_channels': 2048, 'out_channels': 21 * 64, 'depth_size': 64},
        root_head_cfg={'in_channels': 2048, 'heatmap_size': 64, 'hidden_dims': (512,)},
        hand_type_head_cfg={'in_channels': 2048, 'num_labels': 2, 'hidden_dims': (512,)},
        codec={'type': 'InterNetVolume'},
    )
    with torch.device('meta'):
        model = MODELS.build(big)
    assert sum(p.numel() for p in model.parameters()) == 47_305_474
    assert isinstance(model, InterNet)
    assert json.loads((repo / 'tests/data/twohand_golden.json').read_text())

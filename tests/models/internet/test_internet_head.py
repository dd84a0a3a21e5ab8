"""InterNet's head against mmpose's, and what mmhand does differently."""

import pytest
import torch
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData

from mmhand.models.internet import InterNetHead
from mmhand.structures import HandDataSample, HandInstances, convert_joints, get_joint_set

CFG = {
    'keypoint_head_cfg': {
        'in_channels': 24,
        'out_channels': 21 * 8,
        'depth_size': 8,
        'deconv_out_channels': (16, 16),
        'deconv_kernel_sizes': (4, 4),
    },
    'root_head_cfg': {'in_channels': 24, 'heatmap_size': 8, 'hidden_dims': (12,)},
    'hand_type_head_cfg': {'in_channels': 24, 'num_labels': 2, 'hidden_dims': (12,)},
}
CODEC = {
    'type': 'InterNetVolume',
    'input_size': (48, 32),
    'heatmap_size': (12, 8, 8),
    'root_bins': 8,
    'sigma': 1.5,
}
WRIST = get_joint_set('canonical').index('wrist')


def randomise(module, seed=0):
    rng = torch.Generator().manual_seed(seed)
    for value in module.state_dict().values():
        if value.is_floating_point():
            value.copy_(0.3 * torch.randn(value.shape, generator=rng).abs())


@pytest.fixture
def pair():
    """Our head and mmpose's with the same weights."""
    from mmpose.models.heads import InternetHead  # after mmhand.models, which serves mmcv's ops

    with DefaultScope.overwrite_default_scope('mmpose'):
        ours, theirs = InterNetHead(**CFG, codec=CODEC), InternetHead(**CFG)
    randomise(theirs)
    ours.load_state_dict(theirs.state_dict())
    return ours, theirs


@pytest.fixture
def feats():
    rng = torch.Generator().manual_seed(1)
    return (torch.randn(3, 24, 2, 3, generator=rng),)


def samples():
    rng = torch.Generator().manual_seed(2)
    out = []
    for kind in ('interacting', 'right', 'left'):
        sample = HandDataSample(
            metainfo={'hand_type': kind, 'hand_type_valid': kind != 'left', 'sample_id': kind}
        )
        valid = (torch.rand(2, 21, generator=rng) > 0.2).float()
        valid[:, WRIST] = 1
        valid *= torch.tensor([[kind != 'left'], [kind != 'right']])
        sample.gt_hands = HandInstances(
            side=torch.arange(2),
            keypoints_2d=torch.rand(2, 21, 2, generator=rng) * torch.tensor([48.0, 32.0]),
            keypoints_3d=0.9 + 0.15 * torch.rand(2, 21, 3, generator=rng),
            keypoint_valid=valid,
        )
        out.append(sample)
    return out


@pytest.mark.parametrize('training', [True, False])
def test_forward_equals_mmpose(pair, feats, training):
    ours, theirs = (head.train(training) for head in pair)
    for mine, reference in zip(ours(feats), theirs(feats), strict=True):
        assert torch.equal(mine, reference)


def test_losses_equal_mmpose_on_the_same_targets(pair, feats):
    """mmpose's loss modules on targets rendered in full give the same three numbers."""
    from mmpose.structures import PoseDataSample

    ours, theirs = pair
    batch = samples()
    target = ours.targets(batch, torch.device('cpu'))
    volumes = ours.codec.render(target['voxels'])
    mirrored = []
    for row in range(len(batch)):
        sample = PoseDataSample()
        sample.gt_fields = InstanceData(heatmaps=volumes[row].flatten(0, 1))
        sample.gt_instance_labels = InstanceData(keypoint_weights=target['weights'][row : row + 1])
        labels = sample.gt_instance_labels
        labels.set_field(target['root_bin'][row], 'root_depth')
        labels.set_field(target['root_weight'][row], 'root_depth_weight')
        labels.set_field(target['hand_type'][row : row + 1], 'type')
        labels.set_field(target['hand_type_weight'][row : row + 1], 'type_weight')
        mirrored.append(sample)
    reference = theirs.loss(feats, mirrored, {'compute_acc': False})
    mine = ours.loss(feats, batch)
    torch.testing.assert_close(mine['loss_heatmap'], reference['loss_kpt'])
    torch.testing.assert_close(mine['loss_root_depth'], reference['loss_rel_root'])
    torch.testing.assert_close(mine['loss_hand_type'], reference['loss_hand_type'])


def test_targets_carry_hand_types_and_gated_joints(pair):
    target = pair[0].targets(samples(), torch.device('cpu'))
    assert target['hand_type'].tolist() == [[1, 1], [1, 0], [0, 1]]
    assert target['hand_type_weight'].tolist() == [1, 1, 0]
    assert target['root_weight'][:, 0].tolist()[1:] == [0, 0]
    weights = pair[0].codec.to_canonical(target['weights'])
    assert weights[1, 1].sum() == 0
    assert weights[1, 0].sum() > 10


def test_predict_decodes(pair, feats):
    head = pair[0].eval()
    with torch.no_grad():
        out = head.predict(feats)
        volumes, root_bin, logits = head(feats)
    assert out['keypoints_2d'].shape == (3, 2, 21, 2)
    torch.testing.assert_close(out['handedness_score'], logits.sigmoid())
    torch.testing.assert_close(out['rel_root_depth'], (root_bin[:, 0] / 8 * 2 - 1) * 0.2)
    best = volumes[1, 21].argmax()  # joint 0 of the left hand in the volumes' order: thumb tip
    x, y = best % 12, best // 12 % 8
    tip = get_joint_set('canonical').index('thumb4')
    assert out['keypoints_2d'][1, 1, tip].tolist() == [4.0 * x, 4.0 * y]


class MirrorHead(InterNetHead):
    """Answers from a "feature" that already holds the outputs."""

    def forward(self, feats):
        return feats


def test_flip_test_of_a_perfect_network_changes_nothing():
    """The outputs for the mirror image, un-mirrored, equal those for the image itself."""
    head = MirrorHead(**CFG, codec=CODEC)
    rng = torch.Generator().manual_seed(5)
    uv = torch.rand(2, 2, 21, 2, generator=rng) * torch.tensor([44.0, 28.0])
    depth = 0.9 + 0.1 * torch.rand(2, 2, 21, generator=rng)
    ones, both = torch.ones(2, 2, 21), torch.ones(2)
    logits = torch.tensor([[3.0, -1.0], [0.5, 2.0]])

    def outputs(uv, depth, logits):
        target = head.codec.encode(uv, depth, ones, both)
        return head.codec.render(target['voxels']), target['root_bin'], logits

    # mirror_inputs takes pixel u to W - stride - u, and the hands change sides.
    mirrored_uv = uv.flip(1).clone()
    mirrored_uv[..., 0] = 48 - 4 - mirrored_uv[..., 0]
    image = outputs(uv, depth, logits)
    mirror = outputs(mirrored_uv, depth.flip(1), logits.flip(1))
    merged = head._merge(tuple(value.clone() for value in image), mirror)
    for value, reference in zip(merged, image, strict=True):
        torch.testing.assert_close(value, reference, atol=1e-4, rtol=1e-5)
    flipped = head.predict([image, mirror], None, {'flip_test': True})
    plain = head.predict(outputs(uv, depth, logits))
    torch.testing.assert_close(flipped['rel_root_depth'], plain['rel_root_depth'])


def test_mirror_inputs_keeps_to_the_voxel_grid():
    head = InterNetHead(**CFG, codec=CODEC)
    image = torch.arange(48.0).expand(1, 3, 32, 48)
    mirrored = head.mirror_inputs(image)
    assert mirrored.shape == image.shape
    assert mirrored[0, 0, 0, :45].tolist() == [44.0 - u for u in range(45)]


def test_volumes_stay_float32_under_mixed_precision(pair, feats):
    ours = pair[0]
    with torch.autocast('cpu', dtype=torch.bfloat16):
        volumes, root_bin, logits = ours(feats)
        losses = ours.loss(feats, samples())
    assert volumes.dtype == root_bin.dtype == logits.dtype == torch.float32
    assert all(loss.dtype == torch.float32 for loss in losses.values())
    sum(losses.values()).backward()
    assert torch.isfinite(ours.right_hand_head.deconv_layers[0].weight.grad).all()


def test_joint_order_is_the_codecs(pair):
    """With another joint set the targets are permuted, the layers are not."""
    head = InterNetHead(**CFG, codec={**CODEC, 'joint_set': 'mano21'})
    ours = pair[0].targets(samples(), torch.device('cpu'))
    other = head.targets(samples(), torch.device('cpu'))
    torch.testing.assert_close(
        convert_joints(ours['voxels'], 'interhand42', 'mano42'), other['voxels']
    )

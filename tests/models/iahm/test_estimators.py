"""What the estimators do besides the released arithmetic."""

import numpy as np
import pytest
import torch

from mmhand.registry import MODELS
from mmhand.structures import HandDataSample, HandInstances
from mmhand.utils.errors import HandConfigError, HandDataError

BACKBONE = dict(
    type='mmhand.ResNetLogits', depth=18, base_channels=8, stem_channels=8, num_features=32
)
POSE = dict(type='mmhand.IterativePose6DHead', in_channels=32, hidden_channels=(16,))
SHAPE = dict(type='mmhand.ShapeHead', in_channels=32, hidden_channels=(16,))
CONFIDENCE = dict(type='mmhand.ConfidenceHead', in_channels=32)


def build(**changes):
    torch.manual_seed(0)
    config = dict(
        type='mmhand.IdentityAwareHandMesh',
        hand_model=dict(type='mmhand.OpenHand'),
        backbone=BACKBONE,
        pose_head=POSE,
        loss=dict(type='mmhand.IdentityAwareLoss'),
        loss_confidence=dict(type='mmhand.PairRankingLoss'),
    )
    return MODELS.build({**config, **changes})


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(4, 3, 64, 64, generator=generator)
    made = []
    for row in range(4):
        sample = HandDataSample(metainfo=dict(sample_id=f's{row}', subject=f'p{row % 2}'))
        sample.gt_hands = HandInstances(
            side=torch.zeros(1, dtype=torch.int64),
            pose=0.2 * torch.randn(1, 48, generator=generator),
            betas=torch.randn(1, 10, generator=generator),
            root=torch.tensor([[0.01, 0.02, 0.6]]),
        )
        made.append(sample)
    return images, made


def test_given_shapes_come_first(batch):
    images, samples = batch
    model = build().eval()
    samples[0].set_metainfo(dict(betas=np.full(10, 0.5, np.float32)))
    out = model(images, samples, mode='tensor')['stages'][-1]['betas']
    assert torch.equal(out[0], torch.full((10,), 0.5))
    assert torch.equal(out[1], samples[1].gt_hands.betas[0])
    with pytest.raises(HandDataError, match='no betas'):
        model(images, mode='tensor')
    samples[2].set_metainfo(dict(betas=np.zeros(7)))
    with pytest.raises(HandDataError, match='sample s2 has betas of shape'):
        model(images, samples, mode='predict')


def test_betas_change_the_mesh_and_nothing_else(batch):
    images, samples = batch
    model = build().eval()
    before = model(images, samples, mode='tensor')['stages'][-1]
    for sample in samples:
        sample.set_metainfo(dict(betas=torch.ones(10)))
    after = model(images, samples, mode='tensor')['stages'][-1]
    assert torch.equal(before['rotations_6d'], after['rotations_6d'])
    assert not torch.allclose(before['vertices'], after['vertices'], atol=1e-3)


def test_predictions_stand_at_the_annotated_wrist(batch):
    images, samples = batch
    model = build(shape_head=SHAPE, confidence_head=CONFIDENCE).eval()
    with torch.no_grad():
        out = model(images, samples, mode='tensor')
        hands = model(images, samples, mode='predict')[0].pred_hands
    assert torch.allclose(hands.keypoints_3d[0, 0], samples[0].gt_hands.root[0], atol=1e-6)
    own = hands.vertices[0] - hands.transl[0]
    assert torch.allclose(own, out['stages'][-1]['vertices'][0], atol=1e-6)
    assert hands.confidence[0] == out['confidence'][0, 0]
    posed = model.hand_model(hands.pose[:, :3], hands.pose[:, 3:], hands.betas, hands.transl)
    assert torch.allclose(posed.vertices, hands.vertices, atol=1e-5)


def test_predictions_without_annotation_fill_the_crop(batch):
    images, _ = batch
    model = build(shape_head=SHAPE).eval()
    K = np.array([[100, 0, 32], [0, 100, 32], [0, 0, 1]], np.float32)
    samples = [HandDataSample(metainfo=dict(camera=dict(K_crop=K))) for _ in images]
    with torch.no_grad():
        hands = model(images, samples, mode='predict')[0].pred_hands
    pixels = hands.keypoints_3d[0].numpy() @ K.T
    pixels = pixels[:, :2] / pixels[:, 2:]
    assert 10 < np.ptp(pixels, axis=0).max() < 60
    assert (hands.keypoints_3d[..., 2] > 0).all()


@pytest.mark.parametrize('bn_mode', ['train', 'eval'])
def test_the_confidence_stage_changes_the_branch_alone(batch, bn_mode):
    images, samples = batch
    model = build(
        shape_head=SHAPE, confidence_head=CONFIDENCE, confidence_only=True, bn_mode=bn_mode
    )
    before = {name: value.clone() for name, value in model.state_dict().items()}
    learning = [name for name, value in model.named_parameters() if value.requires_grad]
    assert learning
    assert all(name.startswith('confidence_head.') for name in learning)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    model.train()
    losses = model(images, samples, mode='loss')
    assert losses.keys() == {'loss_confidence'}
    losses['loss_confidence'].backward()
    optimizer.step()
    changed = {n for n, value in model.state_dict().items() if not torch.equal(value, before[n])}
    assert set(learning) <= changed | {'confidence_head.layers.0.bias'}
    assert 'confidence_head.layers.0.weight' in changed
    rest = {name for name in changed if not name.startswith('confidence_head.')}
    if bn_mode == 'eval':
        assert not rest
    else:
        assert 'backbone.bn1.running_mean' in rest
        assert all('running_' in name or 'num_batches' in name for name in rest)


def test_ranking_within_subjects(batch):
    images, samples = batch
    model = build(shape_head=SHAPE, confidence_head=CONFIDENCE).eval()
    across = model(images, samples, mode='loss')['loss_confidence']
    model.rank_within_subject = True
    within = model(images, samples, mode='loss')['loss_confidence']
    assert not torch.equal(across, within)


def test_target_is_posed_or_taken(batch):
    images, samples = batch
    model = build(shape_head=SHAPE)
    target = model.target(samples, images)
    hand = model.hand_model
    for row, sample in enumerate(samples):
        pose = sample.gt_hands.pose
        fingers = pose[:, 3:] + hand.hand_mean
        posed = hand(pose[:, :3], fingers, sample.gt_hands.betas).vertices
        assert torch.allclose(target.vertices[row], posed[0], atol=1e-5)
        sample.gt_hands.vertices = posed + 1
        sample.gt_hands.transl = torch.full((1, 3), 0.25)
    assert torch.allclose(model.target(samples, images).vertices, target.vertices + 0.75, atol=1e-5)
    samples[0].set_metainfo(dict(hand_model='MANO'))
    with pytest.raises(HandConfigError, match='parameters of MANO'):
        model.target(samples, images)


@pytest.mark.parametrize('layers', [1, 2, 3, 6])
def test_confidence_depths(layers):
    head = MODELS.build({**CONFIDENCE, 'num_layers': layers, 'sigmoid': True})
    feature = torch.randn(3, 32, requires_grad=True)
    out = head(feature)
    assert out.shape == (3, 1)
    assert (out > 0).all()
    assert (out < 1).all()
    out.sum().backward()
    assert feature.grad is None


@pytest.mark.parametrize(
    ('changes', 'text'),
    [
        (dict(confidence_head=CONFIDENCE), 'shape_head'),
        (dict(shape_head=SHAPE, confidence_only=True), 'confidence_head'),
        (dict(bn_mode='no'), 'bn_mode'),
        (dict(pose_head={**POSE, 'agg': 'no'}), 'agg'),
        (dict(pose_head={**POSE, 'start': 'no'}), 'start'),
        (dict(hand_model=dict(type='mmhand.OpenHand', side='left')), 'right hands'),
    ],
)
def test_mistakes(changes, text):
    with pytest.raises(HandConfigError, match=text):
        build(**changes)

"""The estimator: modes, streams, gradients through the renderer, messages."""

import pytest
import torch

from mmhand.cameras import cube_to_uvd
from mmhand.models.dsf import DSF
from mmhand.models.losses.dsf_terms import DepthView
from mmhand.structures import HandDataSample, HandInstances
from mmhand.utils.errors import HandConfigError, HandDataError

THIN = dict(type='DualBranchNet', width=4, channels=8)


def build(**options):
    torch.manual_seed(0)
    model = DSF(
        hand_model=dict(type='OpenHand'), network={**THIN, **options.pop('network', {})}, **options
    )
    with torch.no_grad():
        # A hand in the cube; an untrained network holds it in a point.
        for stage in model.network.stages:
            stage.params.bias[58] = 1
    return model


@pytest.fixture(scope='module')
def rendered():
    """Two hands and their crops: what the sampler gives."""
    torch.manual_seed(1)
    reader = build().reader
    mpe = torch.cat((0.3 * torch.randn(2, 48), torch.zeros(2, 10), torch.ones(2, 1)), 1)
    mpe = torch.cat((mpe, torch.zeros(2, 3)), 1)
    with torch.no_grad():
        mpe[:, 59:] = -reader.hand(mpe).joints.mean(1)
        hand = reader.hand(mpe)
        center, cube = torch.tensor([[0.0, 0, 0.7], [0.1, -0.1, 0.6]]), torch.full((2, 3), 0.25)
        image, affine = reader.draw(hand.vertices, DepthView(None, center, cube, None))
    return dict(
        mpe=mpe,
        image=image,
        joints_uvd=cube_to_uvd(hand.joints, center, cube, affine, 'nyu'),
        joints_cube=hand.joints,
        vertices_cube=hand.vertices,
        center=center,
        cube=cube,
        affine=affine,
    )


def samples(rendered):
    return [
        HandDataSample(metainfo=dict(crop_center=c.numpy(), crop_cube=q.numpy(), sample_id=str(i)))
        for i, (c, q) in enumerate(zip(rendered['center'], rendered['cube'], strict=True))
    ]


def streams(rendered):
    synthetic = {key: value for key, value in rendered.items() if key != 'mpe'}
    return dict(
        inputs=dict(real=list(rendered['image']), synthetic=synthetic),
        data_samples=samples(rendered),
    )


@pytest.mark.parametrize('num_stages', [1, 2])
def test_a_step_on_two_streams(rendered, num_stages):
    model = build(
        network=dict(num_stages=num_stages),
        generator=dict(type='ResNetGenerator', channels=2, num_blocks=1),
        loss_self_supervised=dict(num_points=64),
    ).train()
    losses = model(**model.data_preprocessor(streams(rendered), True), mode='loss')
    own = ['p2m', 'm2p', 'coll', 'm2d', 'd2m', 'pd2m']
    expected = {f'real.s{num_stages}.loss_{name}' for name in own}
    if num_stages == 2:
        student = ['pixel', 'coord', 'joint', 'vert', 'coll', 'm2d', 'd2m', 'pd2m']
        expected |= {f'real.s1.loss_{name}' for name in student}
    for stage in range(1, num_stages + 1):
        supervised = ['pixel', 'coord', 'joint', 'vert', 'coll']
        expected |= {f'synthetic.s{stage}.loss_{name}' for name in supervised}
    assert set(losses) == expected
    total, _ = model.parse_losses(losses)
    assert torch.isfinite(total)
    total.backward()
    for name, parameter in model.named_parameters():
        assert (parameter.grad is None) == name.startswith('generator.'), name


def test_refinement_has_gradients_into_the_first_stage(rendered):
    model = build().eval()
    model.zero_grad()
    view = DepthView(*(rendered[key] for key in ('image', 'center', 'cube', 'affine')))
    model.run(rendered['image'], view)[1][0].square().sum().backward()
    assert model.network.stages[0].params.bias.grad[58].abs() > 0


def test_pretraining_takes_rendered_crops(rendered):
    model = build(pretrain=True).train()
    data = streams(rendered)
    losses = model(**model.data_preprocessor(data, True), mode='loss')
    names = ['pixel', 'coord', 'joint', 'vert', 'beta', 'scale']
    assert set(losses) == {f'synthetic.s{s}.loss_{name}' for s in (1, 2) for name in names}
    with pytest.raises(HandDataError, match='rendered crops'):
        model(rendered['image'], samples(rendered), mode='loss')
    labelled = samples(rendered)
    for row, sample in enumerate(labelled):
        keys = ('joints_uvd', 'joints_cube', 'vertices_cube')
        sample.gt_hands = HandInstances(**{key: rendered[key][row : row + 1] for key in keys})
    single = model(rendered['image'], labelled, mode='loss')
    for name, value in losses.items():
        torch.testing.assert_close(single[name], value)


def test_raw_outputs_and_predictions(rendered):
    model = build(network=dict(width=4)).eval()
    with torch.no_grad():
        stages = model(rendered['image'], samples(rendered))['stages']
        predicted = model(rendered['image'], samples(rendered), mode='predict')
    assert len(stages) == 2
    final = stages[-1]
    vertices = model.hand_model.num_verts + 1
    for name, shape in dict(
        pwe_maps=(84, 64, 64),
        mpe=(62,),
        joints_uvd=(21, 3),
        mano_joints_uvd=(21, 3),
        joints=(21, 3),
        mano_joints=(21, 3),
        vertices=(vertices, 3),
        depth=(1, 128, 128),
    ).items():
        assert final[name].shape == (2, *shape), name
    hand = predicted[1].pred_hands
    torch.testing.assert_close(hand.keypoints_3d[0], final['joints'][1])
    order = [stages[0]['joints'], stages[0]['mano_joints'], final['joints'], final['mano_joints']]
    torch.testing.assert_close(hand.stage_keypoints_3d[0], torch.stack([j[1] for j in order]))
    metres = final['mano_joints'][1] - rendered['center'][1]
    torch.testing.assert_close(
        metres / 0.125, model.reader.hand(final['mpe']).joints[1], atol=1e-5, rtol=0
    )


def test_a_crop_without_its_cube_is_refused(rendered):
    with pytest.raises(HandDataError, match='crop_center'):
        build()(rendered['image'])
    with pytest.raises(HandConfigError, match='branch'):
        build(test_cfg=dict(branch='both'))


def test_half_precision_stays_out_of_geometry(rendered):
    model = build(loss_self_supervised=dict(num_points=64)).train()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        losses = model(**model.data_preprocessor(streams(rendered), True), mode='loss')
    assert {value.dtype for value in losses.values()} == {torch.float32}
    total, _ = model.parse_losses(losses)
    total.backward()
    assert torch.isfinite(total)
    assert all(p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize('kept', ['both', 'sensor'])
def test_of_which_crops_running_statistics_are(rendered, kept):
    model = build(running_statistics=kept, loss_self_supervised=dict(num_points=64)).train()
    data = model.data_preprocessor(streams(rendered), True)['inputs']
    norm = next(layer for layer in model.modules() if isinstance(layer, torch.nn.BatchNorm2d))
    start = norm.running_mean.clone()
    model.loss(dict(real=data['real']), samples(rendered))
    alone = norm.running_mean.clone()
    norm.running_mean.copy_(start)
    losses = model.loss(data, samples(rendered))
    assert any(name.startswith('synthetic.') for name in losses)
    assert torch.equal(norm.running_mean, alone) == (kept == 'sensor')
    assert norm.momentum == 0.1
    # Pre-training has rendered crops only, whose statistics are kept.
    model.loss(dict(synthetic=data['synthetic']), [])
    assert not torch.equal(norm.running_mean, alone)


def test_an_unknown_choice_of_statistics_is_refused():
    with pytest.raises(
        HandConfigError, match='running_statistics is "real", not "both" or "sensor"'
    ):
        build(running_statistics='real')


def test_a_weight_that_is_no_number_is_refused():
    with pytest.raises(HandConfigError, match="loss_self_supervised.d2m is 'much', not a number"):
        build(loss_self_supervised=dict(d2m='much'))

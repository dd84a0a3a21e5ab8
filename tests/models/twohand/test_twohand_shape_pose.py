"""The estimator: freezing, joint orders, placement, registration in either order of volumes."""

import copy

import numpy as np
import pytest
import torch
from mmengine.optim import build_optim_wrapper

from mmhand.apis.inference import without_pretraining
from mmhand.fitting import TranslationFit
from mmhand.models.twohand.hand_registration import register_hands
from mmhand.models.twohand.two_hand_placement import mend_fits, place_hands
from mmhand.models.twohand.volume_summary import summarise_bands, summarise_volumes
from mmhand.models.twohand.volume_summary_reference import summarise_volumes_reference
from mmhand.registry import MODELS
from mmhand.structures import HandCamera, HandDataSample, HandInstances, convert_joints
from mmhand.utils.config import load_config


@pytest.fixture(scope='module')
def config():
    return load_config('twohand_cpu_interhand')


def build(config, **changes):
    torch.manual_seed(0)
    model = MODELS.build({**without_pretraining(config.model), **changes})
    model.init_weights()
    return model


def samples(count=2):
    rng = torch.Generator().manual_seed(0)
    out = []
    for index in range(count):
        sample = HandDataSample(metainfo=dict(hand_type='interacting', sample_id=str(index)))
        sample.gt_hands = HandInstances(
            side=torch.arange(2),
            keypoints_3d=0.05 * torch.randn(2, 21, 3, generator=rng),
            keypoint_valid=torch.ones(2, 21),
            betas=torch.randn(2, 10, generator=rng),
            mano_valid=torch.ones(2),
        )
        out.append(sample)
    return out


@pytest.fixture
def inputs():
    return torch.rand(2, 3, 96, 96, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize('frozen_bn', [False, True])
def test_only_the_mesh_network_learns(config, inputs, frozen_bn):
    """Weights of the branch stay to the bit; its statistics drift."""
    model = build(config, frozen_bn=frozen_bn).train()
    before = copy.deepcopy(model.state_dict())
    wrapper = build_optim_wrapper(model, config.optim_wrapper)
    total, _ = model.parse_losses(model(inputs, samples(), mode='loss'))
    wrapper.update_params(total)
    after = model.state_dict()
    moved = {key for key in before if not torch.equal(before[key], after[key])}
    branch = {key for key in moved if key.startswith('heatmap.')}
    if frozen_bn:
        assert not branch
    else:
        assert any('running_mean' in key for key in branch)
        assert all('running' in key or 'num_batches' in key for key in branch)
    parameters = {key for key, p in model.named_parameters() if not key.startswith('heatmap.')}
    assert parameters - moved == set()


def test_schedule_is_the_published_one():
    config = load_config('twohand_r50_interhand')
    from mmengine.optim.scheduler import MultiStepLR

    scheduler = dict(config.param_scheduler)
    optimizer = torch.optim.Adam([torch.zeros(1)], lr=config.optim_wrapper.optimizer.lr)
    steps = MultiStepLR(optimizer, scheduler['milestones'], scheduler['gamma'])
    rates = []
    for _ in range(config.train_cfg.max_epochs):
        rates.append(optimizer.param_groups[0]['lr'])
        optimizer.step()
        steps.step()
    assert len(rates) == 100
    np.testing.assert_allclose([rates[44], rates[45], rates[46]], [1e-4, 1e-5, 1e-5], rtol=1e-9)
    np.testing.assert_allclose(rates[47:], 1e-6, rtol=1e-9)


def test_volumes_in_another_order_are_brought_to_the_trained_one(config, inputs):
    model = build(config).eval()
    with torch.no_grad():
        for hand in (model.heatmap.head.right_hand_head, model.heatmap.head.left_hand_head):
            hand.final_layer.weight.normal_()
            hand.final_layer.bias.normal_()
        expected = model(inputs)
        other = copy.deepcopy(model)
        other.heatmap.head.codec.joint_set = 'interhand21'
        for name in ('right_hand_head', 'left_hand_head'):
            layer = getattr(other.heatmap.head, name).final_layer
            for values in (layer.weight.data, layer.bias.data):
                per_joint = values.unflatten(0, (21, -1))
                moved = convert_joints(per_joint, 'mano21', 'interhand21', axis=0)
                values.copy_(moved.flatten(0, 1))
        found = other(inputs)
    torch.testing.assert_close(found['peaks'], expected['peaks'])
    torch.testing.assert_close(found['trans'], expected['trans'])
    for a, b in zip(found['stages'], expected['stages'], strict=True):
        torch.testing.assert_close(a['joints'], b['joints'])


def test_summary_is_what_three_passes_give():
    volumes = torch.randn(2, 3, 8, 6, 10, generator=torch.Generator().manual_seed(2))
    volumes.requires_grad_()
    summary = summarise_volumes(volumes, (4, 2, 2))
    wanted = summarise_volumes_reference(volumes, (4, 2, 2))
    gradients = []
    for out in (summary, wanted):
        pull = torch.Generator().manual_seed(3)
        loss = sum((x * torch.randn(x.shape, generator=pull)).sum() for x in out)
        gradients.append(torch.autograd.grad(loss, volumes)[0])
    for mine, plain in zip((*summary, gradients[0]), (*wanted, gradients[1]), strict=True):
        torch.testing.assert_close(mine, plain, atol=1e-6, rtol=0)
    # By hand.
    assert torch.equal(wanted.maps, volumes[:, :, ::4, ::2, ::2])
    volume = volumes[1, 2].detach()
    _, y, x = np.unravel_index(volume.argmax(), volume.shape)
    assert wanted.peaks[1, 2].tolist() == [x, y, volume.max().item()]
    assert summary.maps.untyped_storage().nbytes() == summary.maps.numel() * 4


@pytest.mark.parametrize('rows', [1, 3, 4, 24])
def test_volumes_need_not_exist_as_a_whole(config, rows):
    head = build(config).heatmap.head.eval()
    feature = torch.randn(2, 128, 3, 3)
    with torch.no_grad():
        whole = head.hand_volumes(feature, 1)
        bands = list(head.hand_volume_bands(feature, 1, rows))
        torch.testing.assert_close(torch.cat(bands, dim=3), whole)
    assert {band.shape[3] for band in bands[:-1]} <= {rows}
    strides = (3, 2, 5)
    wanted = summarise_volumes(whole, strides)
    edges = [whole[..., start : start + rows, :] for start in range(0, 24, rows)]
    for found, expected in zip(summarise_bands(edges, strides), wanted, strict=True):
        assert torch.equal(found, expected)


def test_the_branch_never_holds_a_hands_volumes(config, inputs):
    """Largest living sum of tensors while it looks, against one hand's volumes."""
    model = build(config, volume_strides=(4, 2, 2)).eval()
    volume = len(inputs) * 21 * 24**3 * 4
    model.look(inputs)
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as log:
        model.look(inputs)
    sizes = [e.nbytes() for e in log.profiler.kineto_results.events() if e.name() == '[memory]']
    assert max(sizes) < volume / 2
    assert np.cumsum(sizes).max() < volume


def test_hands_stand_where_they_are_seen():
    """Joints projected by a known camera come back to their places, relative position included."""
    torch.manual_seed(0)
    joints = 0.05 * torch.randn(2, 2, 21, 3)
    rest = torch.randn(2, 2, 16, 3)
    trans = torch.tensor([[0.1, 1.0, 0.2, 0.3], [0.0, -0.8, 0.1, 0.0]])
    length = (rest[:, 0, 4] - rest[:, 0, 0]).norm(dim=-1, keepdim=True)
    offset = trans[:, 1:] * trans[:, :1].exp() * length
    root = torch.tensor([[0.05, -0.02, 6.8], [0.1, 0.0, 9.0]])
    K = torch.tensor([[300.0, 0, 50], [0, 310, 45], [0, 0, 1]])
    camera, fit = HandCamera(K=K.numpy()), TranslationFit(together=True)
    knuckle = joints[:, :, 9:10]
    placed = joints - knuckle
    placed = placed + root[:, None, None]
    placed[:, 1] += offset[:, None]
    uv = placed @ K.T
    peaks = torch.cat((uv[..., :2] / uv[..., 2:] / 4, torch.rand(2, 2, 21, 1) + 0.1), -1)
    result = place_hands(joints, rest, trans, peaks, 4.0, [camera, camera], fit)
    torch.testing.assert_close(
        joints + result.translation[:, :, None], placed, atol=2e-3, rtol=2e-3
    )
    alone = place_hands(joints, rest, trans, peaks, 4.0, [None, camera], fit)
    moved = joints + alone.translation[:, :, None]
    torch.testing.assert_close(moved[0, 0, 9], torch.zeros(3), atol=1e-6, rtol=0)
    torch.testing.assert_close(moved[0, 1, 9], offset[0], atol=1e-6, rtol=1e-5)


def test_a_hand_that_is_not_seen_is_shown_where_the_other_puts_it():
    scale = torch.tensor([[400.0, 380.0], [400.0, 20.0], [-50.0, 300.0], [0.0, -1.0]])
    centre = torch.tensor([[10.0, 20], [60, 70]]).expand(4, 2, 2)
    relative = torch.tensor([0.1, -0.05, 0.3]).expand(4, 3)
    found = mend_fits(scale, centre, relative)
    assert found[0].tolist() == [[400, 380], [400, 400], [300, 300], [0, -1]]
    torch.testing.assert_close(found[1][0], centre[0])
    torch.testing.assert_close(found[1][1], torch.tensor([[10.0, 20], [50, 0]]))
    torch.testing.assert_close(found[1][2], torch.tensor([[30.0, 85], [60, 70]]))
    torch.testing.assert_close(found[1][3], centre[3])


def test_predicted_joints_in_the_crop_are_the_fits(config, inputs):
    model = build(config).eval()
    batch = samples()
    with torch.no_grad():
        stages, _, seen, _ = model.estimate(inputs)
        fit = register_hands(1000 * stages[-1].joints, seen.peaks)
        out = model(inputs, batch, mode='predict')
    wanted = 4 * fit.project(1000 * stages[-1].joints)
    plausible = fit.scale > 0.4 * fit.scale.flip(1)
    for row, sample in enumerate(out):
        found = sample.pred_hands.keypoints_2d
        for hand in plausible[row].nonzero()[:, 0]:
            torch.testing.assert_close(found[hand], wanted[row, hand], rtol=1e-4, atol=1e-2)
    assert plausible.any()


def test_internet_holds_its_volumes_once(config, inputs):
    """The joined volumes are made in one place: no second copy, and the same numbers."""
    head = build(config).heatmap.head.eval()
    feature = torch.randn(2, 128, 3, 3)
    with torch.no_grad():
        both = head([feature])[0]
        apart = torch.cat([head.hand_volumes(feature, side) for side in range(2)], dim=1)
    torch.testing.assert_close(both, apart)
    from torch.profiler import ProfilerActivity, profile

    with torch.no_grad(), profile(activities=[ProfilerActivity.CPU], profile_memory=True) as log:
        head([feature])
    living = peak = 0
    for event in log.profiler.kineto_results.events():
        if event.name() == '[memory]':
            living += event.nbytes()
            peak = max(peak, living)
    assert peak < 1.9 * both.numel() * 4


def test_data_sets_give_meshes(tmp_path):
    """with_vertices: the posed hand models' meshes stand around the annotated joints."""
    from mmhand.datasets.interhand import InterHand26MDataset
    from mmhand.synthesis import generate_dataset, get_writer

    kind = get_writer('interhand')
    writer = kind(tmp_path, kind.make_config(captures=1, views=1, hands='interacting'), seed=1)
    generate_dataset(writer, {'train': 1}, progress=False)
    data = InterHand26MDataset(
        str(tmp_path), hand_model='OpenHand', with_vertices=True, joint_source='mano'
    )
    record = data.get_data_info(0)
    tips = np.array(data.hands.models[0].tip_vertex_ids)
    found = record['vertices'][:, tips]
    expected = record['keypoints_3d'][:, [4, 8, 12, 16, 20]]
    np.testing.assert_allclose(found, expected, atol=1e-4)

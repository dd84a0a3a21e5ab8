"""CMR on the embedded hand: hierarchy, prediction in front of the camera, training, options."""

import numpy as np
import pytest
import torch
from mmengine.structures import PixelData

from mmhand.apis import inference_hands, init_model
from mmhand.geometry import MeshHierarchy
from mmhand.geometry.mesh_hierarchy import CMR_TEMPLATE
from mmhand.hand_models import synthetic_mano
from mmhand.models.cmr.cmr_hierarchy import CMR_TEMPLATE_VARIABLE
from mmhand.models.cmr.relations import finger_relations, tip_relations
from mmhand.models.cmr.self_attention import SelfAttention
from mmhand.registry import MODELS
from mmhand.structures import CANONICAL, HAND_MASK_PLANES, HandDataSample, HandInstances
from mmhand.utils.errors import HandConfigError, HandDataError

K = np.array([[120.0, 0, 32], [0, 120, 32], [0, 0, 1]], np.float32)


def build(variant='pg', **settings):
    config = dict(
        type='CMR',
        variant=variant,
        hand_model=dict(type='OpenHand'),
        backbone=dict(base_channels=8),
        num_features=16,
        mesh_channels=(8, 8, 8, 8),
        codec=dict(type='CMRHeatmap', input_size=64, heatmap_size=32, sigma=1.5),
    )
    torch.manual_seed(0)
    return MODELS.build({**config, **settings})


@pytest.fixture(autouse=True)
def no_template(monkeypatch):
    monkeypatch.delenv(CMR_TEMPLATE_VARIABLE, raising=False)


@pytest.fixture(scope='module')
def inputs():
    return torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def annotated(model, **fields):
    sample = HandDataSample(metainfo=dict(sample_id='a', camera=dict(K_crop=K)))
    hand = dict(
        side=torch.zeros(1, dtype=torch.int64),
        keypoints_2d=torch.full((1, 21, 2), 30.0),
        pose=torch.zeros(1, 48),
        betas=torch.zeros(1, model.hand_model.num_betas),
    )
    sample.gt_hands = HandInstances(**{**hand, **fields})
    return sample


def test_own_mesh_is_decimated_and_mano_has_the_template(monkeypatch):
    model = build()
    assert model.hierarchy.sizes[0] == model.hand_model.num_verts
    arrays = {**synthetic_mano(), 'f': MeshHierarchy.load(CMR_TEMPLATE).faces[0]}
    mano = build(hand_model=dict(type='MANO', data=arrays))
    assert mano.hierarchy is MeshHierarchy.load(CMR_TEMPLATE)
    monkeypatch.setenv(CMR_TEMPLATE_VARIABLE, str(CMR_TEMPLATE))
    assert build(hand_model=dict(type='MANO', data=synthetic_mano())).hierarchy is mano.hierarchy
    with pytest.raises(HandConfigError, match='MMHAND_CMR_TEMPLATE.*778 vertices') as caught:
        build()
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize('wrong', [dict(variant='xg'), dict(test_cfg=dict(root='sky'))])
def test_unknown_choices_are_named(wrong):
    with pytest.raises(HandConfigError):
        build(**wrong)


@torch.no_grad()
def test_annotated_wrist_or_registration(inputs):
    model = build().eval()
    known = annotated(model, root=torch.tensor([[0.1, 0.0, 0.8]]))
    unknown = HandDataSample(metainfo=dict(camera=dict(K_crop=K)))
    first, second = model(inputs, [known, unknown], mode='predict')
    assert first.pred_hands.root[0].tolist() == pytest.approx([0.1, 0, 0.8], abs=1e-6)
    for sample in (first, second):
        hand = sample.pred_hands
        raw = model.run(inputs).meshes[0][0 if sample is first else 1]
        torch.testing.assert_close(hand.vertices[0], raw + hand.transl[0], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(
            model.hand_model.regress_joints(hand.vertices), hand.keypoints_3d, rtol=1e-4, atol=1e-4
        )
        assert hand.keypoints_2d.shape == (1, 21, 2)
        assert hand.keypoint_scores.shape == (1, 21)
        assert hand.visible_mask.shape == (1, 32, 32)
    assert second.pred_hands.transl[0, 2] > 0.25
    bare = model(inputs, None, mode='predict')[0].pred_hands
    assert bare.root[0].tolist() == pytest.approx([0, 0, 0], abs=1e-6)


@torch.no_grad()
def test_registration_finds_the_hand_that_the_maps_show(inputs, monkeypatch):
    """Heat maps drawn from the network's own joints in a known place."""
    model = build('pg_pp', test_cfg=dict(root='registration')).eval()
    model.codec.subpixel = True
    shift = torch.tensor([0.01, -0.02, 0.6])
    with_mesh = model.run(inputs)
    mesh = model.hand_model.v_template - model.hand_model.v_template.mean(0)
    with_mesh.meshes[0] = mesh.expand(2, -1, -1)
    pixels = (model.hand_model.regress_joints(with_mesh.meshes[0]) + shift) @ torch.from_numpy(K).T
    with_mesh.maps.heatmaps[-1] = model.codec.encode(pixels[..., :2] / pixels[..., 2:])
    monkeypatch.setattr(model, 'run', lambda _: with_mesh)
    sample = annotated(model, root=torch.zeros(1, 3))
    found = model(inputs, [sample, sample], mode='predict')[0].pred_hands.transl[0]
    assert found.tolist() == pytest.approx(shift.tolist(), abs=5e-3)


def test_masks_are_learned_where_they_are(inputs):
    model = build('sg')
    samples = [annotated(model) for _ in range(2)]
    assert not any('masks' in name for name in model(inputs, samples, mode='loss'))
    planes = torch.zeros(4, 64, 64, dtype=torch.uint8)
    planes[HAND_MASK_PLANES.index('right_visible'), :32] = 255
    for sample in samples:
        sample.gt_sem_seg = PixelData(data=planes)
    losses = model(inputs, samples, mode='loss')
    assert {'loss_masks_0', 'loss_masks_1', 'loss_heatmaps_0', 'loss_heatmaps_1'} <= set(losses)
    output = model.eval().run(inputs)
    target = torch.zeros(2, 32, 32)
    target[:, :16] = 1
    wanted = 0.5 * torch.nn.functional.binary_cross_entropy(output.maps.masks[0], target)
    assert model(inputs, samples, mode='loss')['loss_masks_0'].item() == pytest.approx(
        wanted.item(), rel=1e-4
    )


def test_invalid_joints_do_not_count(inputs):
    model = build('pose2d').eval()
    valid = torch.ones(1, 21)
    valid[0, 3] = 0
    sample = annotated(model, keypoint_valid=valid)
    first = model(inputs[:1], [sample], mode='loss')
    sample.gt_hands.keypoints_2d[0, 3] = torch.tensor([5.0, 50.0])
    second = model(inputs[:1], [sample], mode='loss')
    assert list(first) == [f'loss_heatmaps_{k}' for k in range(3)]
    assert all(first[name] == second[name] for name in first)


def test_samples_without_a_mesh_are_named(inputs):
    model = build('pg_pp')
    sample = annotated(model)
    del sample.gt_hands.pose
    with pytest.raises(HandDataError, match='sample a has no gt_hands.pose'):
        model(inputs[:1], [sample], mode='loss')


def test_a_mesh_of_another_hand_is_named(inputs):
    model = build('pg_pp')
    sample = annotated(model, vertices=torch.zeros(1, 778, 3), transl=torch.zeros(1, 3))
    with pytest.raises(HandDataError, match='778 vertices'):
        model(inputs[:1], [sample], mode='loss')


def test_one_picture_can_be_learned(inputs):
    model = build('pg_pp')
    sample = annotated(model)
    optimiser = torch.optim.Adam(model.parameters(), 2e-3)
    totals = []
    for _ in range(12):
        losses = model(inputs[:1], [sample], mode='loss')
        totals.append(sum(losses.values()))
        optimiser.zero_grad()
        totals[-1].backward()
        optimiser.step()
    assert totals[-1] < 0.7 * totals[0]


def test_meshes_keep_their_digits_in_mixed_precision(inputs):
    model = build('pg_pp').eval()
    with torch.no_grad():
        exact = model.run(inputs).meshes
        with torch.autocast('cpu', torch.bfloat16):
            mixed = model.run(inputs).meshes
    assert all(mesh.dtype == torch.float32 for mesh in mixed)
    assert all((a - b).abs().max() < 0.05 * b.std() for a, b in zip(mixed, exact, strict=True))


def test_relations_are_sums_of_fingers():
    maps = torch.arange(21.0).view(1, 21, 1, 1)
    tips = [CANONICAL.index(f'{f}4') for f in ('thumb', 'index', 'middle', 'ring', 'pinky')]
    pairs = [tips[i] + tips[j] for i in range(5) for j in range(i + 1, 5)]
    assert tip_relations(maps).flatten().tolist() == pairs
    fingers = [sum(range(1 + 4 * k, 5 + 4 * k)) for k in range(5)]
    assert finger_relations(maps).flatten().tolist() == [*pairs, *fingers]


@torch.no_grad()
def test_attention_starts_as_the_identity():
    layer, x = SelfAttention(6), torch.randn(2, 6)
    assert (layer(x) == x).all()
    layer.gamma.fill_(0.5)
    q, k, v = layer.query(x), layer.key(x), layer.value(x)
    wanted = [x[b] + 0.5 * v[b] @ torch.softmax(torch.outer(q[b], k[b]), -1).T for b in range(2)]
    torch.testing.assert_close(layer(x), torch.stack(wanted))


def test_pictures_are_cropped_by_their_box():
    model = init_model('cmr_r18_pg_cpu_freihand')
    picture = np.random.default_rng(0).integers(0, 255, (200, 300, 3), np.uint8)
    (sample,) = inference_hands(model, [picture], [[100, 50, 60, 80]], sides=['left'])
    hand = sample.pred_hands
    assert hand.side.tolist() == [1]
    assert torch.isfinite(hand.vertices).all()
    assert hand.vertices[..., 2].min() > 0
    # 1.3 times the longer side of the box fills the input.
    assert abs(np.linalg.det(sample.camera['affine'][:, :2])) == pytest.approx(
        (127 / 104) ** 2, rel=0.02
    )

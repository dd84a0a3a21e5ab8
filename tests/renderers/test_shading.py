"""Shaded pictures and overlays."""

import numpy as np
import pytest
import torch

from mmhand.renderers import (
    OVERLAY_COLORS,
    SIDE_COLORS,
    normal_map,
    overlay_mesh,
    overlay_meshes,
    rasterize,
    render_shaded,
)
from mmhand.renderers.shading import shade
from mmhand.utils.errors import HandDataError


def wall(left, right, z=1.0):
    """A wall turned to the camera, from column ``left`` to ``right`` with K = 1."""
    vertices = torch.tensor([[left, -99.0, 1], [right, -99, 1], [right, 99, 1], [left, 99, 1]]) * z
    return vertices, torch.tensor([[0, 2, 1], [0, 3, 2]])


def test_light_falls_from_the_camera():
    normals = torch.tensor([[0.0, 0, -1], [0, 0, 1], [-0.26, -0.43, -0.865]])
    colors = torch.tensor([0.4, 0.6, 1.0]).expand(3, 3)
    front, back, towards = shade(normals, colors, ambient=0.25)
    torch.testing.assert_close(back, 0.25 * colors[0])
    torch.testing.assert_close(towards, colors[0], atol=2e-3, rtol=0)
    assert (front > 0.8 * colors[0]).all()
    assert (front < colors[0]).all()
    lit = shade(normals[:1], colors[:1], light=(0, 0, -2.0), ambient=0.0)
    torch.testing.assert_close(lit, colors[:1])


def test_normals_of_a_ball(ball, pinhole):
    vertices, faces = ball
    K = pinhole(400.0, (64, 80))
    fragments = rasterize(vertices[None], faces, K, (64, 80))
    normals = normal_map(fragments, vertices[None], faces)
    hit = fragments.mask
    torch.testing.assert_close(normals[hit].norm(dim=-1), torch.ones(int(hit.sum())))
    assert (normals[~hit] == 0).all()
    # The middle looks at the camera; left of it the normals point left, above it up.
    torch.testing.assert_close(
        normals[0, 31:33, 39:41].mean((0, 1)), torch.tensor([0.0, 0, -1]), atol=5e-3, rtol=0
    )
    assert normals[0, 32, 15, 0] < -0.4
    assert normals[0, 8, 40, 1] < -0.4


@pytest.mark.parametrize(
    ('supersample', 'left', 'right'), [(1, 0, 1), (2, 0.5, 1), (4, 0.25, 0.75)]
)
def test_coverage_is_the_share_of_the_pixel_s_samples(supersample, left, right):
    """A wall from 3.2 to 8.3: four samples lie at -3/8, -1/8, 1/8, 3/8 of a pixel's centre."""
    vertices, faces = wall(3.2, 8.3)
    _, coverage = render_shaded(
        vertices[None], faces, torch.eye(3), (4, 12), supersample=supersample
    )
    expected = torch.zeros(12)
    expected[4:8] = 1
    expected[3], expected[8] = left, right
    torch.testing.assert_close(coverage[0], expected.expand(4, 12))


def test_colour_at_the_border_is_not_darkened():
    vertices, faces = wall(2.75, 8.5)
    color, coverage = render_shaded(
        vertices[None], faces, torch.eye(3), (3, 12), (0.2, 0.5, 1.0), 4
    )
    hit = coverage > 0
    torch.testing.assert_close(color[hit], color[0, 1, 5].expand(int(hit.sum()), 3))
    assert (color[~hit] == 0).all()


def test_the_window_changes_nothing(hand, pinhole):
    """Only the part that the mesh covers is drawn; with a far vertex behind, everything is."""
    vertices, faces = hand
    K = pinhole(150.0, (60, 80))
    for shift in ([0, 0, 0], [0.12, 0.02, 0], [-0.14, 0.1, 0], [5.0, 0, 0]):
        moved = vertices + torch.tensor(shift)
        behind = torch.cat([moved, torch.tensor([[0, 0, -1.0]])])
        color, coverage = render_shaded(moved[None], faces, K, (60, 80))
        whole = render_shaded(behind[None], faces, K, (60, 80))
        torch.testing.assert_close(coverage, whole[1])
        # A twentieth of what eight bits tell apart.
        torch.testing.assert_close(color, whole[0], atol=2e-4, rtol=0)
        assert coverage.shape == (1, 60, 80)
    assert not coverage.any()


def test_vertices_that_are_not_finite_do_not_stop_the_picture(hand, pinhole):
    vertices, faces = hand
    broken = vertices.clone()
    broken[vertices[:, 2].argmin()] = torch.nan
    K = pinhole(150.0, (60, 80))
    color, coverage = render_shaded(broken[None], faces, K, (60, 80))
    whole = render_shaded(vertices[None], faces, K, (60, 80))
    assert torch.isfinite(color).all()
    assert 0 < ((color - whole[0]).abs().amax(-1) > 0.02).float().mean() < 0.05
    assert (coverage != whole[1]).float().mean() < 0.05
    nothing = render_shaded(torch.full_like(vertices, torch.nan)[None], faces, K, (60, 80))
    assert not nothing[1].any()


def test_back_sides_are_lit_like_fronts():
    vertices, faces = wall(2.0, 8.0)
    front = render_shaded(vertices[None], faces, torch.eye(3), (4, 10))
    back = render_shaded(vertices[None], faces.flip(1), torch.eye(3), (4, 10))
    torch.testing.assert_close(front, back)


def test_batches_and_colours_per_vertex(ball, pinhole):
    vertices, faces = ball
    batch = torch.stack([vertices, vertices + torch.tensor([0.02, 0, 0])])
    colors = torch.rand(len(vertices), 3, generator=torch.Generator().manual_seed(0))
    K = pinhole(150.0, (40, 50))
    color, coverage = render_shaded(batch, faces, K.expand(2, 3, 3), (40, 50), colors)
    for row in range(2):
        alone = render_shaded(batch[row : row + 1], faces, K, (40, 50), colors)
        torch.testing.assert_close(color[row], alone[0][0], atol=2e-4, rtol=0)
        torch.testing.assert_close(coverage[row], alone[1][0])


def test_colours_have_gradients(ball, pinhole):
    vertices, faces = ball
    colors = torch.full((len(vertices), 3), 0.5, requires_grad=True)
    color, _ = render_shaded(vertices[None], faces, pinhole(100.0, (24, 24)), (24, 24), colors)
    color.sum().backward()
    seen = colors.grad.abs().sum(1) > 0
    assert 0.2 < seen.float().mean() < 0.8  # one side of the ball


def test_drawing_without_gradients_looks_the_same(hand, pinhole):
    """Lit at the corners in place of every sample, which is three times as quick."""
    vertices, faces = hand
    K = pinhole(400.0, (150, 160))
    colors = torch.full((len(vertices), 3), 0.8)
    quick, covered = render_shaded(vertices[None], faces, K, (150, 160), colors)
    exact = render_shaded(vertices[None], faces, K, (150, 160), colors.requires_grad_())
    assert torch.equal(covered, exact[1])
    apart = (quick - exact[0]).detach().abs().amax(-1)[covered > 0]
    assert apart.mean() < 0.015
    assert apart.quantile(0.99) < 0.1


def picture(size=(30, 40)):
    return np.random.default_rng(0).integers(0, 256, (*size, 3)).astype(np.uint8)


def test_overlay_leaves_the_picture_around_the_mesh_alone(hand, pinhole):
    vertices, faces = hand
    image, K = picture((60, 80)), pinhole(150.0, (60, 80))
    before = image.copy()
    drawn = overlay_mesh(image, vertices.numpy(), faces.numpy(), K.numpy())
    np.testing.assert_array_equal(image, before)
    assert drawn.dtype == np.uint8
    coverage = render_shaded(vertices[None], faces, K, (60, 80))[1][0].numpy()
    np.testing.assert_array_equal(drawn[coverage == 0], image[coverage == 0])
    assert (drawn[coverage == 1] != image[coverage == 1]).any(-1).mean() > 0.9
    np.testing.assert_array_equal(overlay_mesh(image, vertices, faces, K, alpha=0.0), image)


def test_overlay_colours_are_bgr_like_opencv_s():
    vertices, faces = wall(-5.0, 50.0)
    image = np.zeros((8, 8, 3), np.uint8)
    drawn = overlay_mesh(image, vertices, faces, np.eye(3), color=(250, 0, 20), alpha=1.0)
    shade_of_grey = overlay_mesh(image, vertices, faces, np.eye(3), (255, 255, 255), alpha=1.0)
    factor = shade_of_grey[4, 4, 0] / 255
    np.testing.assert_allclose(drawn[4, 4], [250 * factor, 0, 20 * factor], atol=1)
    half = overlay_mesh(image, vertices, faces, np.eye(3), color=(250, 0, 20), alpha=0.5)
    np.testing.assert_allclose(half[4, 4], [125 * factor, 0, 10 * factor], atol=1)
    assert OVERLAY_COLORS[0] == tuple(round(255 * c) for c in SIDE_COLORS[0][::-1])
    per_vertex = overlay_mesh(
        image, vertices, faces, np.eye(3), np.tile([[250, 0, 20]], (4, 1)), alpha=1.0
    )
    np.testing.assert_array_equal(per_vertex, drawn)


def test_nearer_meshes_hide_farther_ones_whatever_their_order():
    near, near_faces = wall(2.0, 6.0, z=1.0)
    far, far_faces = wall(4.0, 9.0, z=2.0)
    image = np.zeros((6, 12, 3), np.uint8)
    red, blue = (0, 0, 255), (255, 0, 0)
    one = overlay_meshes(image, [near, far], [near_faces, far_faces], np.eye(3), [red, blue])
    two = overlay_meshes(image, [far, near], [far_faces, near_faces], np.eye(3), [blue, red])
    np.testing.assert_array_equal(one, two)
    assert one[3, 5, 2] > 100
    assert one[3, 5, 0] == 0
    assert one[3, 8, 0] > 100
    assert one[3, 8, 2] == 0


def test_overlay_of_no_mesh_is_a_copy():
    image = picture()
    drawn = overlay_meshes(image, [], [], np.eye(3))
    np.testing.assert_array_equal(drawn, image)
    assert drawn is not image


@pytest.mark.parametrize(
    'image', [picture().astype(np.float32), picture()[..., 0], picture()[..., :2]]
)
def test_overlay_refuses_other_pictures(image):
    with pytest.raises(HandDataError, match='expected uint8'):
        overlay_mesh(image, *wall(1.0, 2.0), np.eye(3))


def test_overlay_refuses_lists_that_do_not_fit():
    vertices, faces = wall(1.0, 2.0)
    with pytest.raises(HandDataError, match='2 sets of vertices, 1 of faces'):
        overlay_meshes(picture(), [vertices, vertices], [faces], np.eye(3))

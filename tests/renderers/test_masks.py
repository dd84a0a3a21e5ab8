"""Masks and part maps of several meshes, and views from other sides."""

import numpy as np
import pytest
import torch

from mmhand.renderers import (
    OVERLAY_COLORS,
    frame_camera,
    look_from,
    part_map,
    rasterize,
    render_masks,
    render_views,
)
from mmhand.utils.errors import HandDataError


def joined_masks(meshes, K, size):
    """Which mesh the joint z-buffer shows, as rasterising them together finds it."""
    vertices = torch.cat([v for v, _ in meshes])
    offsets = np.cumsum([0, *(len(v) for v, _ in meshes)])
    faces = torch.cat([f + int(o) for (_, f), o in zip(meshes, offsets, strict=False)])
    together = rasterize(vertices[None], faces, K, size)
    starts = torch.tensor(np.cumsum([0, *(len(f) for _, f in meshes[:-1])]))
    owner = torch.searchsorted(starts, together.face_index[0], right=True) - 1
    return torch.where(together.mask[0], owner, -1), together.depth[0]


def test_visible_masks_are_those_of_the_joint_z_buffer(hand, ball, pinhole):
    size = (70, 90)
    K = pinhole(200.0, size)
    ball = (0.5 * ball[0], ball[1])
    meshes = [hand, ball, (hand[0] + torch.tensor([0.06, 0.01, 0.08]), hand[1])]
    masks = render_masks([v for v, _ in meshes], [f for _, f in meshes], K, size)
    owner, depth = joined_masks(meshes, K, size)
    for index, (vertices, faces) in enumerate(meshes):
        alone = rasterize(vertices[None], faces, K, size)
        assert torch.equal(masks.amodal[index], alone.mask[0])
        assert torch.equal(masks.amodal_depth[index], alone.depth[0])
        assert torch.equal(masks.visible[index], owner == index)
        assert 0 < masks.visible[index].sum() < masks.amodal[index].sum() or index == 1
    torch.testing.assert_close(masks.depth, depth)
    assert (masks.visible.sum(0) == (owner >= 0)).all()


def test_part_map_takes_the_nearest_corner_of_the_visible_mesh():
    vertices = torch.tensor([[0.0, 0, 1], [20, 0, 1], [0, 20, 1]])
    faces = torch.tensor([[0, 1, 2]])
    behind = torch.tensor([[-1.0, -1, 2], [60, -1, 2], [-1, 60, 2]]) * torch.tensor([1, 1, 1.0])
    masks = render_masks([vertices, behind], [faces, faces], torch.eye(3), (24, 24))
    labels = torch.tensor([7, 8, 9, 1, 2, 3])
    parts = part_map(masks, labels)
    assert parts[1, 1] == 7
    assert parts[1, 18] == 8
    assert parts[18, 1] == 9
    assert parts[0, 22] == 2  # beyond the first mesh, the second shows
    assert parts[23, 23] == -1
    assert set(parts.unique().tolist()) <= {-1, 7, 8, 9, 1, 2, 3}
    assert torch.equal(parts >= 0, masks.visible.any(0))


def test_of_equally_near_meshes_the_first_is_visible(ball, pinhole):
    vertices, faces = ball
    masks = render_masks([vertices, vertices], [faces, faces], pinhole(200.0, (40, 40)), (40, 40))
    assert torch.equal(masks.visible[0], masks.amodal[0])
    assert not masks.visible[1].any()


def test_masks_carry_no_gradient(ball, pinhole):
    vertices = ball[0].clone().requires_grad_()
    masks = render_masks([vertices], [ball[1]], pinhole(200.0, (8, 8)), (8, 8))
    assert not masks.depth.requires_grad


@pytest.mark.parametrize(('count', 'others'), [(0, 0), (2, 1)])
def test_masks_refuse_lists_that_do_not_fit(ball, count, others):
    with pytest.raises(HandDataError, match=f'{count} sets of vertices and {others} of faces'):
        render_masks([ball[0]] * count, [ball[1]] * others, torch.eye(3), (4, 4))


def test_look_from_walks_around():
    """The camera looks along z with y down; what was right of it is in front when seen from there."""
    center = np.array([0.1, 0.2, 1.0])
    axes = center + np.array([[0.1, 0, 0], [0, 0.1, 0], [0, 0, 0.1]])  # right, down, away

    def seen(**angles):
        return (look_from(axes, center=center, **angles) - center) / 0.1

    right, down, away = (np.array(x) for x in ([1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]))
    np.testing.assert_allclose(seen(), [right, down, away], atol=1e-12)
    np.testing.assert_allclose(seen(azimuth=np.pi / 2), [-away, down, right], atol=1e-12)
    np.testing.assert_allclose(seen(azimuth=-np.pi / 2), [away, down, -right], atol=1e-12)
    # From above: what was down is away, what was away is up in the picture.
    np.testing.assert_allclose(seen(elevation=np.pi / 2), [right, away, -down], atol=1e-12)
    np.testing.assert_allclose(seen(elevation=-np.pi / 2), [right, -away, down], atol=1e-12)
    cloud = np.random.default_rng(0).standard_normal((9, 3))
    np.testing.assert_allclose(look_from(cloud, 0.4, 0.2).mean(0), cloud.mean(0), atol=1e-12)


def test_frame_camera_fills_the_picture():
    points = np.random.default_rng(0).uniform([-1, -0.2, 2], [1.5, 0.3, 3], (50, 3))
    K = frame_camera(points, (60, 200), fill=0.8)
    uv = points[:, :2] / points[:, 2:] * np.diag(K)[:2] + K[:2, 2]
    assert K[0, 0] == K[1, 1]
    extent = np.ptp(uv, axis=0) / [200, 60]
    assert extent.max() == pytest.approx(0.8)
    np.testing.assert_allclose(uv.min(0) + uv.max(0), [199, 59])


def test_views_of_two_meshes_side_by_side(ball):
    """The right ball is right in front, hides the left one from the right, and back is mirrored."""
    vertices, faces = ball[0].numpy(), ball[1].numpy()
    left, right = vertices - [0.15, 0, 0], vertices + [0.15, 0, 0]
    strip = render_views(
        [right, left], [faces, faces], ('front', 'right', 'left', 'back', 'top', 'bottom'), size=80
    )
    assert strip.shape == (80, 480, 3)
    panels = strip.reshape(80, 6, 80, 3).swapaxes(0, 1).astype(int)
    assert (panels[:, 0, 0] == 255).all()
    warm = (panels[..., 2] > panels[..., 0] + 20).sum((1, 2))
    cold = (panels[..., 0] > panels[..., 2] + 20).sum((1, 2))
    columns = np.arange(80)
    for panel, sign in ((0, 1), (3, -1), (4, 1), (5, 1)):
        where = (panels[panel, ..., 2] > panels[panel, ..., 0] + 20).sum(0)
        assert sign * ((where * columns).sum() / where.sum() - 39.5) > 10
    assert warm[1] > 500
    assert cold[1] == 0
    assert cold[2] > 500
    assert warm[2] == 0
    assert OVERLAY_COLORS[0][2] > OVERLAY_COLORS[0][0]
    # Both balls fit: nothing touches the border.
    assert (panels[:, [0, -1]] == 255).all()
    assert (panels[:, :, [0, -1]] == 255).all()

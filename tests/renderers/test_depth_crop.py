"""Depth crops: the release's pictures to the pixel, and those cut from the whole picture."""

import pytest
import torch

from mmhand.cameras import depth_camera
from mmhand.hand_models import OpenHand
from mmhand.renderers import DepthCropRenderer, rasterize
from mmhand.utils.errors import HandConfigError
from tests.geometry.test_point_to_mesh import sphere

SCENES = {
    'nyu': ((20, -30, 700), (10, -20, 690), 250, 2866, -0.25541988, -0.37794530),
    'icvl': ((-30, 25, 350), (-25, 20, 340), 200, 4472, -0.33946714, -0.48123351),
}


def draw(camera, **options):
    place, center, cube, *expected = SCENES[camera]
    vertices, faces = sphere()
    vertices = ((vertices * 60 + torch.tensor(place)) / 1000).requires_grad_()
    renderer = DepthCropRenderer(camera, **options)
    crop = renderer(vertices, faces, torch.tensor([center]) / 1000, torch.full((1, 3), cube / 1000))
    return vertices, crop, expected


@pytest.mark.parametrize('camera', ['nyu', 'icvl'])
def test_the_release_draws_the_same(camera):
    _, crop, (count, mean, middle) = draw(camera)
    seen = crop.image < 0.99
    assert int(seen.sum()) == count
    assert float(crop.image.detach()[seen].mean()) == pytest.approx(mean, abs=1e-6)
    assert float(crop.image.detach()[0, 0, 64, 64]) == pytest.approx(middle, abs=2e-6)


def test_gradients_of_the_release():
    vertices, crop, _ = draw('nyu')
    crop.image.mean().backward()
    per_mm = vertices.grad.sum((0, 1)) / 1000
    torch.testing.assert_close(
        per_mm, torch.tensor([-1.694e-5, -8.763e-5, 1.5528e-3]), atol=6e-8, rtol=0
    )


def test_a_crop_is_cut_from_the_whole_picture():
    hand, camera = OpenHand(), depth_camera('nyu')
    zero = torch.zeros(1, 45)
    vertices = hand(zero[:, :3], zero, zero[:, :10]).vertices
    vertices = vertices - vertices.mean(1, keepdim=True) + torch.tensor([0.25, 0.1, 0.6])
    center, cube = torch.tensor([[0.24, 0.1, 0.61]]), torch.full((1, 3), 0.2)
    image, affine = DepthCropRenderer('nyu', row_map='plain')(vertices, hand.faces, center, cube)
    K = torch.from_numpy(camera.K).float()
    K[:2, 2] -= 0.5
    whole = rasterize(vertices, hand.faces, K, (480, 640)).depth[0]
    place = torch.arange(128.0)
    column = ((place - affine[0, 0, 2]) / affine[0, 0, 0] - 0.5).round().long()
    row = ((place - affine[0, 1, 2]) / affine[0, 1, 1] - 0.5).round().long()
    inside = (row < 480)[:, None] & (column < 640)
    cut = whole[row.clamp(max=479)][:, column.clamp(max=639)] * inside
    cut = torch.where(cut > 0, (cut - 0.61) / 0.1, 1.0).clamp(-1, 1)
    # Columns exactly half-way between two may go either way.
    assert ((cut - image[0, 0]).abs() > 1e-4).float().mean() < 0.01
    assert (cut < 0.99).sum() > 1000
    assert not inside.all()


def test_hands_beyond_the_cube_are_background():
    vertices, faces = sphere()
    vertices = (vertices * 0.02 + torch.tensor([0.0, 0.0, 2.0])).requires_grad_()
    center, cube = torch.tensor([[0.0, 0.0, 0.5]]), torch.full((1, 3), 0.2)
    image, _ = DepthCropRenderer('msra')(vertices, faces, center, cube)
    assert (image == 1).all()
    image.sum().backward()
    assert (vertices.grad == 0).all()


def test_unknown_options_are_refused():
    with pytest.raises(HandConfigError, match='row_map'):
        DepthCropRenderer(row_map='none')

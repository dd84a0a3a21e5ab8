"""CMR's heat maps: the released rounding, and the option without it."""

import numpy as np
import pytest
import torch

from mmhand.codecs import CMRHeatmap
from mmhand.utils.errors import HandDataError


@pytest.mark.parametrize(
    ('uv', 'cell', 'height'),
    [
        ((100, 60), (50, 30), 0.960405),
        ((101, 61), (50, 30), 0.960405),
        ((3, 220), (1, 110), 0.960405),
        ((224, 100), (111, 50), 0.886594),
        ((225, 3), (0, 0), 0.0),
        ((-1, 3), (0, 0), 0.0),
        ((100.9, 60.9), (50, 30), 0.960405),
    ],
)
def test_released_maps(uv, cell, height):
    codec = CMRHeatmap()
    maps = codec.encode(np.array([[uv]], dtype=np.float64))
    assert maps.shape == (1, 1, 112, 112)
    assert maps.max() == pytest.approx(height, abs=1e-5)
    peak = codec.decode(maps)[0, 0]
    assert tuple(peak[:2]) == cell
    assert peak[2] == pytest.approx(height, abs=1e-5)


def test_maps_are_resized_pictures():
    cv2 = pytest.importorskip('cv2')
    codec = CMRHeatmap()
    picture = np.zeros((224, 224), np.float32)
    x = np.arange(-6, 7)
    line = np.exp(-(x**2) / (2 * 3.5**2))
    picture[57 - 6 : 57 + 7, 3 : 3 + 10] = np.outer(line, line)[:, 3:]  # cut off on the left
    picture = np.roll(picture, -3, axis=1)
    wanted = cv2.resize(picture, (112, 112), interpolation=cv2.INTER_LINEAR)
    assert np.abs(codec.encode(np.array([[[3.0, 57.0]]]))[0, 0] - wanted).max() < 1e-6


def test_tensors_and_arrays_agree_and_nan_is_nowhere():
    points = np.random.default_rng(0).uniform(-20, 240, (2, 21, 2))
    points[0, 0] = np.nan
    codec = CMRHeatmap()
    maps = codec.encode(points)
    assert (maps == codec.encode(torch.from_numpy(points)).numpy()).all()
    assert maps[0, 0].max() == 0


def test_cells_go_to_the_picture_by_the_boxes_width():
    cells = np.array([[[56.0, 28.0, 0.9]]])
    boxes = np.array([[10.0, 20.0, 224.0, 112.0]])
    assert CMRHeatmap().to_picture(cells, boxes).tolist() == [[[122.0, 76.0]]]
    with pytest.raises(HandDataError):
        CMRHeatmap().to_picture(cells, boxes[[0, 0]])


def test_subpixel_has_no_bias_and_the_release_has():
    points = np.random.default_rng(0).uniform(20, 200, (4, 21, 2))
    boxes = np.array([[0.0, 0.0, 224.0, 224.0]] * 4)
    gaps = {}
    for subpixel in (False, True):
        codec = CMRHeatmap(subpixel=subpixel)
        gaps[subpixel] = codec.to_picture(codec.decode(codec.encode(points)), boxes) - points
    assert gaps[False].mean((0, 1)) == pytest.approx([-1.0, -1.0], abs=0.2)
    assert np.abs(gaps[True]).max() < 1e-3

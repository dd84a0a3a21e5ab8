"""Cameras that are guessed."""

import numpy as np
import pytest

from mmhand.cameras import assume_camera
from mmhand.utils.errors import HandDataError


def test_guess_is_said_and_centred():
    camera = assume_camera(640, 480)
    assert camera.assumed
    np.testing.assert_allclose(camera.K, [[768, 0, 319.5], [0, 768, 239.5], [0, 0, 1]])
    np.testing.assert_allclose(camera.project(np.array([[0, 0, 1.0]])), [[319.5, 239.5]])


def test_exif_focal_length_is_used():
    np.testing.assert_allclose(assume_camera(3000, 4000, focal_35mm=27).K[0, 0], 3000)


@pytest.mark.parametrize('bad', [(0, 5, None), (5, 5, -1.0), (5, 5, float('nan'))])
def test_refusals(bad):
    with pytest.raises(HandDataError, match='no camera'):
        assume_camera(*bad)

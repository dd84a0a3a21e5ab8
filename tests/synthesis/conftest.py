"""A few scenes rendered once for the whole folder."""

import pytest

from mmhand.synthesis import SynthesisConfig, render_sample, single_threaded

SMALL = SynthesisConfig(
    image_size=(192, 126), views=2, cameras=3, captures=2, occluder_prob=0.5, grey_cameras=0.2
)


@pytest.fixture(scope='package')
def small_config() -> SynthesisConfig:
    return SMALL


@pytest.fixture(scope='package')
def samples():
    """Twelve small samples: six frames, two views each."""
    single_threaded()
    return [render_sample(11, index, SMALL) for index in range(12)]

"""Samples by index: what writers, tests and other datasets call."""

import functools

import cv2
import torch

from .config import SynthesisConfig
from .person import Person
from .render_scene import SceneRenderer
from .sample import SyntheticSample
from .scene import sample_scene


@functools.lru_cache(maxsize=2)
def _renderer(
    seed: int, frame: int, config: SynthesisConfig, person: Person | None
) -> SceneRenderer:
    return SceneRenderer(sample_scene(config, seed, frame, person), config)


def render_sample(
    seed: int,
    index: int,
    config: SynthesisConfig | None = None,
    person: Person | None = None,
) -> SyntheticSample:
    """Render one synthetic sample.

    The result depends on nothing but the arguments: not on what was rendered before, nor on the
    number of processes.

    Args:
        seed: seed of the data set, an integer >= 0.
        index: sample index >= 0; ``config.views`` consecutive samples show the same hands.
        config: settings; ``None`` for the defaults.
        person: whose hands; ``None``: the capture's own person.

    Raises:
        HandConfigError: a negative index.
    """
    config = config or SynthesisConfig()
    frame, view = config.locate(index)
    return _renderer(seed, frame, config, person).render(view, index)


def synthetic_batch(
    count: int, seed: int = 0, config: SynthesisConfig | None = None
) -> list[SyntheticSample]:
    """The first ``count`` samples of a data set, in memory; for tests and demos.

    Args:
        count: number of samples.
        seed: seed of the data set.
        config: settings; ``None`` for one small picture of each frame.
    """
    config = config or SynthesisConfig(image_size=(128, 128), views=1, turn_cameras=False)
    return [render_sample(seed, index, config) for index in range(count)]


def single_threaded() -> None:
    """Keep OpenCV and torch to one thread: data sets are made by many processes."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)

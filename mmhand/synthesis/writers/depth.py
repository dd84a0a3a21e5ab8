"""What the writers of depth benchmarks share."""

import functools
from typing import Any, ClassVar

import numpy as np

from mmhand.cameras import DEPTH_CAMERAS
from mmhand.utils.errors import HandConfigError

from ..config import SynthesisConfig
from ..depth_scene import DepthFrame, DepthSceneConfig, render_depth_frame
from .base import DatasetWriter

_DEFAULTS: dict[str, Any] = dict(
    hands='single',
    sides=('right',),
    turn_cameras=False,
    views=1,
    captures=4,
    occluder_prob=0.0,
    grey_cameras=0.0,
)


class DepthWriter(DatasetWriter):
    """Single hands as a depth sensor sees them; a sample is a frame with all its views.

    Sensors err (:mod:`mmhand.synthesis.depth_sensor`), so that a network that knows exact depth only has
    something to learn. ``captures`` is the number of people of a split, each with a hand of its own; no
    split shares one with another.
    """

    #: Name in DEPTH_CAMERAS, distance of the hand (metres), and views of a frame.
    camera: ClassVar[str]
    distance: ClassVar[tuple[float, float]]
    num_views: ClassVar[int] = 1

    @classmethod
    def depth_defaults(cls, camera: str) -> dict[str, Any]:
        """Default settings for a camera."""
        return dict(_DEFAULTS, image_size=DEPTH_CAMERAS[camera].size)

    @classmethod
    def check_config(cls, config: SynthesisConfig) -> None:
        """The camera is the benchmark's, and so is the hand.

        Raises:
            HandConfigError: another picture size, two hands, or views (they are the format's own).
        """
        super().check_config(config)
        size = DEPTH_CAMERAS[cls.camera].size
        if tuple(config.image_size) != size:
            raise HandConfigError(f'format {cls.name} has pictures of {size[0]}x{size[1]} only')
        if config.hands != 'single' or tuple(config.sides) != ('right',) or config.views != 1:
            raise HandConfigError(
                f'format {cls.name} holds one hand a frame, in the views of its own: leave --hands and '
                '--views out'
            )

    def scene(self) -> DepthSceneConfig:
        """What frames show."""
        return DepthSceneConfig(
            self.camera,
            self.distance,
            views=self.num_views,
            people=self.config.captures,
            hand_model=self.config.hand_model,
            turn=self.config.turn,
            sensor=self.config.sensor,
        )

    @functools.cached_property
    def _scene(self) -> DepthSceneConfig:
        return self.scene()

    def render(self, split: str, index: int) -> DepthFrame:
        """See :class:`DatasetWriter`."""
        return render_depth_frame(self.split_seed(split), index, self._scene)

    def meta(self, counts: dict[str, int], complete: bool) -> dict[str, Any]:
        """See :class:`DatasetWriter`."""
        content = super().meta(counts, complete)
        for key in ('mask_planes', 'depth_unit_m'):
            content.pop(key)
        return content

    def depth_picture(self, frame: DepthFrame) -> np.ndarray:
        """(H, W) uint8: a frame's first view for a contact sheet, near is bright."""
        depth = frame.depth[0].astype(np.float64)
        near, far = 1000 * (frame.center[0, 2] - 0.15), 1000 * (frame.center[0, 2] + 0.35)
        shade = 255 - 200 * np.clip((depth - near) / (far - near), 0, 1)
        return np.where(depth > 0, shade, 0).astype(np.uint8)


def mirrored(frame: DepthFrame) -> DepthFrame:
    """The frame of a left hand: pictures and points turned over."""
    flip = np.array([-1.0, 1, 1])
    pictures = [np.ascontiguousarray(depth[:, ::-1]) for depth in frame.depth]
    return DepthFrame(
        frame.index, frame.subject, pictures, frame.joints * flip, frame.center * flip
    )


def text_rows(rows: list[list[float]], digits: int = 3) -> bytes:
    """Rows of numbers as text."""
    return (
        '\n'.join(' '.join(f'{value:.{digits}f}' for value in row) for row in rows).encode() + b'\n'
    )

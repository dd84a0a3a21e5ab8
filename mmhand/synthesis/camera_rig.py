"""Cameras around the hands. World frame: metres, x right, y down, z away from the front."""

from dataclasses import dataclass

import numpy as np

from mmhand.cameras import look_at, position_to_translation, project, world_to_camera

from .config import SynthesisConfig
from .mesh_ops import rotation_about
from .rng import stream

#: Where a rig looks, metres in the world frame (InterHand2.6M's hands are about there).
RIG_CENTER = np.array([0.0, 0.0, 1.0])

#: Focal length of InterHand2.6M's cameras relative to the longer image edge.
RIG_FOCAL = 1270.0 / 512.0

#: FreiHAND's crops see the hand under a wider angle.
CROP_FOCAL = (1.7, 2.6)


@dataclass
class Camera:
    """A pinhole camera without distortion.

    Attributes:
        name: InterHand2.6M's way: six digits, 40xxxx colour, 41xxxx grey.
        K: (3, 3) intrinsics, pixels.
        R: (3, 3) rotation, world to camera.
        center: (3,) position in the world, metres.
        size: (width, height), pixels.
        grey: the camera sees no colour.
    """

    name: str
    K: np.ndarray
    R: np.ndarray
    center: np.ndarray
    size: tuple[int, int]
    grey: bool

    @property
    def t(self) -> np.ndarray:
        """(3,) translation: ``X_cam = R X_world + t``, metres."""
        return position_to_translation(self.R, self.center)

    def to_camera(self, points: np.ndarray) -> np.ndarray:
        """World points (N, 3) in the camera frame."""
        return world_to_camera(points, self.R, self.center)

    def project(self, points: np.ndarray) -> np.ndarray:
        """World points (N, 3) as pixels (N, 2)."""
        return project(self.to_camera(points), self.K)

    def share_inside(self, points: np.ndarray, margin: float = 0.0) -> float:
        """Share of the world points (N, 3) that fall into the picture less a margin in pixels."""
        uv = self.project(points)
        inside = (uv >= margin) & (uv <= np.array(self.size) - 1 - margin)
        return float(inside.all(-1).mean())


def aimed_rotation(center: np.ndarray, target: np.ndarray, roll: float) -> np.ndarray:
    """(3, 3) world-to-camera rotation of a camera at ``center`` that looks at ``target``.

    With ``roll`` 0 (radians) the world's -y points up in the picture.
    """
    return rotation_about(np.array([0.0, 0.0, 1.0]), roll) @ look_at(center, target)


def _position(rng: np.random.Generator, distance: float, turn: float) -> np.ndarray:
    """Direction from the rig's centre to a camera, times the distance: mostly the front half."""
    azimuth = turn * np.deg2rad(rng.triangular(-130, 0, 130))
    elevation = np.deg2rad(12 + turn * (rng.triangular(-35, 12, 70) - 12))
    return distance * np.array(
        [
            np.sin(azimuth) * np.cos(elevation),
            -np.sin(elevation),
            -np.cos(azimuth) * np.cos(elevation),
        ]
    )


def _intrinsics(rng: np.random.Generator, focal: float, size: tuple[int, int]) -> np.ndarray:
    width, height = size
    fx = focal * (1 + 0.004 * rng.standard_normal())
    fy = fx * (1 + 0.0003 * rng.standard_normal())
    shift = 0.025 * max(size) * rng.uniform(-1, 1, 2)
    cx, cy = (width - 1) / 2 + shift[0], (height - 1) / 2 + shift[1]
    return np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])


def sample_rig(config: SynthesisConfig, seed: int, capture: int) -> list[Camera]:
    """The cameras of one capture.

    Args:
        config: number and kind of the cameras.
        seed: seed of the data set.
        capture: which capture.
    """
    rng = stream(0, 'rig', 0) if config.studio else stream(seed, 'rig', capture)
    rig = []
    for number in range(config.cameras):
        grey = bool(rng.random() < config.grey_cameras)
        size = config.image_size
        if config.turn_cameras and rng.random() < 0.5:
            size = size[::-1]
        center = RIG_CENTER + _position(rng, rng.uniform(1.0, 1.35), config.turn)
        rotation = aimed_rotation(
            center, RIG_CENTER + rng.normal(0, 0.01, 3), np.deg2rad(rng.normal(0, 4))
        )
        rig.append(
            Camera(
                name=f'{41 if grey else 40}{capture % 10:01d}{number:03d}',
                K=_intrinsics(rng, RIG_FOCAL * max(size), size),
                R=rotation,
                center=center,
                size=size,
                grey=grey,
            )
        )
    return rig


def aim(camera: Camera, points: np.ndarray, rng: np.random.Generator, turn: float = 1.0) -> Camera:
    """A camera like ``camera`` whose picture is filled by the given points.

    Args:
        camera: gives the direction of view, size and kind.
        points: (N, 3) world points, metres.
        rng: draws roll, focal length and framing.
        turn: how much of the roll is left to chance, 0 to 1.
    """
    low, high = points.min(0), points.max(0)
    middle = 0.5 * (low + high)
    radius = np.linalg.norm(points - middle, axis=-1).max()
    focal = rng.uniform(*CROP_FOCAL) * max(camera.size)
    distance = focal * radius / (rng.uniform(0.3, 0.46) * min(camera.size))
    back = camera.center - RIG_CENTER
    center = middle + back / np.linalg.norm(back) * distance
    target = middle + rng.normal(0, 0.08, 3) * radius
    return Camera(
        name=camera.name,
        K=_intrinsics(rng, focal, camera.size),
        R=aimed_rotation(center, target, np.deg2rad(rng.normal(0, 25 * turn))),
        center=center,
        size=camera.size,
        grey=camera.grey,
    )


def sample_cameras(
    config: SynthesisConfig, seed: int, frame: int, points: np.ndarray
) -> list[Camera]:
    """The cameras that see one frame.

    Args:
        config: framing, number of views.
        seed: seed of the data set.
        frame: frame number.
        points: (N, 3) world points that should be in the picture (joints of the hands), metres.

    Returns:
        ``config.views`` cameras. In a rig those that see most of the points come first to hand,
        so that a hand is cut by the border only where every camera of the rig cuts it.
    """
    rng = stream(seed, 'views', frame)
    rig = sample_rig(config, seed, config.capture_of(frame))
    order = [rig[i] for i in rng.permutation(len(rig))]
    if config.framing == 'crop':
        return [aim(camera, points, rng, config.turn) for camera in order[: config.views]]
    margin = 0.02 * min(config.image_size)
    # sorted is stable: cameras that see everything keep their random order.
    order.sort(key=lambda camera: -camera.share_inside(points, margin))
    return order[: config.views]

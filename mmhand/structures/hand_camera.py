"""One camera of one picture, through every crop, turn and mirror."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

_NO_WARP = np.eye(2, 3, dtype=np.float32)
_NO_TURN = np.eye(3, dtype=np.float32)


@dataclass(frozen=True)
class DepthCube:
    """The part of space that a depth crop shows.

    Attributes:
        center: (3,) metres, camera frame.
        size: (3,) edge lengths, metres.
    """

    center: np.ndarray
    size: np.ndarray


@dataclass(frozen=True, eq=False)
class HandCamera:
    """The pinhole camera of a picture, and how the network's input relates to it.

    Carried by the record of a data set, by the pipeline's results and by a sample's metainfo
    ``camera``. Immutable: a crop or a turn gives a new camera. At all times ``K_crop`` projects the 3D
    annotations and predictions of the sample onto the current pixels.

    Attributes:
        K: (3, 3) intrinsics of the original picture, pixels.
        affine: (2, 3) original pixels to current pixels (x right, y down, pixel centres are whole
            numbers).
        frame: (3, 3) orthogonal; original camera frame to the frame of the sample's 3D. A turned crop
            turns it about the optical axis, a mirrored one has determinant -1.
        cube: the space that a depth crop shows; ``None`` for pictures.
        assumed: ``K`` is a guess, so absolute depth is one too.
    """

    K: np.ndarray
    affine: np.ndarray = field(default_factory=lambda: _NO_WARP)
    frame: np.ndarray = field(default_factory=lambda: _NO_TURN)
    cube: DepthCube | None = None
    assumed: bool = False

    @classmethod
    def of(cls, camera: 'HandCamera | Mapping | None') -> 'HandCamera | None':
        """A camera from whatever a record or an outside sample states.

        Args:
            camera: a camera (returned as it is), a mapping with ``K`` and optionally ``affine`` and
                ``frame``, or with ``K_crop`` alone (a crop whose original is not known), or ``None``.
        """
        if camera is None or isinstance(camera, HandCamera):
            return camera
        given = {
            name: np.asarray(camera[name], np.float32)
            for name in ('K', 'affine', 'frame')
            if camera.get(name) is not None
        }
        if 'K_crop' in camera and ('K' not in given or 'affine' not in given):
            # The crop is all that is known: it becomes the original.
            crop = np.asarray(camera['K_crop'], np.float32)
            frame = given.get('frame', _NO_TURN)
            return cls(K=crop @ frame, frame=frame)
        return cls(**given) if 'K' in given else None

    @cached_property
    def K_crop(self) -> np.ndarray:
        """(3, 3) float32: ``affine K frame^-1``, current frame to current pixels."""
        if self.affine is _NO_WARP and self.frame is _NO_TURN:
            return self.K
        K = self.K.astype(np.float64)
        intrinsics = np.concatenate((self.affine @ K, K[2:]))
        if self.frame is not _NO_TURN:
            # An orthogonal matrix: its transpose undoes it.
            intrinsics = intrinsics @ self.frame.T
        return intrinsics.astype(np.float32)

    def warp(self, affine: np.ndarray) -> 'HandCamera':
        """The camera after a further affine (2, 3) of the current picture."""
        if self.affine is _NO_WARP:
            return replace(self, affine=affine.astype(np.float32))
        whole = affine[:, :2].astype(np.float64) @ self.affine
        whole[:, 2] += affine[:, 2]
        return replace(self, affine=whole.astype(np.float32))

    def turn(self, rotation: np.ndarray) -> 'HandCamera':
        """The camera after the 3D annotations were multiplied by ``rotation`` (3, 3), orthogonal."""
        return replace(self, frame=(rotation @ self.frame).astype(np.float32))

    @property
    def mirrored(self) -> bool:
        """Whether the sample's 3D is a mirror image."""
        return bool(np.linalg.det(self.frame) < 0)

    def to_original(self, points: np.ndarray) -> np.ndarray:
        """3D points (..., 3) of the sample in the original camera's frame; arrays or tensors."""
        # Rows times an orthogonal matrix: its inverse applied to each point.
        if isinstance(points, np.ndarray):
            return points @ self.frame.astype(points.dtype, copy=False)
        return points @ points.new_tensor(self.frame)

    def to_original_pixels(self, uv: np.ndarray) -> np.ndarray:
        """Current pixels (..., 2) in the original picture; NumPy arrays."""
        linear, shift = self.affine[:, :2].astype(np.float64), self.affine[:, 2]
        return (np.asarray(uv, np.float64) - shift) @ np.linalg.inv(linear).T

    def project(self, points: np.ndarray) -> np.ndarray:
        """3D points (..., 3) of the sample to current pixels (..., 2); NumPy arrays."""
        pixels = np.asarray(points) @ self.K_crop.T.astype(np.float64)
        return pixels[..., :2] / pixels[..., 2:]

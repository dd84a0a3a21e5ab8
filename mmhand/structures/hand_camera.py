"""One camera of one picture, through every crop, turn and mirror."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from mmhand.utils.errors import HandDataError

_NO_WARP = np.eye(2, 3, dtype=np.float32)
_NO_TURN = np.eye(3, dtype=np.float32)

#: What a camera tells when it is read as a mapping, where it is known.
_KEYS = ('K', 'affine', 'frame', 'K_crop', 'R', 't')


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
class HandCamera(Mapping):
    """The pinhole camera of a picture, and how the network's input relates to it.

    Carried by the record of a data set, by the pipeline's results and by a sample's metainfo
    ``camera``. Immutable: a crop or a turn gives a new camera. At all times ``K_crop`` projects the 3D
    annotations and predictions of the sample onto the current pixels. It can be read like a dict
    (``camera['K_crop']``).

    Attributes:
        K: (3, 3) intrinsics of the original picture, pixels.
        affine: (2, 3) original pixels to current pixels (x right, y down, pixel centres are whole
            numbers).
        frame: (3, 3) orthogonal; original camera frame to the frame of the sample's 3D. A turned crop
            turns it about the optical axis, a mirrored one has determinant -1.
        cube: the space that a depth crop shows; ``None`` for pictures.
        assumed: ``K`` is a guess, so absolute depth is one too.
        R: (3, 3) world to original camera frame; ``None`` where there is no world.
        t: (3,) alike, metres.
    """

    K: np.ndarray
    affine: np.ndarray = field(default_factory=lambda: _NO_WARP)
    frame: np.ndarray = field(default_factory=lambda: _NO_TURN)
    cube: DepthCube | None = None
    assumed: bool = False
    R: np.ndarray | None = None
    t: np.ndarray | None = None

    def __getitem__(self, name: str) -> np.ndarray:
        value = getattr(self, name) if name in _KEYS else None
        if value is None:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter([name for name in _KEYS if getattr(self, name) is not None])

    def __len__(self) -> int:
        return sum(1 for _ in self)

    # Arrays have no one truth; a camera is equal to itself.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    @classmethod
    def of(cls, camera: 'HandCamera | Mapping | None') -> 'HandCamera | None':
        """A camera from whatever a record or an outside sample states.

        Args:
            camera: a camera (returned as it is), a mapping with ``K`` and optionally ``affine``,
                ``frame``, ``R`` and ``t``, or with ``K_crop`` (alone: a crop whose original is not
                known, which becomes the original), or ``None``.

        Returns:
            ``None`` where there are no intrinsics.

        Raises:
            HandDataError: intrinsics are not (3, 3).
        """
        if camera is None or isinstance(camera, HandCamera):
            return camera
        given: dict[str, Any] = {
            name: _as_array(camera[name])
            for name in ('K', 'affine', 'frame', 'R', 't')
            if camera.get(name) is not None
        }
        crop = camera.get('K_crop')
        if crop is not None and ('K' not in given or 'affine' not in given):
            frame = given.setdefault('frame', _NO_TURN)
            back = _as_array(crop).astype(np.float64) @ frame
            if 'K' in given:
                given['affine'] = (back @ np.linalg.inv(given['K']))[:2].astype(np.float32)
            else:
                given.pop('affine', None)
                given['K'] = back.astype(np.float32)
        if 'K' not in given:
            return None
        if given['K'].shape != (3, 3):
            raise HandDataError(f"a camera's K is (3, 3), got {given['K'].shape}")
        return cls(**given)

    @staticmethod
    def part_of(camera: 'HandCamera | Mapping | None', name: str) -> np.ndarray:
        """``affine`` (2, 3) or ``frame`` (3, 3) that a camera states, even one without intrinsics.

        Args:
            camera: see :meth:`of`; where it states nothing, nothing was warped or turned.
            name: ``'affine'`` or ``'frame'``.
        """
        value = None if camera is None else camera.get(name)
        if value is None:
            return {'affine': _NO_WARP, 'frame': _NO_TURN}[name]
        return _as_array(value)

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
        return replace(self, affine=self.chain(affine, self.affine))

    @staticmethod
    def chain(affine: np.ndarray, first: np.ndarray) -> np.ndarray:
        """(2, 3) float32: ``affine`` (2, 3) after ``first`` (2, 3)."""
        whole = affine[:, :2].astype(np.float64) @ first
        whole[:, 2] += affine[:, 2]
        return whole.astype(np.float32)

    def turn(self, rotation: np.ndarray) -> 'HandCamera':
        """The camera after the 3D annotations were multiplied by ``rotation`` (3, 3), orthogonal."""
        return replace(self, frame=(rotation @ self.frame).astype(np.float32))

    def unturned(self) -> 'HandCamera':
        """The camera once the sample's 3D is back in the original frame; pixels stay as they are."""
        return replace(self, frame=_NO_TURN)

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


def _as_array(value: object) -> np.ndarray:
    """float32 NumPy of an array, a list, or a tensor on any device."""
    return np.asarray(value.cpu() if hasattr(value, 'cpu') else value, np.float32)

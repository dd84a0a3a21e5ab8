"""The calibrated cameras of InterHand2.6M's studio."""

from typing import NamedTuple

import numpy as np

from mmhand.datasets.store.annotation_store import AnnotationStore


class StudioCamera(NamedTuple):
    """One camera of the studio in one capture.

    Attributes:
        name: its name, such as ``'400026'``.
        intrinsics: (3, 3) float32.
        rotation: (3, 3) float64 R, world to camera.
        center: (3,) float64 in the world, metres.
        translation: (3,) float64 -R center, metres.
        matrix: (3, 6) and
        offset: (6,) take rows of world points, mm, to camera points, metres, beside their
            homogeneous pixels; both in one product.
    """

    name: str
    intrinsics: np.ndarray
    rotation: np.ndarray
    center: np.ndarray
    translation: np.ndarray
    matrix: np.ndarray
    offset: np.ndarray

    @classmethod
    def from_calibration(
        cls,
        name: str,
        rotation: np.ndarray,
        center: np.ndarray,
        focal: np.ndarray,
        point: np.ndarray,
    ) -> 'StudioCamera':
        """From an entry of the camera file; ``center`` in millimetres."""
        intrinsics = np.array([[focal[0], 0, point[0]], [0, focal[1], point[1]], [0, 0, 1]])
        translation = -rotation @ (center * 1e-3)
        whole = np.concatenate([rotation, intrinsics @ rotation])
        offset = np.concatenate([translation, intrinsics @ translation])
        return cls(
            name,
            intrinsics.astype(np.float32),
            np.array(rotation),
            center * 1e-3,
            translation,
            np.ascontiguousarray(whole.T) * 1e-3,
            offset,
        )


def studio_cameras(store: AnnotationStore) -> list[StudioCamera]:
    """All cameras of a store of :mod:`.interhand_store`, in the order of its rows."""
    table = store['camera']
    columns = (table[key] for key in ('name', 'camrot', 'campos', 'focal', 'princpt'))
    return [StudioCamera.from_calibration(*entry) for entry in zip(*columns, strict=True)]

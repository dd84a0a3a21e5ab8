"""HUMBI's text files as columns."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from mmengine.logging import print_log

from mmhand.datasets.store.annotation_store import StoreWriter
from mmhand.structures import CANONICAL
from mmhand.utils.errors import HandDataError

from .files import IMAGE_FOLDER, NUM_PARAMS, RECONSTRUCTION, read_cameras, read_list, read_values

#: Raise when the columns below change.
VERSION = 2


def build_humbi_store(
    writer: StoreWriter, folders: Mapping[int, Path], progress: Callable[[int], None]
) -> None:
    """Turn all subjects' files into columns.

    Table ``camera``: ``K``, ``R`` (3, 3), ``center`` (3,). Table ``frame``: ``name``, ``subject``
    (number), ``keypoints`` (21, 3) canonical, ``vertices`` (V, 3), ``params`` (36,), all metres in the
    world. Table ``image``: ``frame``, ``camera`` (rows), ``number`` of the camera, ``box`` (4,) xmin,
    xmax, ymin, ymax.

    Frames without crops of a right hand are passed over. Left out with a warning, and counted in
    ``info`` (``left_out_frames``, ``left_out_crops``): frames whose reconstruction lacks a file, is
    empty or not finite, and crops without size or of a camera without calibration.

    Raises:
        HandFileError, HandDataError: a file is missing or malformed; names it.
    """
    cameras, images, names, subjects = [], [], [], []
    left_out = {'frames': 0, 'crops': 0}
    numbers: dict[str, list[np.ndarray]] = {key: [] for key in RECONSTRUCTION}
    for subject, folder in folders.items():
        known = read_cameras(folder)
        places = {number: len(cameras) + place for place, number in enumerate(known)}
        cameras.extend(known.values())
        for frame in sorted(path for path in folder.iterdir() if path.is_dir()):
            listed = frame / IMAGE_FOLDER / 'list.txt'
            if not listed.is_file():
                continue
            values = _read_frame(frame, progress)
            if values is None:
                left_out['frames'] += 1
                continue
            rows = read_list(listed)
            usable = np.isin(rows[:, 0], list(places))
            usable &= (rows[:, 1] < rows[:, 2]) & (rows[:, 3] < rows[:, 4])
            left_out['crops'] += int((~usable).sum())
            images += [(len(names), places[int(row[0])], *row) for row in rows[usable]]
            for key, value in values.items():
                numbers[key].append(value)
            names.append(f'{folder.parent.name}/{folder.name}/{frame.name}')
            subjects.append(subject)
    root = next(iter(folders.values())).parent.parent
    if not images:
        raise HandDataError(
            f'{root} holds no crop of a right hand with its reconstruction and calibration'
        )
    _say_left_out(root, left_out)
    writer.info.update({f'left_out_{what}': count for what, count in left_out.items()})
    sizes = {len(mesh) for mesh in numbers['vertices']}
    if len(sizes) != 1:
        raise HandDataError(f'meshes of the frames have {min(sizes)} and {max(sizes)} vertices')
    writer.add('camera', 'K', np.stack([camera.K for camera in cameras]))
    writer.add('camera', 'R', np.stack([camera.R for camera in cameras]))
    writer.add('camera', 'center', np.stack([camera.center for camera in cameras]))
    writer.add_strings('frame', 'name', names)
    writer.add('frame', 'subject', np.array(subjects, np.int32))
    writer.add('frame', 'keypoints', np.float32(numbers['keypoints']))
    writer.add('frame', 'vertices', np.float32(numbers['vertices']))
    writer.add('frame', 'params', np.float64(numbers['mano']))
    table = np.array(images)
    for place, name in enumerate(('frame', 'camera', 'number')):
        writer.add('image', name, table[:, place].astype(np.int32))
    writer.add('image', 'box', table[:, 3:])


def _say_left_out(root: Path, left_out: Mapping[str, int]) -> None:
    if any(left_out.values()):
        print_log(
            f'{root}: {left_out["frames"]} frames without a whole and finite reconstruction, and '
            f'{left_out["crops"]} crops without a size or of a camera without calibration, are left out',
            logger='current',
            level=logging.WARNING,
        )


def _read_frame(frame: Path, progress: Callable[[int], None]) -> dict[str, np.ndarray] | None:
    """``keypoints`` (21, 3), ``vertices`` (V, 3), ``mano`` (36,) of a frame; ``None``: not usable."""
    if not all((frame / name).is_file() for name in RECONSTRUCTION.values()):
        return None
    values = {key: read_values(frame / name, 3) for key, name in RECONSTRUCTION.items()}
    if not all(array.size and np.isfinite(array).all() for array in values.values()):
        return None
    for key, wanted in (('keypoints', 3 * len(CANONICAL)), ('mano', NUM_PARAMS)):
        if values[key].size != wanted:
            raise HandDataError(
                f'{frame / RECONSTRUCTION[key]} holds {values[key].size} numbers, expected {wanted}'
            )
    for name in RECONSTRUCTION.values():
        progress((frame / name).stat().st_size)
    return {**values, 'mano': values['mano'].reshape(-1)}

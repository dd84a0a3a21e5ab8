"""HUMBI's text files as columns."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from mmhand.datasets.store.annotation_store import StoreWriter
from mmhand.structures import CANONICAL
from mmhand.utils.errors import HandDataError

from .files import IMAGE_FOLDER, NUM_PARAMS, RECONSTRUCTION, read_cameras, read_list, read_values

#: Raise when the columns below change.
VERSION = 1


def build_humbi_store(
    writer: StoreWriter, folders: Mapping[int, Path], progress: Callable[[int], None]
) -> None:
    """Turn all subjects' files into columns.

    Table ``camera``: ``K``, ``R`` (3, 3), ``center`` (3,). Table ``frame``: ``name``, ``subject``
    (number), ``keypoints`` (21, 3) canonical, ``vertices`` (V, 3), ``params`` (36,), all metres in the
    world. Table ``image``: ``frame``, ``camera`` (rows), ``number`` of the camera, ``box`` (4,) xmin,
    xmax, ymin, ymax. Frames without right hands are left out.

    Raises:
        HandFileError, HandDataError: a file is missing or malformed; names it.
    """
    cameras, images, names, subjects = [], [], [], []
    numbers: dict[str, list[np.ndarray]] = {key: [] for key in RECONSTRUCTION}
    for subject, folder in folders.items():
        known = read_cameras(folder)
        places = {number: len(cameras) + place for place, number in enumerate(known)}
        cameras.extend(known.values())
        for frame in sorted(path for path in folder.iterdir() if path.is_dir()):
            listed = frame / IMAGE_FOLDER / 'list.txt'
            if not listed.is_file() or not (frame / RECONSTRUCTION['mano']).is_file():
                continue
            rows = read_list(listed)
            unknown = [int(number) for number in rows[:, 0] if int(number) not in places]
            if unknown:
                raise HandDataError(f'{listed}: camera {unknown[0]} is not in intrinsic.txt')
            images += [(len(names), places[int(row[0])], *row) for row in rows]
            for key, value in _read_frame(frame, progress).items():
                numbers[key].append(value)
            names.append(f'{folder.parent.name}/{folder.name}/{frame.name}')
            subjects.append(subject)
    if not images:
        raise HandDataError(
            f'{next(iter(folders.values())).parent.parent} holds no crop of a right hand'
        )
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


def _read_frame(frame: Path, progress: Callable[[int], None]) -> dict[str, np.ndarray]:
    """``keypoints`` (21, 3), ``vertices`` (V, 3), ``mano`` (36,) of a frame."""
    values = {key: read_values(frame / name, 3) for key, name in RECONSTRUCTION.items()}
    for key, wanted in (('keypoints', 3 * len(CANONICAL)), ('mano', NUM_PARAMS)):
        if values[key].size != wanted:
            raise HandDataError(
                f'{frame / RECONSTRUCTION[key]} holds {values[key].size} numbers, expected {wanted}'
            )
    for name in RECONSTRUCTION.values():
        progress((frame / name).stat().st_size)
    return {**values, 'mano': values['mano'].reshape(-1)}

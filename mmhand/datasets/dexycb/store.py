"""DexYCB's labels as columns."""

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
from mmengine.logging import print_log

from mmhand.datasets.checks import Column, check_hands, check_parameters
from mmhand.datasets.hand_record import project_keypoints
from mmhand.datasets.store.annotation_store import StoreWriter
from mmhand.utils.errors import HandDataError
from mmhand.utils.safe_npz import load_npz

from .files import SERIALS, DexYCBSequence, picture_size, read_intrinsics

#: Raise when the columns below change.
VERSION = 2

_SHAPES = {'joint_3d': (1, 21, 3), 'pose_m': (1, 51)}


def build_dexycb_store(
    writer: StoreWriter,
    root: Path,
    sequences: list[DexYCBSequence],
    progress: Callable[[int], None],
) -> None:
    """Turn the labels of all recordings into columns, whatever split they are in.

    Table ``sequence``: ``name``, ``subject``, ``index``, ``left``, ``betas`` (10,). Table ``frame``, in
    the toolkit's order (recordings, cameras, frames): ``sequence``, ``camera``, ``number``,
    ``valid`` (a hand is annotated), ``joints`` (21, 3) canonical, metres, camera frame, ``pose``
    (48,): wrist in axis-angle, fingers as PCA coefficients, ``transl`` (3,) metres, what the labels
    add to the hand model's mesh, ``in_frame`` (the box of the projected joints is inside the picture).
    Table ``camera``: ``K`` (3, 3).

    Raises:
        HandFileError, HandDataError: a label is unreadable or malformed; names the file.
    """
    used = sorted({serial for sequence in sequences for serial in sequence.serials})
    unknown = [serial for serial in used if serial not in SERIALS]
    if unknown:
        raise HandDataError(f"{root}: camera {unknown[0]} is none of DexYCB's")
    writer.add('sequence', 'subject', np.array([s.subject for s in sequences], np.int16))
    writer.add('sequence', 'index', np.array([s.index for s in sequences], np.int16))
    writer.add('sequence', 'left', np.array([s.left for s in sequences], np.uint8))
    writer.add('sequence', 'betas', np.stack([s.betas for s in sequences]))
    writer.add_strings('sequence', 'name', (s.name for s in sequences))
    intrinsics = np.stack([read_intrinsics(root, s) if s in used else np.eye(3) for s in SERIALS])
    sizes = np.array([picture_size(root, s) if s in used else (0, 0) for s in SERIALS])
    writer.add('camera', 'K', intrinsics)
    frames = [
        (row, SERIALS.index(serial), number)
        for row, sequence in enumerate(sequences)
        for serial in sequence.serials
        for number in range(sequence.num_frames)
    ]
    if not frames:
        raise HandDataError(f'{root}: the recordings hold no frame')
    joints = np.zeros((len(frames), 21, 3), np.float32)
    pose = np.zeros((len(frames), 51), np.float32)
    valid = np.zeros(len(frames), np.uint8)
    missing = 0
    for row, (sequence, camera, number) in enumerate(frames):
        path = label_file(sequences[sequence].folder / SERIALS[camera], number)
        label = _read_label(path, progress)
        missing += label is None
        # Frames in which the hand is not yet, or no longer, seen have joints of -1.
        if label is not None and not (label['joint_3d'] == -1).all():
            joints[row], pose[row] = label['joint_3d'][0], label['pose_m'][0]
            valid[row] = 1
    _say_missing(root, missing, len(frames))
    names = _FrameNames(sequences, frames)
    seen = valid > 0
    shown = names.where(seen)
    check_hands(Column(root, 'joint_3d', shown), joints[seen])
    check_parameters(Column(root, 'pose_m', shown), pose[seen])
    table = np.array(frames, dtype=np.int32)
    for column, name in enumerate(('sequence', 'camera', 'number')):
        writer.add('frame', name, table[:, column])
    writer.add('frame', 'joints', joints)
    writer.add('frame', 'pose', pose[:, :48])
    writer.add('frame', 'transl', pose[:, 48:])
    writer.add('frame', 'valid', valid)
    in_frame = np.zeros(len(frames), np.uint8)
    for camera in range(len(SERIALS)):
        rows = np.flatnonzero((table[:, 1] == camera) & (valid > 0))
        pixels = project_keypoints(joints[rows].astype(np.float64), intrinsics[camera])
        in_frame[rows] = ((pixels >= 0) & (pixels <= sizes[camera])).all((1, 2))
    writer.add('frame', 'in_frame', in_frame)


class _FrameNames:
    """Labels by row, put together only when a message needs one."""

    def __init__(self, sequences: list[DexYCBSequence], frames: list[tuple[int, int, int]]) -> None:
        self.sequences, self.frames = sequences, frames

    def where(self, chosen: np.ndarray) -> Callable[[int], str]:
        """Names of the chosen rows."""
        rows = np.flatnonzero(chosen)

        def name(row: int) -> str:
            sequence, camera, number = self.frames[rows[row]]
            return f'{self.sequences[sequence].name}/{SERIALS[camera]}/labels_{number:06d}.npz'

        return name


def _say_missing(root: Path, missing: int, total: int) -> None:
    if missing:
        print_log(
            f'{root}: {missing} of {total} labels are not there; their frames are left out, and numbers '
            'of this part are not those of the whole set',
            logger='current',
            level=logging.WARNING,
        )


#: A label is a 640 x 480 mask and a few numbers; no array of it is larger, bytes.
_LABEL_LIMIT = 1 << 24


def label_file(folder: Path, number: int) -> Path:
    """Label of a frame of one camera."""
    return folder / f'labels_{number:06d}.npz'


def _read_label(path: Path, progress: Callable[[int], None]) -> dict[str, np.ndarray] | None:
    if not path.exists():  # a part of the set
        return None
    label = load_npz(path, _SHAPES, limit=_LABEL_LIMIT)
    progress(path.stat().st_size)
    for key, shape in _SHAPES.items():
        if key not in label:
            raise HandDataError(f'{path} has no "{key}"')
        if label[key].shape != shape or label[key].dtype.kind not in 'iuf':
            raise HandDataError(
                f'{path}: "{key}" has shape {label[key].shape} of {label[key].dtype}, expected {shape} '
                'numbers; copy or download it again'
            )
    return label

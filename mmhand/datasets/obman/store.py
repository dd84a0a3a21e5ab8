"""ObMan's pickles as columns, with the wrist rotations that they leave out."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmhand.cameras.pinhole import OPENGL_SIGNS
from mmhand.datasets.checks import Column, check_hands, check_parameters, one_of
from mmhand.datasets.store.annotation_store import StoreWriter
from mmhand.datasets.store.record_column import RecordColumn, record_field
from mmhand.hand_models.base import HandModel
from mmhand.hand_models.io import load_pickle
from mmhand.hand_models.rotations import matrix_to_axis_angle, mirror_axis_angle
from mmhand.structures.sides import SIDES
from mmhand.utils.errors import HandDataError
from mmhand.utils.pickle_records import evaluate

#: Raise when the columns below change.
VERSION = 1

#: A mesh is explained by parameters if its vertices are met to this mean distance, metres.
_TOLERANCE = 2e-3

_SIGNS = np.array(OPENGL_SIGNS)
_MIRROR = np.array([-1.0, 1.0, 1.0])
_BATCH = 512


def build_obman_store(
    writer: StoreWriter, folder: Path, hand: HandModel, progress: Callable[[int], None]
) -> None:
    """Turn the pickles of a split into columns.

    Table ``sample``, sorted by name: ``name``, ``left``, ``joints`` (21, 3) canonical and
    ``vertices`` (V, 3), metres, OpenCV's camera frame, ``pose`` (48,) relative to the hand mean,
    ``betas`` (10,), ``mano_valid``.

    Args:
        writer: takes the columns.
        folder: of the pickles.
        hand: the right hand model that the meshes are of; left ones are its mirror image.
        progress: called with the bytes read.

    Raises:
        HandFileError, UnsafeFileError: a pickle is broken or asks for foreign classes.
        HandDataError: a field is missing or malformed; names the file.
    """
    paths = sorted(folder.glob('*.pkl'))
    if not paths:
        raise HandDataError(f'{folder} holds no pickle')
    shapes = {
        'coords_3d': (21, 3),
        'verts_3d': (hand.num_verts, 3),
        'hand_pose': (45,),
        'shape': (hand.num_betas,),
    }
    columns = {key: RecordColumn(folder, key, shape, np.float32) for key, shape in shapes.items()}
    left = []
    for path in paths:
        record = load_pickle(path)
        progress(path.stat().st_size)
        if not isinstance(record, Mapping):
            raise HandDataError(f'{path}: holds a {type(record).__name__}, expected a dict')
        for key, column in columns.items():
            column.add(_array(record, key, path), path.name)
        side = record_field(record, 'side', path, 'the annotation')
        left.append(one_of(side, SIDES, path, 'the annotation', 'side') == SIDES.index('left'))
    arrays = {key: column.column() for key, column in columns.items()}
    names = [path.name for path in paths]
    for key in ('coords_3d', 'verts_3d'):
        check_hands(Column(folder, key, names), arrays[key] * _SIGNS.astype(np.float32))
    for key in ('hand_pose', 'shape'):
        check_parameters(Column(folder, key, names), arrays[key])
    vertices = arrays['verts_3d'] * _SIGNS.astype(np.float32)
    sides = np.array(left)
    pose, valid = fit_poses(hand, arrays['hand_pose'], arrays['shape'], vertices, sides)
    writer.add_strings('sample', 'name', (path.stem for path in paths))
    writer.add('sample', 'left', sides.astype(np.uint8))
    writer.add('sample', 'joints', (arrays['coords_3d'] * _SIGNS).astype(np.float32))
    writer.add('sample', 'vertices', vertices)
    writer.add('sample', 'pose', pose)
    writer.add('sample', 'betas', arrays['shape'])
    writer.add('sample', 'mano_valid', valid.astype(np.uint8))


def _array(record: Mapping[str, Any], key: str, path: Path) -> np.ndarray:
    value = record_field(record, key, path, 'the annotation')
    try:
        return np.asarray(evaluate(value))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise HandDataError(f'{path}: "{key}" is no array ({error})') from None


def fit_poses(
    hand: HandModel,
    fingers: np.ndarray,
    betas: np.ndarray,
    vertices: np.ndarray,
    left: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Find the wrist rotations that take the posed hand to given meshes.

    Whether finger poses are relative to the hand mean or to the flat hand is not documented; both are
    tried on every sample, and the one that explains the mesh is taken.

    Args:
        hand: right hand model.
        fingers: (N, 45) axis-angle of the side that the sample shows.
        betas: (N, B).
        vertices: (N, V, 3) metres, camera frame.
        left: (N,) flags.

    Returns:
        Poses (N, 48) float32 of that side, mean not added, and (N,) flags of samples whose mesh is
        met to 2 mm on average.
    """
    poses = np.zeros((len(fingers), 48), np.float32)
    errors = np.full(len(fingers), np.inf)
    mean = hand.hand_mean
    for start in range(0, len(fingers), _BATCH):
        part = slice(start, start + _BATCH)
        mirrored = torch.from_numpy(left[part])[:, None]
        relative = torch.from_numpy(fingers[part])
        # Everything is done for right hands; a left hand is mirrored first and last.
        relative = torch.where(mirrored, mirror_axis_angle(relative), relative)
        target = torch.from_numpy(vertices[part] * np.where(left[part, None, None], _MIRROR, 1))
        for offset in (torch.zeros_like(mean), mean):
            pose = relative - offset
            output = hand(torch.zeros(len(pose), 3), pose, torch.from_numpy(betas[part]))
            rotation, error = _best_rotation(output.vertices.double(), target.double())
            whole = torch.cat((matrix_to_axis_angle(rotation).float(), pose), dim=1)
            whole = torch.where(mirrored, mirror_axis_angle(whole), whole)
            better = error.numpy() < errors[part]
            poses[part][better], errors[part][better] = whole.numpy()[better], error.numpy()[better]
    return poses, errors < _TOLERANCE


def _best_rotation(source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Rotations (N, 3, 3) of source points onto target points, about centroids; mean distances."""
    a, b = source - source.mean(1, keepdim=True), target - target.mean(1, keepdim=True)
    u, _, vt = torch.linalg.svd(b.mT @ a)
    sign = torch.linalg.det(u @ vt)
    fix = torch.diag_embed(torch.stack((torch.ones_like(sign), torch.ones_like(sign), sign), -1))
    rotation = u @ fix @ vt
    return rotation, (a @ rotation.mT - b).norm(dim=-1).mean(-1)

"""A mesh at several resolutions, with the maps between them and spirals on each."""

import functools
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mmhand.utils.atomic_io import AtomicLocalBackend
from mmhand.utils.errors import HandDataError, HandFileError

from .mesh_io import load_mesh
from .mesh_spirals import mesh_spirals
from .mesh_upsampling import upsampling_matrix
from .procrustes import ArrayT
from .quadric_decimation import decimate

#: HandMesh's template: MANO's topology, vertices of its own (MIT licence, see NOTICE).
CMR_TEMPLATE = Path(__file__).parent / 'data' / 'cmr_template.ply'

#: Vertices in a spiral.
SPIRAL_LENGTH = 27


@dataclass(frozen=True, eq=False)
class MeshHierarchy:
    """Levels of a mesh, finest first (methods/cmr.md#mesh-hierarchy).

    Attributes:
        vertices: of each level, (N_k, 3) float64, the mesh's own unit and frame.
        faces: of each level, (F_k, 3) int64.
        survivors: of each level but the first, which vertices (N_k,) of the level above it keeps,
            ascending.
        up: of each level but the last, (N_k, N_k+1) float64: from the next coarser level to this one.
        spirals: of each level but the last, (N_k, 27) int64.
    """

    vertices: list[np.ndarray]
    faces: list[np.ndarray]
    survivors: list[np.ndarray]
    up: list[np.ndarray]
    spirals: list[np.ndarray]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of vertices of each level, finest first."""
        return tuple(len(level) for level in self.vertices)

    @classmethod
    def from_mesh(
        cls, vertices: np.ndarray, faces: np.ndarray, levels: int = 4, affine: bool = False
    ) -> 'MeshHierarchy':
        """Halve a mesh again and again; deterministic, and remembered for the process.

        Args:
            vertices: (V, 3).
            faces: (F, 3).
            levels: halvings.
            affine: up-sampling weights sum to one, see :func:`~.mesh_upsampling.upsampling_matrix`;
                needed where the mesh lies near the origin.

        Raises:
            HandDataError: shapes, indices or values that make no mesh, or too few vertices.
        """
        vertices = np.ascontiguousarray(_array(vertices), np.float64)
        faces = np.ascontiguousarray(_array(faces)).astype(np.int64)
        _check(vertices, faces, 'the mesh')
        key = vertices.tobytes(), vertices.shape, faces.tobytes(), levels, affine
        return _build(key)

    @classmethod
    def load(cls, path: str | Path) -> 'MeshHierarchy':
        """Read a hierarchy, or make one of a mesh file.

        Args:
            path: a mesh (HandMesh's ``template.ply``, or any that trimesh reads), HandMesh's
                ``transform.pkl`` (read without running anything in it), or an ``.npz`` of
                :meth:`save`.

        Raises:
            HandFileError: missing or unreadable.
            UnsafeFileError: a pickle asks for foreign classes.
            HandDataError: the content is no hierarchy.
        """
        path = Path(path).expanduser()
        if path.suffix == '.pkl':
            return _from_arrays(_read_pickle(path), path)
        if path.suffix == '.npz':
            return _from_arrays(_read_npz(path), path)
        mesh = load_mesh(path)
        return cls.from_mesh(mesh.vertices, mesh.faces)

    def save(self, path: str | Path) -> None:
        """Write an ``.npz`` of plain arrays, whole or not at all."""
        import io

        arrays = {
            f'{name}_{k}': array
            for name in ('vertices', 'faces', 'survivors', 'up')
            for k, array in enumerate(getattr(self, name))
        }
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        AtomicLocalBackend().put(buffer.getvalue(), path)

    def select(self, vertices: ArrayT) -> list[ArrayT]:
        """A mesh of the finest topology at every level.

        Args:
            vertices: (..., V, C) array or tensor.

        Returns:
            One per level, finest first: ``vertices``, then what each level keeps.

        Raises:
            HandDataError: another number of vertices.
        """
        if vertices.shape[-2] != self.sizes[0]:
            raise HandDataError(
                f'a mesh of {vertices.shape[-2]} vertices does not fit a hierarchy of {self.sizes[0]}'
            )
        levels = [vertices]
        for kept in self.survivors:
            finer = levels[-1]
            index = (
                torch.as_tensor(kept, device=finer.device) if isinstance(finer, Tensor) else kept
            )
            levels.append(finer[..., index, :])
        return levels


@functools.lru_cache(maxsize=8)
def _build(key: tuple) -> MeshHierarchy:
    data, shape, faces, levels, affine = key
    vertices = [np.frombuffer(data).reshape(shape).copy()]
    faces = [np.frombuffer(faces, np.int64).reshape(-1, 3).copy()]
    survivors, up, spirals = [], [], []
    for _ in range(levels):
        kept, coarse = decimate(vertices[-1], faces[-1])
        survivors.append(kept)
        up.append(upsampling_matrix(vertices[-1], vertices[-1][kept], coarse, affine))
        spirals.append(mesh_spirals(vertices[-1], faces[-1], SPIRAL_LENGTH))
        vertices.append(vertices[-1][kept])
        faces.append(coarse)
    return MeshHierarchy(vertices, faces, survivors, up, spirals)


def topology_key(faces: np.ndarray) -> str:
    """Hash of a list of faces (F, 3)."""
    faces = np.ascontiguousarray(_array(faces)).astype('<i8')
    return hashlib.sha1(faces.tobytes()).hexdigest()


def _from_arrays(raw: Mapping[str, list], path: Path) -> MeshHierarchy:
    """Check the arrays of a stored hierarchy; spirals are computed."""
    try:
        vertices = [np.asarray(v, np.float64) for v in raw['vertices']]
        faces = [np.asarray(f).astype(np.int64) for f in raw['faces']]
        survivors = [np.asarray(s).astype(np.int64) for s in raw['survivors']]
        up = [np.asarray(u, np.float64) for u in raw['up']]
    except (KeyError, TypeError, ValueError) as error:
        raise HandDataError(f'{path}: no mesh hierarchy ({error!r})') from None
    levels = len(vertices)
    if levels < 2 or [len(faces), len(survivors) + 1, len(up) + 1] != [levels] * 3:
        raise HandDataError(f'{path}: its lists do not tell of the same number of levels')
    for k in range(levels):
        _check(vertices[k], faces[k], f'{path}, level {k}')
    for k, (kept, matrix) in enumerate(zip(survivors, up, strict=True)):
        fine, coarse = len(vertices[k]), len(vertices[k + 1])
        if kept.shape != (coarse,) or kept.min() < 0 or kept.max() >= fine:
            raise HandDataError(f'{path}: what level {k + 1} keeps of level {k} makes no sense')
        if matrix.shape != (fine, coarse) or not np.isfinite(matrix).all():
            raise HandDataError(
                f'{path}: up-sampling {k} is {matrix.shape}, not ({fine}, {coarse})'
            )
    spirals = [
        mesh_spirals(v, f, SPIRAL_LENGTH) for v, f in zip(vertices[:-1], faces[:-1], strict=True)
    ]
    return MeshHierarchy(vertices, faces, survivors, up, spirals)


def _read_pickle(path: Path) -> dict[str, list]:
    # Only here: the reader of pickles lives with the hand models, which import this package.
    from mmhand.hand_models.io import load_pickle
    from mmhand.utils.pickle_records import evaluate

    raw = load_pickle(path)
    if not isinstance(raw, Mapping):
        raise HandDataError(
            f'{path}: holds a {type(raw).__name__}, not the dict of a transform file'
        )

    def arrays(name: str) -> list[np.ndarray]:
        try:
            return [np.asarray(evaluate(entry)) for entry in raw[name]]
        except (KeyError, TypeError, ValueError, LookupError, AttributeError) as error:
            raise HandDataError(f'{path}: "{name}" is no list of arrays ({error!r})') from None

    down = arrays('down_transform')
    if any(matrix.ndim != 2 or not ((matrix != 0).sum(1) == 1).all() for matrix in down):
        raise HandDataError(f'{path}: "down_transform" does not select vertices')
    return dict(
        vertices=arrays('vertices'),
        faces=arrays('face'),
        survivors=[matrix.argmax(1) for matrix in down],
        up=arrays('up_transform'),
    )


def _read_npz(path: Path) -> dict[str, list]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            names = set(archive.files)
            levels = sum(name.startswith('vertices_') for name in names)
            return {
                name: [archive[f'{name}_{k}'] for k in range(levels - short)]
                for name, short in (('vertices', 0), ('faces', 0), ('survivors', 1), ('up', 1))
            }
    except Exception as error:  # a broken archive can fail in any way
        raise HandFileError(f'{path}: cannot be read as a mesh hierarchy ({error})') from None


def _check(vertices: np.ndarray, faces: np.ndarray, where: str) -> None:
    if vertices.ndim != 2 or vertices.shape[1] != 3 or not np.isfinite(vertices).all():
        raise HandDataError(f'{where}: vertices are {vertices.shape}, expected finite (V, 3)')
    if faces.ndim != 2 or faces.shape[1] != 3 or not len(faces):
        raise HandDataError(f'{where}: faces are {faces.shape}, expected (F, 3)')
    if faces.min() < 0 or faces.max() >= len(vertices):
        raise HandDataError(f'{where}: a face names vertex {faces.max()} of {len(vertices)}')


def _array(values: ArrayT) -> np.ndarray:
    return values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)

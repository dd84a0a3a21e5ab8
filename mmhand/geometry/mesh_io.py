"""Meshes to and from files, through trimesh."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np

from mmhand.utils.atomic_io import atomic_write
from mmhand.utils.errors import HandDataError, HandFileError

FORMATS = ('obj', 'ply', 'glb')

#: Decimals written to obj, enough for every float32 above 1e-7.
_OBJ_DIGITS = 16


class Mesh(NamedTuple):
    """What a mesh file holds.

    Attributes:
        vertices: (V, 3) float64, the unit of the file.
        faces: (F, 3) int64.
        vertex_colors: (V, 4) uint8 RGBA, or ``None``.
    """

    vertices: np.ndarray
    faces: np.ndarray
    vertex_colors: np.ndarray | None


def save_mesh(
    path: str | Path,
    vertices: np.ndarray,
    faces: np.ndarray,
    vertex_colors: np.ndarray | None = None,
) -> Path:
    """Write one mesh, all at once: an interrupted write leaves no half file.

    Float32 vertices come back exactly from every format, once read as float32.

    Args:
        path: ends in .obj, .ply or .glb.
        vertices: (V, 3), metres.
        faces: (F, 3).
        vertex_colors: (V, 3) or (V, 4) uint8 RGB(A).

    Returns:
        The path.

    Raises:
        HandDataError: unknown ending, shapes that do not fit, or vertices that are not finite.
        HandFileError: the folder cannot be written.
    """
    return save_meshes(path, [('mesh', vertices, faces, vertex_colors)])


def save_meshes(
    path: str | Path,
    meshes: Sequence[tuple[str, np.ndarray, np.ndarray, np.ndarray | None]],
) -> Path:
    """Write several meshes into one file, e.g. both hands in their relative position.

    Args:
        path: ends in .obj, .ply or .glb. Only glb keeps the meshes apart, by name.
        meshes: (name, vertices, faces, colours) as in :func:`save_mesh`.

    Returns:
        The path.

    Raises:
        HandDataError: unknown ending, shapes that do not fit, or vertices that are not finite.
        HandFileError: the folder cannot be written.
    """
    import trimesh

    path = Path(path)
    kind = path.suffix[1:].lower()
    if kind not in FORMATS:
        raise HandDataError(f'{path}: meshes are written as {", ".join(FORMATS)}, not "{kind}"')
    parts = {}
    for name, vertices, faces, colors in meshes:
        vertices, faces = _checked(path, name, vertices, faces)
        if colors is not None and len(colors) != len(vertices):
            raise HandDataError(
                f'{path}: mesh "{name}" has {len(colors)} colours for {len(vertices)} vertices'
            )
        parts[name] = trimesh.Trimesh(vertices, faces, vertex_colors=colors, process=False)
    if kind == 'glb':
        scene = trimesh.Scene()
        for name, part in parts.items():
            scene.add_geometry(part, node_name=name, geom_name=name)
        data = scene.export(file_type=kind)
    else:
        joined = trimesh.util.concatenate(list(parts.values()))
        data = joined.export(file_type=kind, **({'digits': _OBJ_DIGITS} if kind == 'obj' else {}))
    with atomic_write(path) as file:
        file.write(data.encode() if isinstance(data, str) else data)
    return path


def _checked(
    path: Path, name: str, vertices: np.ndarray, faces: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    vertices, faces = np.asarray(vertices), np.asarray(faces)
    if vertices.ndim != 2 or vertices.shape[1] != 3 or faces.ndim != 2 or faces.shape[1] != 3:
        raise HandDataError(
            f'{path}: mesh "{name}" has vertices {vertices.shape} and faces {faces.shape}, '
            'expected (V, 3) and (F, 3)'
        )
    if faces.size and not 0 <= faces.min() <= faces.max() < len(vertices):
        raise HandDataError(
            f'{path}: faces of mesh "{name}" name vertices {faces.min()} to {faces.max()}, '
            f'but there are {len(vertices)}'
        )
    if not np.isfinite(vertices).all():
        raise HandDataError(f'{path}: mesh "{name}" has vertices that are not finite')
    return vertices, faces


def load_mesh(path: str | Path) -> Mesh:
    """Read a mesh file, vertices in their order; several meshes come as one.

    Args:
        path: any format that trimesh reads.

    Raises:
        HandFileError: missing, unreadable, or without triangles.
    """
    import trimesh

    if not Path(path).is_file():
        raise HandFileError(f'{path}: no such mesh file')
    try:
        mesh = cast('trimesh.Trimesh', trimesh.load(path, process=False, force='mesh'))
        look, colors = mesh.visual, None
        if isinstance(look, trimesh.visual.ColorVisuals) and look.kind == 'vertex':
            colors = np.asarray(look.vertex_colors, dtype=np.uint8)
        result = Mesh(np.asarray(mesh.vertices), np.asarray(mesh.faces, dtype=np.int64), colors)
    except Exception as error:  # trimesh's readers raise whatever their parsers do
        raise HandFileError(f'{path}: not a readable mesh ({error})') from None
    if not len(result.faces):
        raise HandFileError(f'{path}: holds no triangles')
    return result

"""Meshes to and from files, through trimesh."""

import os
from pathlib import Path

import numpy as np

from mmhand.utils.errors import HandDataError, HandFileError

FORMATS = ('obj', 'ply', 'glb')


def save_mesh(
    path: str | Path,
    vertices: np.ndarray,
    faces: np.ndarray,
    vertex_colors: np.ndarray | None = None,
) -> Path:
    """Write one mesh, all at once: an interrupted write leaves no half file.

    Args:
        path: ends in .obj, .ply or .glb.
        vertices: (V, 3), metres.
        faces: (F, 3).
        vertex_colors: (V, 3) or (V, 4) uint8 RGB(A).

    Returns:
        The path.

    Raises:
        HandDataError: unknown ending or shapes that do not fit.
        HandFileError: the folder cannot be written.
    """
    return save_meshes(path, [('mesh', vertices, faces, vertex_colors)])


def save_meshes(
    path: str | Path,
    meshes: list[tuple[str, np.ndarray, np.ndarray, np.ndarray | None]],
) -> Path:
    """Write several meshes into one file, e.g. both hands in their relative position.

    Args:
        path: ends in .obj, .ply or .glb. Only glb keeps the meshes apart, by name.
        meshes: (name, vertices, faces, colours) as in :func:`save_mesh`.

    Returns:
        The path.

    Raises:
        HandDataError: unknown ending or shapes that do not fit.
        HandFileError: the folder cannot be written.
    """
    import trimesh

    path = Path(path)
    kind = path.suffix[1:].lower()
    if kind not in FORMATS:
        raise HandDataError(f'{path}: meshes are written as {", ".join(FORMATS)}, not "{kind}"')
    parts = []
    for name, vertices, faces, colors in meshes:
        vertices, faces = np.asarray(vertices), np.asarray(faces)
        if vertices.ndim != 2 or vertices.shape[1] != 3 or faces.ndim != 2 or faces.shape[1] != 3:
            raise HandDataError(
                f'{path}: mesh "{name}" has vertices {vertices.shape} and faces {faces.shape}, '
                'expected (V, 3) and (F, 3)'
            )
        part = trimesh.Trimesh(vertices, faces, vertex_colors=colors, process=False)
        part.metadata['name'] = name
        parts.append(part)
    if kind == 'glb':
        scene = trimesh.Scene()
        for part in parts:
            name = part.metadata['name']
            scene.add_geometry(part, node_name=name, geom_name=name)
        data = scene.export(file_type=kind)
    else:
        data = trimesh.util.concatenate(parts).export(file_type=kind)
    temporary = path.with_name(f'.{path.name}.{os.getpid()}')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(data.encode() if isinstance(data, str) else data)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise HandFileError(f'{path}: cannot be written ({error.strerror})') from None
    return path


def load_mesh(path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (V, 3) and faces (F, 3) of a mesh file; several meshes come as one.

    Raises:
        HandFileError: missing or unreadable.
    """
    import trimesh

    if not Path(path).is_file():
        raise HandFileError(f'{path}: no such mesh file')
    try:
        mesh = trimesh.load(path, process=False, force='mesh')
    except Exception as error:
        raise HandFileError(f'{path}: not a readable mesh ({error})') from None
    return np.asarray(mesh.vertices), np.asarray(mesh.faces)

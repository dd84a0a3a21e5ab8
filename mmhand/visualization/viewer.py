"""One HTML file with the meshes of pictures or a video in a 3D viewer beside the overlays."""

import base64
import hashlib
import html
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from string import Template

import cv2
import numpy as np

from mmhand.utils.atomic_io import atomic_write
from mmhand.utils.errors import HandDataError

#: Steps into which the longest side of a mesh's box is cut: 3 micrometres for a hand.
_STEPS = 65535
_ASSETS = files('mmhand.visualization') / 'assets'


def write_viewer(
    path: str | os.PathLike,
    frames: Iterable[Mapping[str, object]],
    title: str = 'Hands',
    notes: str | Sequence[str] = (),
    fps: float = 12.0,
    max_side: int = 960,
) -> int:
    """Write a page that shows hands in 3D; it is one file and asks nothing of the network.

    Hands can be turned, zoomed, shown as wireframes and hidden one by one; several frames get a slider.
    Frames are written as they come, so that memory does not grow with a video, and the file appears
    whole or not at all. Faces are stored once for all frames that share them; vertices in 16 bits of
    their box.

    Args:
        path: the ``.html`` file; its folder is made if needed.
        frames: one after the other, each with ``image`` and ``overlay``, (H, W, 3) uint8 RGB or
            ``None``, and ``meshes``, a list of (name, side, vertices (V, 3) metres in the camera
            frame, faces (F, 3), colour RGB 0-255 or, as floats, 0-1). A mesh with a row of vertices
            that is not finite is left out.
        title: of the page.
        notes: a sentence or several under it.
        fps: frames a second when the reader plays them.
        max_side: larger pictures are shrunk to this, pixels.

    Returns:
        How many frames were written.

    Raises:
        HandDataError: arrays of other shapes, or faces that name no vertex.
        HandFileError: the page cannot be written.
    """
    pieces = 0
    with atomic_write(path) as file:
        for piece in _pieces(frames, title, notes, fps, max_side):
            file.write(piece.encode())
            pieces += 1
    return pieces - 2  # beside the head and the end


def viewer_html(
    frames: Iterable[Mapping[str, object]],
    title: str = 'Hands',
    notes: str | Sequence[str] = (),
    fps: float = 12.0,
    max_side: int = 960,
) -> str:
    """The page that :func:`write_viewer` writes, as text."""
    return ''.join(_pieces(frames, title, notes, fps, max_side))


def _pieces(
    frames: Iterable[Mapping[str, object]],
    title: str,
    notes: str | Sequence[str],
    fps: float,
    max_side: int,
) -> Iterator[str]:
    """The page's head, a piece for each frame, and its end."""
    lines = [notes] if isinstance(notes, str) else list(notes)
    yield Template(_asset('viewer.html')).substitute(
        title=html.escape(title),
        notes=''.join(f'<p class="note">{html.escape(line)}</p>\n' for line in lines if line),
        style=_asset('viewer.css'),
    )
    known: dict[bytes, int] = {}
    for number, frame in enumerate(frames):
        new_faces, meshes = [], []
        for mesh in frame.get('meshes') or ():
            packed = _pack_mesh(number, known, new_faces, *mesh)
            if packed is not None:
                meshes.append(packed)
        pictures = {
            name: _jpeg(number, name, frame.get(name), max_side) for name in ('image', 'overlay')
        }
        yield ''.join(new_faces) + _data({**pictures, 'meshes': meshes}, 'class="frame"')
    yield (
        _data({'fps': float(fps)}, 'id="meta"') + f'<script>{_asset("viewer.min.js")}</script>\n'
        '</body></html>\n'
    )


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding='utf-8')


def _data(value: object, attribute: str) -> str:
    """A value in a script element that no browser runs; no text in it can end the element."""
    text = json.dumps(value, separators=(',', ':')).replace('<', '\\u003c')
    return f'<script type="application/json" {attribute}>{text}</script>\n'


def _pack_mesh(
    number: int,
    known: dict[bytes, int],
    new_faces: list[str],
    name: str,
    side: str,
    vertices: np.ndarray,
    faces: np.ndarray,
    color: Sequence[float],
) -> dict[str, object] | None:
    """A mesh as the page reads it; faces not yet known are added to ``new_faces``."""
    vertices, faces = np.asarray(vertices, np.float64), np.asarray(faces)
    if vertices.ndim != 2 or vertices.shape[1] != 3 or faces.ndim != 2 or faces.shape[1] != 3:
        raise HandDataError(
            f'mesh "{name}" of frame {number} has vertices {vertices.shape} and faces {faces.shape}, '
            'not (V, 3) and (F, 3)'
        )
    if len(faces) and (faces.min() < 0 or faces.max() >= len(vertices)):
        raise HandDataError(
            f'mesh "{name}" of frame {number} has faces of vertex {faces.max()}, but '
            f'{len(vertices)} vertices'
        )
    if not len(faces) or not np.isfinite(vertices).all():
        return None
    wide = len(vertices) > np.iinfo(np.uint16).max
    data = faces.astype('<u4' if wide else '<u2').tobytes()
    key = hashlib.sha256(data).digest()
    if key not in known:
        known[key] = len(known)
        new_faces.append(_data({'data': _base64(data), 'wide': wide}, 'class="faces"'))
    origin = vertices.min(0)
    step = max(float((vertices.max(0) - origin).max()) / _STEPS, 1e-12)
    return {
        'name': str(name),
        'side': str(side),
        'faces': known[key],
        'origin': [round(float(value), 7) for value in origin],
        'step': step,
        'vertices': _base64(np.round((vertices - origin) / step).astype('<u2').tobytes()),
        'color': _bytes_of(color),
    }


def _bytes_of(color: Sequence[float]) -> list[int]:
    values = np.asarray(color)
    if values.shape != (3,):
        raise HandDataError(f'a mesh has one RGB colour, not {values.shape}')
    if values.dtype.kind == 'f':
        values = values * 255
    return [int(value) for value in np.clip(np.round(values), 0, 255)]


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode('ascii')


def _jpeg(number: int, name: str, picture: np.ndarray | None, max_side: int) -> str | None:
    """An RGB picture as a ``data:`` address."""
    if picture is None:
        return None
    picture = np.asarray(picture)
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or not picture.size:
        raise HandDataError(
            f'{name} of frame {number} is {picture.dtype} {picture.shape}, not uint8 (H, W, 3)'
        )
    scale = max_side / max(picture.shape[:2])
    if scale < 1:
        size = [max(1, round(side * scale)) for side in picture.shape[1::-1]]
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    data = cv2.imencode('.jpg', picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 86])[1]
    return f'data:image/jpeg;base64,{_base64(data.tobytes())}'

"""Files of what was found in a picture."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmhand.geometry.mesh_io import save_mesh, save_meshes
from mmhand.renderers import render_views
from mmhand.utils.atomic_io import AtomicLocalBackend, save_npz
from mmhand.utils.errors import HandConfigError, HandFileError
from mmhand.visualization import draw_stages, write_image
from mmhand.visualization.draw import SIDE_COLOURS, SIDE_NAMES
from mmhand.visualization.sample_view import to_numpy

from ..picture_result import PictureResult, ResultViews, side_rgb
from .rerun_file import RerunFile
from .viewer_frames import viewer_frame, write_page

#: What can be written of a picture or a video.
KINDS = ('overlay', 'json', 'mesh', 'views', 'glb', 'stages', 'npz', 'html', 'rerun')


def check_kinds(save: Sequence[str]) -> None:
    """Say so if there is no such kind of file.

    Raises:
        HandConfigError: there is none.
    """
    unknown = [kind for kind in save if kind not in KINDS]
    if unknown:
        raise HandConfigError(f'save has "{unknown[0]}", not one of {", ".join(KINDS)}')


class PictureFiles:
    """Writes the files of one picture after the other.

    Args:
        out_dir: folder.
        save: kinds of files, of :data:`KINDS`.
        views: draws and describes.
        camera_given: whether cameras were given and not guessed.
    """

    def __init__(
        self, out_dir: Path, save: Sequence[str], views: ResultViews, camera_given: bool = False
    ) -> None:
        self.out_dir, self.save, self.views = Path(out_dir), save, views
        self.camera_given = camera_given

    def add(self, result: PictureResult, name: str) -> None:
        """Write a picture's files and note them in ``result.files``.

        Args:
            result: of the picture.
            name: how files are called.

        Raises:
            HandFileError: a file cannot be written.
        """
        files = result.files
        for kind in ('overlay', 'json', 'stages', 'npz'):
            if kind in self.save:
                path = getattr(self, f'_{kind}')(result, name)
                if path is not None:
                    files[kind] = [path]
        wanted = {'mesh', 'views', 'glb'} & set(self.save)
        meshes = self.views.meshes(result) if wanted else []
        if 'mesh' in self.save:
            files['mesh'] = [
                save_mesh(self.out_dir / f'{name}_{i}_{SIDE_NAMES[side]}.obj', vertices, faces)
                for i, (side, vertices, faces) in enumerate(meshes)
            ]
        if 'views' in self.save and meshes:
            path = self.out_dir / f'{name}_views.jpg'
            sides, vertices, faces = zip(*meshes, strict=True)
            colours = [SIDE_COLOURS[side][::-1] for side in sides]  # BGR
            write_image(path, render_views(vertices, faces, size=320, colors=colours)[..., ::-1])
            files['views'] = [path]
        if 'glb' in self.save and meshes:
            named = [
                (f'{SIDE_NAMES[side]}_{i}', vertices, faces, side_rgb(side, len(vertices)))
                for i, (side, vertices, faces) in enumerate(meshes)
            ]
            files['glb'] = [save_meshes(self.out_dir / f'{name}.glb', named)]
        if 'html' in self.save:
            path = self.out_dir / f'{name}.html'
            frame = viewer_frame(result, self.views)
            if write_page(path, [frame], Path(result.source).name, frame['note']):
                files['html'] = [path]
        if 'rerun' in self.save:
            recording = RerunFile(self.out_dir / f'{name}.rrd', self.views)
            recording.add(result)
            files['rerun'] = [recording.close()]

    def _overlay(self, result: PictureResult, name: str) -> Path:
        path = self.out_dir / f'{name}_overlay.jpg'
        write_image(path, self.views.draw(result))
        return path

    def _json(self, result: PictureResult, name: str) -> Path:
        path = self.out_dir / f'{name}.json'
        text = json.dumps(self.views.describe(result, self.camera_given), indent=1) + '\n'
        try:
            AtomicLocalBackend().put_text(text, path)
        except OSError as error:
            raise HandFileError(f'cannot write {path}: {error.strerror}') from error
        return path

    def _stages(self, result: PictureResult, name: str) -> Path | None:
        sheets = [draw_stages(sample) for sample in result.samples]
        if all(sheet is None for sheet in sheets):
            return None
        path = self.out_dir / f'{name}_stages.jpg'
        write_image(path, np.concatenate([sheet for sheet in sheets if sheet is not None]))
        return path

    def _npz(self, result: PictureResult, name: str) -> Path | None:
        arrays = hand_arrays(result)
        if not arrays:
            return None
        path = self.out_dir / f'{name}.npz'
        save_npz(path, arrays)
        return path


def hand_arrays(result: PictureResult) -> dict[str, np.ndarray]:
    """Every field of every hand of a result, (N, ...), and its camera's ``K``."""
    found = [sample.pred_hands for sample in result.samples if sample.get('pred_hands') is not None]
    if not found:
        return {}
    shared = set(found[0].keys()).intersection(*(hands.keys() for hands in found))
    arrays = {
        name: np.concatenate([to_numpy(hands.get(name)) for hands in found])
        for name in sorted(shared)
    }
    camera = result.samples[0].metainfo.get('camera', {})
    return {**arrays, **({'K': to_numpy(camera['K'])} if 'K' in camera else {})}

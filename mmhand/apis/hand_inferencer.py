"""From pictures to overlays, meshes and numbers in one call."""

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from mmengine.config import Config
from torch import nn

from mmhand.deploy import deploy as deploy_model
from mmhand.fitting import ShapeTable
from mmhand.geometry.mesh_io import save_mesh, save_meshes
from mmhand.registry import INFERENCERS, MODELS
from mmhand.renderers import render_views
from mmhand.structures import HandDataSample
from mmhand.utils.atomic_io import AtomicLocalBackend
from mmhand.utils.config import load_config
from mmhand.utils.errors import HandConfigError, HandDataError, HandFileError
from mmhand.visualization import (
    HandVisualizer,
    draw_stages,
    face_table,
    image_keypoints,
    write_image,
)
from mmhand.visualization.draw import SIDE_COLOURS, SIDE_NAMES
from mmhand.visualization.sample_view import present, sides_of, to_numpy
from mmhand.visualization.two_hand_views import related_meshes

from .finding import OpenHandFinder
from .inference import Image, inference_hands, init_model, read_image
from .pictures import list_pictures, picture_name, unique_stems

SAVE = ('overlay', 'json', 'mesh', 'views', 'glb', 'stages')

#: Fields of hands that results are described by, besides side, box and 2D joints.
_DESCRIBED = (
    *('keypoints_3d', 'pose', 'betas', 'scale', 'transl', 'fit_residual'),
    'handedness_score',
)

#: Finds the boxes (N, 4) xywh of a picture (H, W, 3) uint8 BGR.
Detector = Callable[[np.ndarray], np.ndarray]


@dataclass
class PictureResult:
    """What was found in one picture.

    Attributes:
        source: its file, or ``picture_N`` for arrays.
        image: (H, W, 3) uint8 BGR.
        boxes: (N, 4) xywh that were looked at, pixels.
        samples: a data sample for each box.
        files: what was written, by kind.
    """

    source: str
    image: np.ndarray
    boxes: np.ndarray
    samples: list[HandDataSample]
    files: dict[str, list[Path]] = field(default_factory=dict)


@INFERENCERS.register_module()
class HandInferencer:
    """Run a hand model on pictures.

    Example:
        >>> inferencer = HandInferencer('internet_r50_interhand', 'internet.pth')
        >>> result, = inferencer('photo.jpg', bboxes=[[120, 80, 300, 300]], out_dir='out')
        >>> result.samples[0].pred_hands.keypoints_3d

    Args:
        model: a config, its file or its name, or a model of :func:`mmhand.apis.init_model`. Options
            that the config itself states for pictures without annotation, in
            ``inference=dict(cfg_options=...)``, are applied.
        checkpoint: its weights; ``None`` leaves the model untrained, which results say.
        device: where it runs.
        cfg_options: options over the config.
        detector: finds boxes where none are given, e.g.
            :class:`~mmhand.apis.detector.MMDetHandDetector`; without one the whole picture is
            taken. ``'open'`` is :class:`~mmhand.apis.OpenHandFinder`: one box for each hand, with its
            side, for networks of right hands only, else one around both hands of a pair.
        mesh_fitter: config of a :class:`~mmhand.hand_models.JointFitter`, for methods that estimate
            joints and can have a hand model laid into them (``HDR``); without it such methods make
            no meshes.
        deploy: change the model in place for inference, see :func:`mmhand.deploy.deploy`: seconds
            now, less for every picture.
        person: file of ``tools/personalize.py``: whose hands the pictures show; they get this shape.

    Raises:
        HandConfigError, HandFileError, UnsafeFileError: see :func:`mmhand.apis.init_model`; the
            method has no place for a mesh fitter.
    """

    def __init__(
        self,
        model: str | os.PathLike | Config | nn.Module,
        checkpoint: str | os.PathLike | None = None,
        device: str = 'cpu',
        cfg_options: Mapping | None = None,
        detector: Detector | str | None = None,
        mesh_fitter: Mapping | None = None,
        deploy: bool = False,
        person: str | os.PathLike | None = None,
    ) -> None:
        if not isinstance(model, nn.Module):
            cfg = load_config(model)
            own = (cfg.get('inference') or {}).get('cfg_options') or {}
            options = {**own, **(cfg_options or {})}
            if mesh_fitter is not None:
                _check_takes_fitter(cfg)
                options['model.mesh_fitter'] = dict(mesh_fitter)
            model = init_model(cfg, checkpoint, device, options)
        if deploy:
            blank = np.zeros((256, 256, 3), np.uint8)
            deploy_model(model, lambda net: inference_hands(net, blank))
        self.model = model
        if isinstance(detector, str):
            if detector != 'open':
                raise HandConfigError(f'detector is "{detector}"; by name there is open alone')
            detector = OpenHandFinder(merge=not getattr(model, 'right_hands_only', False))
        self.detector = detector
        self.person = None if person is None else ShapeTable.load(person)
        self.visualizer = HandVisualizer('hand-inferencer')
        self.visualizer.faces = face_table(model)
        #: Seconds spent in each stage by the last call.
        self.seconds: dict[str, float] = {}

    @property
    def weights(self) -> str:
        """Where the weights are from; ``'untrained'`` if from nowhere."""
        return getattr(self.model, 'weights_source', None) or 'untrained'

    def __call__(
        self,
        inputs: Image | Sequence[Image],
        bboxes: Sequence[Sequence[float]] | None = None,
        cameras: Sequence[np.ndarray] | None = None,
        out_dir: str | os.PathLike | None = None,
        save: Sequence[str] = SAVE,
        batch_size: int = 8,
        sides: Sequence[str] | None = None,
    ) -> list[PictureResult]:
        """Run over pictures, and write what was found.

        Args:
            inputs: a file, a folder, an array (H, W, 3) uint8 BGR, or a list of files and arrays.
            bboxes: a box x, y, w, h in pixels for each picture; found or the whole picture if
                ``None``.
            cameras: (3, 3) intrinsics of each picture; guessed if ``None``.
            out_dir: folder to write to; ``None`` writes nothing.
            save: what is written: ``'overlay'`` (jpg), ``'json'`` (joints and boxes), ``'mesh'``
                (obj in the camera frame, where the model makes meshes), ``'views'`` (the meshes from
                the front, the side and above), ``'glb'`` (all hands of a picture in their place),
                ``'stages'`` (what the method saw on its way, where it keeps that: HDR's crops, masks,
                holes, restored hands).
            batch_size: boxes run at a time.
            sides: ``right`` or ``left`` for each picture, for networks of right hands only.

        Returns:
            One result for each picture.

        Raises:
            HandFileError: a picture cannot be read, a folder holds none, or nothing can be written.
            HandDataError: boxes, cameras or sides do not fit the pictures.
            HandConfigError: unknown ``save``.
        """
        unknown = [kind for kind in save if kind not in SAVE]
        if unknown:
            raise HandConfigError(f'save has "{unknown[0]}", not one of {", ".join(SAVE)}')
        self.seconds = {}
        clock = _Clock(self.seconds)
        pictures = list_pictures(inputs)
        images = [read_image(picture) for picture in pictures]
        clock.lap('read')
        boxes, found_sides = self._boxes(images, bboxes)
        if sides is not None:
            if len(sides) != len(images):
                raise HandDataError(f'{len(images)} pictures and {len(sides)} sides')
            found_sides = [[side] * len(found) for side, found in zip(sides, boxes, strict=True)]
        clock.lap('detect')
        owner = [index for index, found in enumerate(boxes) for _ in found]
        samples = inference_hands(
            self.model,
            [images[index] for index in owner],
            [box for found in boxes for box in found],
            None if cameras is None else [cameras[index] for index in owner],
            batch_size,
            None if found_sides is None else [side for row in found_sides for side in row],
            self.person,
        )
        clock.lap('model')
        results = [
            PictureResult(picture_name(picture, index), images[index], boxes[index], [])
            for index, picture in enumerate(pictures)
        ]
        for index, sample in zip(owner, samples, strict=True):
            sample.set_metainfo({'img_path': results[index].source})
            results[index].samples.append(sample)
        if out_dir is not None:
            for name, result in zip(
                unique_stems([result.source for result in results]), results, strict=True
            ):
                self._write(result, Path(out_dir), name, save, cameras is not None)
        clock.lap('write')
        return results

    def _boxes(
        self, images: Sequence[np.ndarray], bboxes: Sequence[Sequence[float]] | None
    ) -> tuple[list[np.ndarray], list[list[str]] | None]:
        """Boxes of each picture, and the sides of the hands in them where a finder told."""
        if bboxes is not None:
            if len(bboxes) != len(images):
                raise HandConfigError(f'{len(images)} pictures and {len(bboxes)} boxes')
            return [np.asarray(box, dtype=np.float32).reshape(1, -1) for box in bboxes], None
        if isinstance(self.detector, OpenHandFinder) and not self.detector.merge:
            found = self.detector.find(images)
            names = [[SIDE_NAMES[side] for side in hands.sides] for hands in found]
            told = getattr(self.model, 'right_hands_only', False)
            return [hands.bboxes for hands in found], names if told else None
        if self.detector is not None:
            return [np.asarray(self.detector(image), np.float32) for image in images], None
        return [np.array([[0, 0, *image.shape[1::-1]]], dtype=np.float32) for image in images], None

    def draw(self, result: PictureResult) -> np.ndarray:
        """The picture with everything that was found, (H', W', 3) uint8 RGB.

        Args:
            result: of a call.
        """
        rgb = np.ascontiguousarray(result.image[..., ::-1])
        panels = [self.visualizer.draw_sample(rgb, sample) for sample in result.samples]
        return np.concatenate(panels) if panels else rgb

    def describe(self, result: PictureResult, camera_given: bool = False) -> dict[str, object]:
        """A result as JSON can hold it; says its units and frames.

        Args:
            result: of a call.
            camera_given: whether its camera was given and not guessed.
        """
        hands = []
        for box, sample in zip(result.boxes, result.samples, strict=True):
            found = sample.get('pred_hands')
            if found is None:
                continue
            placed = image_keypoints(found, sample)
            shown, sides = present(found), sides_of(found)
            for row in np.flatnonzero(shown):
                hand = {'side': SIDE_NAMES[sides[row]], 'searched_box': box.tolist()}
                if placed is not None:
                    hand['keypoints_2d'] = _rounded(placed[0][row], 3)
                for name in _DESCRIBED:
                    if name in found:
                        hand[name] = _rounded(to_numpy(found.get(name))[row], 6)
                hands.append(hand)
        camera = result.samples[0].metainfo.get('camera', {}) if result.samples else {}
        return {
            'picture': result.source,
            'size': [int(result.image.shape[1]), int(result.image.shape[0])],
            'weights': self.weights,
            'config': self.model.cfg.filename,
            'units': 'pixels of the picture; metres and radians, axes right, down, forward',
            'joints': 'wrist, then thumb, index, middle, ring and little finger, base to tip',
            'camera': {
                'K': to_numpy(camera['K']).tolist() if 'K' in camera else None,
                'source': 'given' if camera_given else 'guessed',
            },
            'hands': hands,
        }

    def _write(
        self,
        result: PictureResult,
        out_dir: Path,
        name: str,
        save: Sequence[str],
        camera_given: bool,
    ) -> None:
        if 'overlay' in save:
            path = out_dir / f'{name}_overlay.jpg'
            write_image(path, self.draw(result))
            result.files['overlay'] = [path]
        if 'json' in save:
            path = out_dir / f'{name}.json'
            text = json.dumps(self.describe(result, camera_given), indent=1) + '\n'
            try:
                AtomicLocalBackend().put_text(text, path)
            except OSError as error:
                raise HandFileError(f'cannot write {path}: {error.strerror}') from error
            result.files['json'] = [path]
        sheets = [draw_stages(sample) for sample in result.samples] if 'stages' in save else []
        if any(sheet is not None for sheet in sheets):
            path = out_dir / f'{name}_stages.jpg'
            write_image(path, np.concatenate([sheet for sheet in sheets if sheet is not None]))
            result.files['stages'] = [path]
        meshes = []
        for sample in result.samples if {'mesh', 'views', 'glb'} & set(save) else ():
            if sample.get('pred_hands') is not None:
                meshes += related_meshes(sample.pred_hands, sample, self.visualizer.faces)
        if 'mesh' in save:
            result.files['mesh'] = [
                save_mesh(out_dir / f'{name}_{number}_{SIDE_NAMES[side]}.obj', vertices, faces)
                for number, (side, vertices, faces) in enumerate(meshes)
            ]
        if 'views' in save and meshes:
            path = out_dir / f'{name}_views.jpg'
            sides, vertices, faces = zip(*meshes, strict=True)
            colours = [SIDE_COLOURS[side][::-1] for side in sides]  # BGR
            write_image(path, render_views(vertices, faces, size=320, colors=colours)[..., ::-1])
            result.files['views'] = [path]
        if 'glb' in save and meshes:
            path = out_dir / f'{name}.glb'
            named = [
                (f'{SIDE_NAMES[side]}_{number}', vertices, faces, _rgb(side, len(vertices)))
                for number, (side, vertices, faces) in enumerate(meshes)
            ]
            result.files['glb'] = [save_meshes(path, named)]


def _check_takes_fitter(cfg: Config) -> None:
    """Say so if a config's method cannot fit meshes."""
    name = (cfg.get('model') or {}).get('type')
    method = MODELS.get(name) if isinstance(name, str) else None
    if method is not None and not getattr(method, 'fits_meshes', False):
        raise HandConfigError(
            f'config {cfg.filename}: {name} fits no meshes to its joints; HDR does'
        )


class _Clock:
    """Adds the time since the last lap to a table."""

    def __init__(self, table: dict[str, float]) -> None:
        self.table = table
        self.last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.table[name] = now - self.last
        self.last = now


def _rounded(values: np.ndarray, digits: int) -> object:
    return np.round(values.astype(np.float64), digits).tolist()


def _rgb(side: int, count: int) -> np.ndarray:
    """(count, 3) uint8 colours of a side's vertices."""
    return np.tile(np.array(SIDE_COLOURS[side], dtype=np.uint8), (count, 1))

"""From pictures, videos and cameras to overlays, meshes and numbers in one call."""

import itertools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from mmengine.config import Config
from torch import nn

from mmhand.deploy import deploy as deploy_model
from mmhand.fitting import ShapeTable
from mmhand.registry import INFERENCERS, MODELS
from mmhand.structures import HandDataSample
from mmhand.utils.config import load_config
from mmhand.utils.errors import HandConfigError
from mmhand.utils.model_zoo import zoo_file
from mmhand.visualization import HandVisualizer

from .asking import Asked, Clock, check_counts
from .finding import OpenHandFinder
from .inference import Image, check_device, inference_hands, init_model
from .inferencer_stages import InferencerStages
from .open_hands import OpenHands
from .picture_result import PictureResult, ResultViews
from .progress import progress_of
from .searching import search_boxes
from .sinks import written
from .sinks.picture_files import check_kinds
from .sources import Frame, Source, open_source
from .tracking import HandTracker

#: What a call writes if it is not told.
SAVE = ('overlay', 'json', 'mesh', 'views', 'glb', 'stages')

#: Finds the boxes (N, 4) xywh of a picture (H, W, 3) uint8 BGR.
Detector = Callable[[np.ndarray], np.ndarray]


@INFERENCERS.register_module()
class HandInferencer(InferencerStages):
    """Run a hand model on pictures, videos or a camera.

    Example:
        >>> inferencer = HandInferencer()  # open weights, nothing to fetch
        >>> result, = inferencer('photo.jpg', out_dir='out')
        >>> result.samples[0].pred_hands.keypoints_3d
        >>> for frame in inferencer.stream('video.mp4'):
        ...     frame.time, frame.samples[0].pred_hands.track
        >>> inferencer = HandInferencer('internet_r50_interhand', 'internet.pth', detector='open')

    Args:
        model: a config, its file or its name, or a model of :func:`mmhand.apis.init_model`. Options
            that the config itself states for pictures without annotation, in
            ``inference=dict(cfg_options=...)``, are applied where it has the sections that they
            are for. ``None`` or ``'open'``: the open method,
            :class:`~mmhand.apis.open_hands.OpenHands`.
        checkpoint: its weights; ``None`` leaves the model untrained, which results say.
        device: where it runs.
        cfg_options: options over the config.
        detector: finds boxes where none are given, e.g.
            :class:`~mmhand.apis.detector.MMDetHandDetector`; ``'open'`` is
            :class:`~mmhand.apis.OpenHandFinder`, which also tells networks of right hands which hands
            are left ones, and gives those of two hands both hands of a pair. Without one the whole
            picture is taken. The open method finds hands itself.
        mesh_fitter: config of a :class:`~mmhand.hand_models.JointFitter`, for methods that estimate
            joints and can have a hand model laid into them (``HDR``); without it such methods make
            no meshes.
        deploy: change the model in place for inference, see :func:`mmhand.deploy.deploy`: seconds
            now, less for every picture.
        person: file of ``tools/personalize.py``: whose hands the pictures show; they get this shape.
        hand_model: of the open method: ``'OpenHand'`` or ``'MANO'``.
        engine: that runs the open networks: ``'torch'`` or ``'onnxruntime'``.

    Raises:
        HandConfigError, HandFileError, UnsafeFileError: see :func:`mmhand.apis.init_model`; the
            method has no place for a mesh fitter.
    """

    def __init__(
        self,
        model: str | os.PathLike | Config | nn.Module | None = None,
        checkpoint: str | os.PathLike | None = None,
        device: str = 'cpu',
        cfg_options: Mapping | None = None,
        detector: Detector | str | None = None,
        mesh_fitter: Mapping | None = None,
        deploy: bool = False,
        person: str | os.PathLike | None = None,
        hand_model: str = 'OpenHand',
        engine: str = 'torch',
    ) -> None:
        self.person = None if person is None else ShapeTable.load(person)
        if model is None or model == 'open':
            if checkpoint is not None or mesh_fitter is not None or cfg_options:
                raise HandConfigError(
                    'the open method has its own weights and fit: it takes no checkpoint, mesh fitter '
                    'or config options; name a model for them'
                )
            check_device(device)
            model = OpenHands(hand_model, engine, device, person=self.person)
        elif not isinstance(model, nn.Module):
            cfg = load_config(model)
            options = {**_own_options(cfg), **(cfg_options or {})}
            if mesh_fitter is not None:
                _check_takes_fitter(cfg)
                options['model.mesh_fitter'] = dict(mesh_fitter)
            if checkpoint is None and not cfg_options:
                checkpoint = zoo_file(model)
            model = init_model(cfg, checkpoint, device, options)
        self.open = isinstance(model, OpenHands)
        if deploy and not self.open:
            blank = np.zeros((256, 256, 3), np.uint8)
            deploy_model(model, lambda net: inference_hands(net, blank))
        self.model = model
        if isinstance(detector, str):
            if detector != 'open':
                raise HandConfigError(f'detector is "{detector}"; by name there is open alone')
            merge = not getattr(model, 'right_hands_only', False)
            finder = None if self.open else OpenHandFinder(engine, device, merge=merge)
            detector = finder
        self.detector = detector
        config = 'open' if self.open else self.model.cfg.filename
        self.views = ResultViews(model, self.weights, config)
        #: Seconds spent in each stage by the last call.
        self.seconds: dict[str, float] = {}
        #: Files that the last stream left out, and why.
        self.broken: list[str] = []

    @property
    def weights(self) -> str:
        """Where the weights are from; ``'untrained'`` if from nowhere."""
        return getattr(self.model, 'weights_source', None) or 'untrained'

    @property
    def visualizer(self) -> HandVisualizer:
        """What draws."""
        return self.views.visualizer

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
        """Run over pictures, and write what was found; see :meth:`stream` for long videos.

        Args:
            inputs: a file, a folder, an array (H, W, 3) uint8 BGR, or a list of files and arrays; a
                video file.
            bboxes: a box x, y, w, h in pixels for each picture; found or the whole picture if
                ``None``.
            cameras: (3, 3) intrinsics of each picture, or one for all frames of a video; guessed if
                ``None``.
            out_dir: folder to write to; ``None`` writes nothing.
            save: what is written: ``'overlay'`` (jpg or mp4), ``'json'`` (joints and boxes; JSON
                lines for a video), ``'mesh'`` (obj in the camera frame, where the model makes meshes),
                ``'views'`` (the meshes from the front, the side and above), ``'glb'`` (all hands of a
                picture in their place), ``'stages'`` (what the method saw on its way, where it keeps
                that: HDR's crops, masks, holes, restored hands), ``'npz'`` (all arrays), ``'html'``
                (a page with the meshes in 3D).
            batch_size: boxes run at a time.
            sides: ``right`` or ``left`` for each picture, for networks of right hands only, and for
                the open method where it is known.

        Returns:
            One result for each picture.

        Raises:
            HandFileError: a picture cannot be read, a folder holds none, or nothing can be written.
            HandDataError: boxes, cameras or sides do not fit the pictures.
            HandConfigError: unknown ``save``.
        """
        return list(self.stream(inputs, bboxes, cameras, out_dir, save, batch_size, sides))

    def stream(
        self,
        inputs: Image | int | Sequence[Image],
        bboxes: Sequence[Sequence[float]] | None = None,
        cameras: Sequence[np.ndarray] | None = None,
        out_dir: str | os.PathLike | None = None,
        save: Sequence[str] = SAVE,
        batch_size: int = 8,
        sides: Sequence[str] | None = None,
        focal: float | None = None,
        skip_broken: bool = False,
        progress: bool = False,
        smooth: bool = True,
    ) -> Iterator[PictureResult]:
        """Run over pictures, a video or a camera, and yield results as they come.

        Memory holds ``batch_size`` pictures at most, and nine that wait for their files. The open
        method follows hands through videos and smooths them
        (:class:`~mmhand.apis.tracking.HandTracker`); other methods see each frame by itself,
        ``batch_size`` at a time. Files of a video are whole when the generator ends or is closed.

        Args:
            inputs, bboxes, cameras, out_dir, save, batch_size, sides: as a call; ``inputs`` may also
                be the number of a camera.
            focal: focal length in pixels of pictures without ``cameras``, whose centre is the
                picture's; guessed if ``None``.
            skip_broken: leave out pictures that cannot be read (:attr:`broken`).
            progress: show a bar, where standard error is a terminal.
            smooth: filter tracked hands.

        Yields:
            One result for each picture.

        Raises:
            As a call.
        """
        check_kinds(save)
        if focal is not None and not (np.isfinite(focal) and focal > 0):
            raise HandConfigError(f'the focal length is {focal} pixels; it must be positive')
        self.seconds = {}
        source = open_source(inputs, skip_broken)
        self.broken = getattr(source, 'broken', [])
        check_counts(source, bboxes, cameras, sides)
        ask = Asked(bboxes, cameras, sides, focal, batch_size)
        results = self._results(source, ask, smooth)
        if out_dir is not None:
            given = cameras is not None or focal is not None
            results = written(results, source, Path(out_dir), save, self.views, given, self.seconds)
        return progress_of(results, len(source)) if progress else results

    def _results(self, source: Source, ask: 'Asked', smooth: bool) -> Iterator[PictureResult]:
        clock = Clock(self.seconds)
        frames = iter(source)
        tracker = HandTracker(self.model, smooth=smooth) if source.moving and self.open else None
        while True:
            # A tracked hand is looked for where it was; a camera's frame is wanted now.
            size = 1 if tracker or source.live else max(ask.batch_size, 1)
            clock.start()
            group = list(itertools.islice(frames, size))
            clock.lap('read')
            if not group:
                return
            if tracker is not None:
                frame = group[0]
                samples = [[tracker(frame.image, ask.camera(frame), frame.time)]]
                clock.lap('model')
                boxes = [samples[0][0].pred_hands.bbox.numpy()]
            elif self.open:
                boxes, samples = self._open(group, ask)
                clock.lap('model')
            else:
                boxes, samples = self._estimated(group, ask, clock)
            for frame, found, hands in zip(group, boxes, samples, strict=True):
                for sample in hands:
                    sample.set_metainfo({'img_path': frame.source})
                yield PictureResult(
                    frame.source, frame.image, found, hands, {}, frame.number, frame.time
                )

    def _open(
        self, group: Sequence[Frame], ask: 'Asked'
    ) -> tuple[list[np.ndarray], list[list[HandDataSample]]]:
        boxes = ask.boxes(group)
        if boxes is None and self.detector is not None:
            boxes = [np.asarray(self.detector(frame.image), np.float32) for frame in group]
        samples = self.model(
            [frame.image for frame in group],
            [ask.camera(frame) for frame in group],
            boxes,
            None if ask.sides is None else [ask.sides[frame.number] for frame in group],
        )
        if boxes is None:
            boxes = [sample.pred_hands.bbox.numpy() for sample in samples]
        return boxes, [[sample] for sample in samples]

    def _estimated(
        self, group: Sequence[Frame], ask: 'Asked', clock: 'Clock'
    ) -> tuple[list[np.ndarray], list[list[HandDataSample]]]:
        images = [frame.image for frame in group]
        boxes, sides = ask.boxes(group), None
        if boxes is None:
            boxes, sides = search_boxes(self.model, self.detector, images)
        if ask.sides is not None:
            sides = [[ask.sides[f.number]] * len(b) for f, b in zip(group, boxes, strict=True)]
        clock.lap('detect')
        owner = [index for index, found in enumerate(boxes) for _ in found]
        known = ask.cameras is not None or ask.focal is not None
        samples = inference_hands(
            self.model,
            [images[index] for index in owner],
            [box for found in boxes for box in found],
            [ask.camera(group[index]).K for index in owner] if known else None,
            ask.batch_size,
            None if sides is None else [side for rows in sides for side in rows],
            self.person,
        )
        clock.lap('model')
        of_picture: list[list[HandDataSample]] = [[] for _ in group]
        for index, sample in zip(owner, samples, strict=True):
            of_picture[index].append(sample)
        return boxes, of_picture

    def draw(self, result: PictureResult) -> np.ndarray:
        """The picture with everything that was found, (H', W', 3) uint8 RGB.

        Args:
            result: of a call.
        """
        return self.views.draw(result)

    def describe(self, result: PictureResult, camera_given: bool = False) -> dict[str, object]:
        """A result as JSON can hold it; says its units and frames.

        Args:
            result: of a call.
            camera_given: whether its camera was given and not guessed.
        """
        return self.views.describe(result, camera_given)


def _own_options(cfg: Config) -> dict[str, object]:
    """Options that a config states for pictures.

    Left out are those below a section that it has not: a config that inherits from ours and puts a
    model of its own in the place of ours inherits its options, too.
    """
    own = (cfg.get('inference') or {}).get('cfg_options') or {}
    return {key: value for key, value in own.items() if _has(cfg, key.split('.')[:-1])}


def _has(cfg: Config, parts: Sequence[str]) -> bool:
    node = cfg._cfg_dict
    for part in parts:
        if not isinstance(node, Mapping) or part not in node:
            return False
        node = node[part]
    return True


def _check_takes_fitter(cfg: Config) -> None:
    """Say so if a config's method cannot fit meshes."""
    name = (cfg.get('model') or {}).get('type')
    method = MODELS.get(name) if isinstance(name, str) else None
    if method is not None and not getattr(method, 'fits_meshes', False):
        raise HandConfigError(
            f'config {cfg.filename}: {name} fits no meshes to its joints; HDR does'
        )

"""Build a model from a config and run it on pictures."""

import os
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.logging import MMLogger
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import DefaultScope
from torch import nn

from mmhand.engine.user_errors import readable_errors
from mmhand.fitting import ShapeTable
from mmhand.registry import MODELS
from mmhand.structures import HandCamera, HandDataSample
from mmhand.utils.checkpoint import load_weights
from mmhand.utils.config import load_config, without_pretraining
from mmhand.utils.errors import HandConfigError, HandDataError
from mmhand.utils.model_zoo import zoo_file
from mmhand.utils.pipeline import pipeline_steps, steps_with
from mmhand.utils.setup_env import setup_env

from .left_hands import restore_left_hand, with_mirroring
from .picture_reading import read_picture
from .worn_shape import shape_for, wear_shape

Image = np.ndarray | str | os.PathLike

#: What :func:`picture_record` knows of any picture.
_PICTURE_KEYS = ('img', 'img_path', 'sample_id', 'ori_shape', 'img_shape', 'bbox', 'camera')


def init_model(
    config: str | os.PathLike | Config,
    checkpoint: str | os.PathLike | None = None,
    device: str = 'cpu',
    cfg_options: Mapping | None = None,
) -> nn.Module:
    """Build the model of a config, with weights, ready to predict.

    Args:
        config: a config, its file, or the name of one of mmhand's configs.
        checkpoint: weights. ``None`` takes those that come with the package where a config is named
            that has some (docs/en/model_zoo.md; not with ``cfg_options``), and otherwise leaves
            the model untrained. Weights that the config itself would fetch for training
            (``init_cfg``) are not fetched.
        device: where it runs, e.g. ``'cuda:0'``.
        cfg_options: dotted keys to values, as ``--cfg-options``.

    Returns:
        The model in evaluation mode; ``model.cfg`` is its config, ``model.weights_source`` the
        checkpoint's path or ``None``.

    Raises:
        HandConfigError: no such config, or a mistake in it; or no such device.
        HandFileError: the checkpoint is missing, unreadable or of another model.
        UnsafeFileError: the checkpoint asks for code.
    """
    cfg = load_config(config, cfg_options)
    if cfg.get('model') is None:
        raise HandConfigError(f'config {cfg.filename} has no "model"')
    check_device(device)
    with readable_errors():
        setup_env(Config({**cfg._cfg_dict, 'launcher': 'none'}))
        model = revert_sync_batchnorm(MODELS.build(without_pretraining(cfg.model)))
    if checkpoint is None and not cfg_options:
        checkpoint = zoo_file(config)
    if checkpoint is not None:
        load_weights(model, checkpoint)
    else:
        _init_quietly(model)
    model.cfg = cfg
    model.weights_source = None if checkpoint is None else str(checkpoint)
    return model.to(device).eval()


def _init_quietly(model: nn.Module) -> None:
    """Random weights by the model's own rules, without a log line for every parameter."""
    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel('WARNING')
    try:
        model.init_weights()
    finally:
        logger.setLevel(level)


def check_device(device: str) -> None:
    """See that a device can be used.

    Raises:
        HandConfigError: there is no such one, or no GPU.
    """
    try:
        kind = torch.device(device).type
    except RuntimeError:
        raise HandConfigError(f'device "{device}" does not exist; use cpu or cuda:0') from None
    if kind == 'cuda' and not torch.cuda.is_available():
        raise HandConfigError(f'device "{device}": no GPU is visible; use cpu')


def read_image(image: Image) -> np.ndarray:
    """A picture as (H, W, 3) uint8 BGR.

    Args:
        image: a file, or an array: (H, W, 3) uint8 BGR as OpenCV reads it, or (H, W) grey.

    Raises:
        HandFileError: the file is missing or no picture.
        HandDataError: the array is no picture.
    """
    if not isinstance(image, np.ndarray):
        return read_picture(image)
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or 0 in image.shape:
        raise HandDataError(f'a picture is uint8 (H, W, 3) BGR, got {image.dtype} {image.shape}')
    if image.ndim == 2:
        image = np.repeat(image[..., None], 3, axis=2)
    if image.shape[2] != 3:
        raise HandDataError(f'a picture is uint8 (H, W, 3) BGR, got {image.dtype} {image.shape}')
    return image


def guess_camera(width: int, height: int) -> np.ndarray:
    """Intrinsics for a picture whose camera is unknown.

    A focal length of the longer side is a horizontal view of 53 degrees, common for phones and
    webcams. Depths and sizes in metres are only as right as this guess; 2D joints do not depend
    on it.

    Args:
        width: of the picture, pixels.
        height: of the picture, pixels.

    Returns:
        (3, 3) float32.
    """
    focal = float(max(width, height))
    return np.array(
        [[focal, 0, (width - 1) / 2], [0, focal, (height - 1) / 2], [0, 0, 1]], dtype=np.float32
    )


def picture_record(
    image: np.ndarray,
    bbox: Sequence[float] | None = None,
    camera: np.ndarray | None = None,
    img_path: str | None = None,
    side: str | None = None,
) -> dict:
    """What a data set would hand to a pipeline for a picture that has no annotation.

    Args:
        image: (H, W, 3) uint8 BGR.
        bbox: x, y, w, h around the hands, pixels; the whole picture if ``None``.
        camera: (3, 3) intrinsics; guessed if ``None``.
        img_path: where the picture came from.
        side: ``right`` or ``left`` if it is known.

    Returns:
        Record of a pipeline whose picture is loaded.

    Raises:
        HandDataError: the box is not finite, has no area, or misses the picture; no such side.
    """
    height, width = image.shape[:2]
    box = np.array([0, 0, width, height] if bbox is None else bbox, dtype=np.float32)
    if box.shape != (4,) or not np.isfinite(box).all() or (box[2:] <= 0).any():
        raise HandDataError(f'box {box.tolist()} is no x, y, w, h with a positive size')
    x, y, w, h = box
    if x >= width or y >= height or x + w <= 0 or y + h <= 0:
        raise HandDataError(f'box {box.tolist()} lies outside the picture of {width} x {height}')
    matrix = guess_camera(width, height) if camera is None else np.asarray(camera, np.float32)
    if matrix.shape != (3, 3):
        raise HandDataError(f'a camera is a (3, 3) matrix of intrinsics, got shape {matrix.shape}')
    if side not in (None, 'right', 'left'):
        raise HandDataError(f'a hand is right or left, not "{side}"')
    return {
        'img': image,
        **({} if side is None else {'hand_type': side}),
        'img_path': img_path,
        'sample_id': img_path or 'picture',
        'ori_shape': (height, width),
        'img_shape': (height, width),
        'bbox': box,
        'camera': HandCamera(K=matrix, assumed=camera is None),
    }


def picture_pipeline(model: nn.Module) -> Compose:
    """The test transforms of a model's config, those that need nothing but a picture.

    Args:
        model: of :func:`init_model`.

    Raises:
        HandConfigError: its config has no test pipeline, or no pictures go through it.
    """
    if not getattr(model, 'takes_pictures', True):
        raise HandConfigError(f'{type(model).__name__} takes {model.inputs_are}, not pictures')
    cfg, steps = model.cfg, None
    dataset = (cfg.get('test_dataloader') or {}).get('dataset') or {}
    while steps is None and dataset:
        steps = dataset.get('pipeline')
        dataset = dataset.get('dataset') or {}
    if steps is None:
        raise HandConfigError(f'config {cfg.filename} has no test_dataloader.dataset.pipeline')
    steps = pipeline_steps(steps)
    if getattr(model, 'right_hands_only', False):
        steps = with_mirroring(steps)
    # Another project's model may have been built since this one.
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope') or 'mmhand'):
        try:
            return Compose(steps_with(steps, _PICTURE_KEYS))
        except HandConfigError as error:
            raise HandConfigError(
                f'{cfg.filename}: no picture goes through its test pipeline: {error}'
            ) from None


@torch.no_grad()
def inference_hands(
    model: nn.Module,
    images: Image | Sequence[Image],
    bboxes: Sequence[Sequence[float]] | None = None,
    cameras: Sequence[np.ndarray] | None = None,
    batch_size: int = 8,
    sides: Sequence[str] | None = None,
    person: ShapeTable | None = None,
) -> list[HandDataSample]:
    """Run a model on pictures.

    Args:
        model: of :func:`init_model`.
        images: pictures: files, or uint8 BGR arrays (H, W, 3).
        bboxes: x, y, w, h of the hands in each picture, pixels; whole pictures if ``None``. For
            several boxes in one picture give the picture several times.
        cameras: (3, 3) intrinsics of each picture; guessed if ``None``.
        batch_size: pictures run at a time.
        sides: ``right`` or ``left`` for each picture, for networks that know right hands only: left
            hands are mirrored and given back as left hands. ``None``: right hands.
        person: whose hands they are; the hands get this shape (``tools/personalize.py``).

    Returns:
        A sample for each picture, ``pred_hands`` filled, on the CPU. Its metainfo ``camera`` holds
        the crop's affine and the intrinsics that were used.

    Raises:
        HandFileError: a file is missing or no picture.
        HandDataError: a box does not fit its picture, or there are not as many as pictures.
        HandConfigError: ``sides`` for a network that finds out itself, or a shape of another hand
            model than the network's.
    """
    if isinstance(images, np.ndarray | str | os.PathLike):
        images = [images]
    for name, given in (('boxes', bboxes), ('cameras', cameras), ('sides', sides)):
        if given is not None and len(given) != len(images):
            raise HandDataError(f'{len(images)} pictures and {len(given)} {name}')
    if sides is not None and not getattr(model, 'right_hands_only', False):
        raise HandConfigError(
            f'{type(model).__name__} finds out itself which hand it sees; leave the sides out'
        )
    betas = None if person is None else shape_for(model, person)
    pipeline = picture_pipeline(model)
    samples: list[HandDataSample] = []
    for start in range(0, len(images), batch_size):
        packed = []
        for index in range(start, min(start + batch_size, len(images))):
            image = images[index]
            record = picture_record(
                read_image(image),
                None if bboxes is None else bboxes[index],
                None if cameras is None else cameras[index],
                None if isinstance(image, np.ndarray) else str(image),
                None if sides is None else sides[index],
            )
            if betas is not None:
                record['betas'] = betas
            packed.append(pipeline(record))
        found = model.test_step(pseudo_collate(packed))
        samples += found if betas is None else wear_shape(model, found, betas)
    return [restore_left_hand(sample.cpu()) for sample in samples]

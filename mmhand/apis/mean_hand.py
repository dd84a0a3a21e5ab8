"""A config's test with the mean hand in place of its network."""

from collections import Counter

import numpy as np
from mmengine.config import Config, ConfigDict
from mmengine.registry import DefaultScope
from mmengine.utils import track_iter_progress
from torch.utils.data import Dataset

from mmhand.registry import DATASETS
from mmhand.utils.errors import HandConfigError

_WRIST, _MIDDLE = 0, 9

#: Metrics that ask for what a mean hand does not give: masks, heat maps, stages, meshes of both hands.
_LEFT_OUT = (
    'HandMaskMetric',
    'AmodalIoUMetric',
    'HoleQualityMetric',
    'HeatmapPeakMetric',
    'HandContactMetric',
    'StagePoseMetric',
    'MeshSelfIntersection',
)
#: Metrics of joints in the picture, for which the hand is pasted into the box.
_IN_PICTURE = ('HandKeypoint2DMetric',)
#: Metrics that ask which hands are there, unless they follow HDR.
_HANDEDNESS = ('InterHandMetric', 'CameraInterHandMetric')


def use_mean_hand(cfg: Config) -> None:
    """Put a mean hand in the network's place, in place.

    Where all metrics are of joints in the picture, that is
    :class:`~mmhand.models.estimators.mean_hand_in_box.MeanHandInBox` with the mean joints of the
    training set in parts of the box; else :class:`~mmhand.models.estimators.mean_hand.MeanHand`.
    Networks of one hand's mesh give way to their hand model's mean pose and shape; others to the mean
    joints of the training set: of each side, relative to the wrist, in units of the bone from the
    wrist to the middle knuckle, times the mean length of that bone. Where it is asked which hands are
    there, the answer is what most pictures of the training set show, and the left wrist is where it is
    on average, seen from the right one.

    Args:
        cfg: a whole config.

    Raises:
        HandConfigError: the training set has no wholly annotated hand of one side; or no metric of the
            config is left.
    """
    metrics = cfg.test_evaluator
    metrics = list(metrics) if isinstance(metrics, list | tuple) else [metrics]
    flat = all(_kind(metric) in _IN_PICTURE for metric in metrics)
    hand_model = cfg.model.get('hand_model') or (cfg.model.get('mano_head') or {}).get('hand_model')
    model = dict(type='MeanHandInBox' if flat else 'MeanHand')
    if hand_model is not None and not flat:
        model['hand_model'] = hand_model
    else:
        with DefaultScope.overwrite_default_scope('mmhand'):
            if flat:
                model['joints'] = mean_joints_in_box(cfg.train_dataloader.dataset).tolist()
            else:
                model |= mean_hands(cfg.train_dataloader.dataset)
        if not any(map(_asks_sides, metrics)):
            # Only what is asked for is answered: rows of hands that are not there would be others'.
            model.pop('present', None)
    cfg.model = ConfigDict(model)
    cfg.pop('model_wrapper_cfg', None)
    cfg.test_evaluator = [metric for metric in metrics if _kind(metric) not in _LEFT_OUT]
    if not cfg.test_evaluator:
        raise HandConfigError(
            f'{cfg.filename} has no test_evaluator that a mean hand can answer to; it has '
            + ', '.join(f'{metric["type"]}' for metric in metrics)
        )


def _kind(metric: dict) -> str:
    return metric['type'].split('.')[-1]


def _asks_sides(metric: dict) -> bool:
    return _kind(metric) in _HANDEDNESS and metric.get('protocol') != 'hdr'


def mean_hands(dataset: dict) -> dict[str, list]:
    """What a data set's hands are like on average, see :func:`use_mean_hand`.

    Args:
        dataset: config of a data set of both hands.

    Returns:
        Arguments of :class:`~mmhand.models.estimators.mean_hand.MeanHand`: ``joints`` (2, 21, 3) of the
        wholly annotated hands, metres, wrist at the origin; ``present`` (2,); ``offset`` (3,) metres.
    """
    data = _records_of(dataset)
    total, count, length = np.zeros((2, 21, 3)), np.zeros(2), np.zeros(2)
    types: Counter[tuple[float, ...]] = Counter()
    offset, pairs = np.zeros(3), 0
    for row in track_iter_progress(range(len(data))):
        info = data.get_data_info(row)
        valid, joints = info['keypoint_valid'] > 0, info['keypoints_3d']
        types[tuple(np.float64(info['hand_present'] > 0).tolist())] += 1
        if valid[:, _WRIST].all():
            offset, pairs = offset + joints[1, _WRIST] - joints[0, _WRIST], pairs + 1
        whole = valid.all(-1)
        joints = joints - joints[:, _WRIST : _WRIST + 1]
        bone = np.linalg.norm(joints[:, _MIDDLE], axis=-1)
        total[whole] += (joints / np.where(whole, bone, 1.0)[:, None, None])[whole]
        length[whole] += bone[whole]
        count += whole
    if not count.all():
        raise HandConfigError('the training set has no wholly annotated hand of one side')
    mean = total / count[:, None, None] * (length / count)[:, None, None]
    return dict(
        joints=mean.tolist(),
        present=list(types.most_common(1)[0][0]),
        offset=(offset / max(pairs, 1)).tolist(),
    )


def mean_joints_in_box(dataset: dict) -> np.ndarray:
    """Mean place of each joint in the hands' boxes, over the hands in which it is marked.

    Args:
        dataset: config of a data set of single hands with boxes.

    Returns:
        (21, 2) of a right hand in parts of the box's width and height; left hands count mirrored. A
        joint that is nowhere marked is in the middle.
    """
    data = _records_of(dataset)
    total, count = np.zeros((21, 2)), np.zeros((21, 1))
    for row in track_iter_progress(range(len(data))):
        info = data.get_data_info(row)
        corner, size = np.reshape(info['bbox'], (2, 2))
        places = (info['keypoints_2d'] - corner) / size
        places[1, :, 0] = 1 - places[1, :, 0]
        marked = (info['keypoint_valid'] > 0)[..., None]
        total += np.where(marked, places, 0).sum(0)
        count += marked.sum(0)
    return np.where(count > 0, total / np.maximum(count, 1), 0.5)


def _records_of(dataset: dict) -> Dataset:
    """The data set inside its wrappers, without a pipeline."""
    while 'dataset' in dataset:
        dataset = dataset['dataset']
    return DATASETS.build({**dataset, 'pipeline': []})

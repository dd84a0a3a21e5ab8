"""A config's test with the mean hand in place of its network."""

import sys

import numpy as np
from mmengine.config import Config, ConfigDict
from mmengine.registry import DefaultScope
from mmengine.utils import track_iter_progress

from mmhand.registry import DATASETS
from mmhand.utils.errors import HandConfigError

_WRIST, _MIDDLE = 0, 9

#: Metrics that ask for what a mean hand does not give: masks, heat maps, meshes of both hands, or
#: whether a hand is there.
_LEFT_OUT = (
    'HandMaskMetric',
    'AmodalIoUMetric',
    'HoleQualityMetric',
    'HeatmapPeakMetric',
    'HandContactMetric',
)
_HANDEDNESS = ('InterHandMetric', 'CameraInterHandMetric')


def use_mean_hand(cfg: Config) -> None:
    """Put :class:`~mmhand.models.estimators.mean_hand.MeanHand` in the network's place, in place.

    Networks of one hand's mesh give way to their hand model's mean pose and shape; others to the mean
    joints of the training set: of each side, relative to the wrist, in units of the bone from the
    wrist to the middle knuckle, times the mean length of that bone.

    Args:
        cfg: a whole config.

    Raises:
        HandConfigError: the training set has no wholly annotated hand of one side; or no metric of the
            config is left.
    """
    hand_model = cfg.model.get('hand_model') or (cfg.model.get('mano_head') or {}).get('hand_model')
    model = dict(type='MeanHand')
    if hand_model is not None:
        model['hand_model'] = hand_model
    else:
        with DefaultScope.overwrite_default_scope('mmhand'):
            model['joints'] = mean_joints(cfg.train_dataloader.dataset).tolist()
    cfg.model = ConfigDict(model)
    cfg.pop('model_wrapper_cfg', None)
    metrics = cfg.test_evaluator
    metrics = list(metrics) if isinstance(metrics, list | tuple) else [metrics]
    cfg.test_evaluator = [metric for metric in metrics if _answers(metric)]
    if not cfg.test_evaluator:
        raise HandConfigError(
            f'{cfg.filename} has no test_evaluator that a mean hand can answer to; it has '
            + ', '.join(f'{metric["type"]}' for metric in metrics)
        )


def _answers(metric: dict) -> bool:
    kind = metric['type'].split('.')[-1]
    if kind in _HANDEDNESS:
        return metric.get('protocol') == 'hdr'
    return kind not in _LEFT_OUT


def mean_joints(dataset: dict) -> np.ndarray:
    """Mean joints of a data set's wholly annotated hands, see :func:`use_mean_hand`.

    Args:
        dataset: config of a data set of both hands.

    Returns:
        (2, 21, 3), metres, wrist at the origin.
    """
    while 'dataset' in dataset:
        dataset = dataset['dataset']
    data = DATASETS.build({**dataset, 'pipeline': []})
    total, count, length = np.zeros((2, 21, 3)), np.zeros(2), np.zeros(2)
    rows = range(len(data))
    for row in track_iter_progress(rows, file=sys.stderr) if sys.stderr.isatty() else rows:
        info = data.get_data_info(row)
        whole = (info['keypoint_valid'] > 0).all(-1)
        joints = info['keypoints_3d'] - info['keypoints_3d'][:, _WRIST : _WRIST + 1]
        bone = np.linalg.norm(joints[:, _MIDDLE], axis=-1)
        total[whole] += (joints / np.where(whole, bone, 1.0)[:, None, None])[whole]
        length[whole] += bone[whole]
        count += whole
    if not count.all():
        raise HandConfigError('the training set has no wholly annotated hand of one side')
    return total / count[:, None, None] * (length / count)[:, None, None]

"""Score the training set's mean joints as if a network had predicted them for every hand.

    python tools/analysis_tools/mean_joints_baseline.py hdr_cpu_interhand --data-root data/synthetic

What a trained network of joints must beat, for data sets of both hands; of the same hands where the
test pipeline selects some, left ones mirrored where it mirrors them. Each side's mean is taken of
wrist-relative joints in the camera frame, in units of the bone from the wrist to the middle knuckle;
scores that need a metric scale or the place of the wrist say nothing and are left out.
"""

import argparse
import sys

import numpy as np
import torch
from mmengine.registry import init_default_scope
from mmengine.utils import track_iter_progress

from mmhand.datasets import BaseHandDataset
from mmhand.engine.launch import set_data_root
from mmhand.registry import DATASETS, METRICS, TRANSFORMS
from mmhand.structures import HandDataSample, HandInstances
from mmhand.utils.config import ConfigOptions, load_config
from mmhand.utils.errors import HandConfigError, cli_guard
from mmhand.utils.pipeline import pipeline_steps

_WRIST, _MIDDLE = 0, 9


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config of a network of joints')
    parser.add_argument('--data-root', help='folder of the data set')
    parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions, metavar='KEY=VALUE')
    return parser.parse_args(argv)


def mean_joints(dataset: BaseHandDataset) -> np.ndarray:
    """(2, 21, 3) mean joints of each side over its wholly annotated hands, wrist at the origin."""
    total, count = np.zeros((2, 21, 3)), np.zeros(2)
    for row in track_iter_progress(range(len(dataset)), file=sys.stderr):
        info = dataset.get_data_info(row)
        whole = (info['keypoint_valid'] > 0).all(-1)
        joints = info['keypoints_3d'] - info['keypoints_3d'][:, _WRIST : _WRIST + 1]
        bone = np.linalg.norm(joints[:, _MIDDLE], axis=-1)
        total[whole] += (joints / np.where(whole, bone, 1.0)[:, None, None])[whole]
        count += whole
    if not count.all():
        raise HandConfigError('the training set has no wholly annotated hand of one side')
    return total / count[:, None, None]


def guess(info: dict, mean: np.ndarray) -> HandDataSample:
    """A sample whose prediction is the mean of each side."""
    kept = ('sample_id', 'hand_type', 'camera', 'scored')
    sample = HandDataSample(metainfo={key: info[key] for key in kept if key in info})
    side = torch.arange(2)
    fields = {
        key: torch.from_numpy(np.array(info[key])) for key in ('keypoints_3d', 'keypoint_valid')
    }
    sample.gt_hands = HandInstances(side=side, **fields)
    sample.pred_hands = HandInstances(
        side=side, keypoints_3d=torch.from_numpy(mean).to(fields['keypoints_3d'])
    )
    return sample


def mirror(sample: HandDataSample) -> None:
    """Make the left hand a right one, in place, as networks of right hands see it."""
    sample.set_metainfo({'hand_type': 'right'})
    for hands in (sample.gt_hands, sample.pred_hands):
        joints = hands.keypoints_3d.flip(0)
        hands.keypoints_3d = joints * joints.new_tensor([-1.0, 1.0, 1.0])
    sample.gt_hands.keypoint_valid = sample.gt_hands.keypoint_valid.flip(0)


@cli_guard
def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    cfg = load_config(args.config, args.cfg_options)
    if args.data_root:
        set_data_root(cfg, args.data_root)
    init_default_scope('mmhand')
    train, test = (
        DATASETS.build({**loader.dataset, 'pipeline': []})
        for loader in (cfg.train_dataloader, cfg.test_dataloader)
    )
    entries = cfg.test_evaluator if isinstance(cfg.test_evaluator, list) else [cfg.test_evaluator]
    scored = [e for e in entries if e['type'] == 'InterHandMetric' and e.get('protocol') == 'hdr']
    if not scored:
        raise HandConfigError(f'{args.config} has no InterHandMetric of protocol "hdr"')
    mean = mean_joints(train)
    metric = METRICS.build(scored[0])
    steps = {step['type']: step for step in pipeline_steps(cfg.test_dataloader.dataset.pipeline)}
    select = TRANSFORMS.build(steps['SelectHand']) if 'SelectHand' in steps else None
    for row in track_iter_progress(range(len(test)), file=sys.stderr):
        info = test.get_data_info(row)
        sample = guess(info if select is None else select.transform(info), mean)
        if 'MirrorLeftHand' in steps and sample.hand_type == 'left':
            mirror(sample)
        metric.process(None, [sample])
    for name, value in metric.evaluate(len(test)).items():
        if 'MPJPE' in name:
            print(f'{name:<36}{value:10.4f}')


if __name__ == '__main__':
    main()

"""Score the hand model's mean pose and shape as if a network had predicted it for every sample.

    python tools/analysis_tools/mean_pose_baseline.py handoccnet_r18_cpu_ho3d \
        --cfg-options test_dataloader.dataset.data_root=data/synthetic

What a trained network must beat. The hand is put at the annotated wrist; it is not turned, so only
scores after Procrustes alignment say something about the pose.
"""

import argparse
import sys

import numpy as np
import torch
from mmengine.registry import init_default_scope
from mmengine.utils import track_iter_progress

from mmhand.apis import init_model
from mmhand.registry import DATASETS, METRICS
from mmhand.structures import HandDataSample, HandInstances
from mmhand.utils.config import ConfigOptions
from mmhand.utils.errors import HandConfigError, cli_guard


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config of a single-hand mesh network')
    parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions, metavar='KEY=VALUE')
    return parser.parse_args(argv)


def baseline_sample(info: dict, vertices: torch.Tensor, joints: torch.Tensor) -> HandDataSample:
    """A sample whose prediction is the given right hand (mirrored for a left one) at the wrist."""
    side = int(info['hand_type'] == 'left')
    flip = torch.tensor([-1.0 if side else 1.0, 1.0, 1.0])
    wrist = torch.from_numpy(info['keypoints_3d'][side, 0])
    sample = HandDataSample(
        metainfo={key: info[key] for key in ('sample_id', 'hand_type', 'scored') if key in info}
    )
    number = torch.tensor([side])
    fields = {key: info[key][side, None] for key in ('keypoints_3d', 'keypoint_valid')}
    if 'vertices' in info:
        fields['vertices'] = info['vertices'][side, None]
    sample.gt_hands = HandInstances(
        side=number, **{key: torch.from_numpy(np.array(value)) for key, value in fields.items()}
    )
    moved = [(points - joints[:, :1]) * flip + wrist for points in (joints, vertices)]
    sample.pred_hands = HandInstances(side=number, keypoints_3d=moved[0], vertices=moved[1])
    return sample


@cli_guard
def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    model = init_model(args.config, cfg_options=args.cfg_options)
    if not hasattr(model, 'hand_model'):
        raise HandConfigError(f'{args.config} has no hand model of its own')
    init_default_scope('mmhand')
    cfg = model.cfg
    dataset = DATASETS.build({**cfg.test_dataloader.dataset, 'pipeline': []})
    with torch.no_grad():
        zeros = torch.zeros(1, 48), torch.zeros(1, model.hand_model.num_betas)
        output = model.hand_model(zeros[0][:, :3], zeros[0][:, 3:], zeros[1])
    samples = [
        baseline_sample(dataset.get_data_info(row), output.vertices, output.joints)
        for row in track_iter_progress(range(len(dataset)), file=sys.stderr)
    ]
    evaluators = cfg.test_evaluator
    for entry in evaluators if isinstance(evaluators, list) else [evaluators]:
        if entry['type'] == 'HandMaskMetric':
            continue
        metric = METRICS.build(entry)
        metric.process(None, samples)
        for name, value in metric.evaluate(len(samples)).items():
            print(f'{name:<36}{value:10.4f}')


if __name__ == '__main__':
    main()

"""Errors of every stage of a Two-Hand-Shape-Pose model beside those of the training set's mean pose.

python tools/twohand/eval_twohand_stages.py CONFIG CHECKPOINT --data-root data/synthetic

Joints: relative to the middle knuckle, scaled to the true wrist - middle knuckle length (the release's
protocol). Relative root: distance of the left middle knuckle from the right one, predicted and true.
"""

import argparse

from mmhand_flags import ToolParser, add_config_options, start_tool


def parse_args() -> argparse.Namespace:
    parser = ToolParser(__doc__)
    parser.add_argument('config')
    parser.add_argument('checkpoint')
    parser.add_argument('--data-root', help='of both splits')
    parser.add_argument('--batch-size', type=int, default=16)
    parser.add_argument('--device', default='cpu')
    add_config_options(parser)
    return parser.parse_args()


start_tool(__name__, parse_args)

import numpy as np
import torch
from mmengine.dataset import pseudo_collate

from mmhand.apis import init_model
from mmhand.models.twohand.two_hand_placement import relative_position
from mmhand.registry import DATASETS
from mmhand.structures import get_joint_set, stack_hands
from mmhand.utils.errors import cli_guard

_ROOT, _KNUCKLE = (get_joint_set('canonical').index(name) for name in ('wrist', 'middle1'))
_MM = 1000.0


def normalised(joints: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Joints (..., 21, 3) about the middle knuckle in units of its bone, and that length."""
    bone = (joints[..., _KNUCKLE, :] - joints[..., _ROOT, :]).norm(dim=-1)
    centred = joints - joints[..., _KNUCKLE : _KNUCKLE + 1, :]
    return centred / bone[..., None, None], bone


def mean_pose(data: object) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean normalised joints (2, 21, 3) and mean left knuckle from the right one (3,), metres."""
    shapes, offsets = [], []
    for index in range(len(data)):
        record = data.get_data_info(index)
        if record['keypoint_valid'].all():
            joints = torch.from_numpy(record['keypoints_3d'])
            shapes.append(normalised(joints)[0])
            offsets.append(joints[1, _KNUCKLE] - joints[0, _KNUCKLE])
    return torch.stack(shapes).mean(0), torch.stack(offsets).mean(0)


@cli_guard
@torch.no_grad()
def main() -> None:
    args = parse_args()
    model = init_model(args.config, args.checkpoint, args.device, args.cfg_options)
    splits = []
    for loader in (model.cfg.train_dataloader, model.cfg.test_dataloader):
        dataset = dict(loader.dataset)
        if args.data_root:
            dataset['data_root'] = args.data_root
        splits.append(DATASETS.build(dataset))
    train, test = splits
    shape, offset = mean_pose(train)
    errors: dict[str, list[np.ndarray]] = {}
    roots: dict[str, list[np.ndarray]] = {}
    for start in range(0, len(test), args.batch_size):
        rows = range(start, min(start + args.batch_size, len(test)))
        batch = model.data_preprocessor(pseudo_collate([test[row] for row in rows]))
        stages, trans, _, _ = model.estimate(batch['inputs'])
        hands = stack_hands(batch['data_samples'], ('keypoints_3d', 'keypoint_valid'))
        truth, valid = hands['keypoints_3d'], hands['keypoint_valid'] > 0
        target, bone = normalised(truth)
        apart = truth[:, 1, _KNUCKLE] - truth[:, 0, _KNUCKLE]
        both = valid.all(-1).all(-1)
        guesses = {'mean pose': (shape.expand_as(target), offset.expand_as(apart))}
        for index, stage in enumerate(stages):
            guesses[f'stage {index}'] = (
                normalised(stage.joints)[0],
                relative_position(trans, stage.rest_joints),
            )
        for name, (joints, left) in guesses.items():
            error = _MM * ((joints - target) * bone[..., None, None]).norm(dim=-1)
            errors.setdefault(name, []).append(error[valid].numpy())
            roots.setdefault(name, []).append(_MM * (left - apart).norm(dim=-1)[both].numpy())
    print('| | MPJPE, mm | relative root, mm |\n|---|---|---|')
    for name in errors:
        pose, root = (np.concatenate(table[name]).mean() for table in (errors, roots))
        print(f'| {name} | {pose:.2f} | {root:.2f} |')


if __name__ == '__main__':
    main()

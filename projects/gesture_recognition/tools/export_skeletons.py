"""Estimate the skeletons of SHREC'17 or DHG with DSF and write them beside the sensor's."""

import argparse

from mmhand_flags import ToolParser, add_config_options, start_tool


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = ToolParser(__doc__)
    parser.add_argument('config', help='of DSF; its camera should be shrec')
    parser.add_argument('checkpoint')
    parser.add_argument('--data-root', required=True)
    parser.add_argument('--layout', choices=['shrec', 'dhg'], default='shrec')
    parser.add_argument(
        '--name', default='skeletons_dsf.txt', help='file to write in each sequence'
    )
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--batch-size', type=int, default=32)
    add_config_options(parser)
    return parser.parse_args(argv)


start_tool(__name__, parse_args)

from pathlib import Path

import numpy as np
import torch
from mmengine.dataset import pseudo_collate

from mmhand.apis import init_model
from mmhand.datasets import DHGDataset, SHRECDataset
from mmhand.datasets.shrec import write_skeletons
from mmhand.structures import get_joint_set
from mmhand.utils.errors import cli_guard

_PIPELINE = [dict(type='LoadDepthImage'), dict(type='CubeCrop'), dict(type='PackHandInputs')]


@cli_guard
def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    options = {**(args.cfg_options or {}), 'model.camera': 'shrec', 'model.generator': None}
    model = init_model(args.config, args.checkpoint, args.device, options)
    splits = ('train', 'test') if args.layout == 'shrec' else ('all',)
    kind = SHRECDataset if args.layout == 'shrec' else DHGDataset
    for split in splits:
        data = kind(data_root=args.data_root, split=split, pipeline=_PIPELINE, strict=True)
        sequences = data.sequences()
        parts: dict[int, list[np.ndarray]] = {}
        for start in range(0, len(data), args.batch_size):
            numbers = range(start, min(start + args.batch_size, len(data)))
            with torch.no_grad():
                samples = model.test_step(pseudo_collate([data[i] for i in numbers]))
            for number, sample in zip(numbers, samples, strict=True):
                sequence = data.get_data_info(number)['sequence']
                joints = sample.pred_hands.keypoints_3d[0].cpu().numpy()
                parts.setdefault(sequence, []).append(shrec_skeleton(joints))
        for number, frames in parts.items():
            path = Path(args.data_root) / sequences[number].folder / args.name
            write_skeletons(path, np.stack(frames))
        print(f'{split}: {len(parts)} sequences of {len(data)} frames, {args.name}')


def shrec_skeleton(joints: np.ndarray) -> np.ndarray:
    """(22, 3) of canonical joints (21, 3): the palm is the mean of all, as in the release."""
    order = get_joint_set('canonical').joints
    palm = joints.mean(0)
    names = get_joint_set('shrec22').joints
    return np.stack([palm if name == 'palm' else joints[order.index(name)] for name in names])


if __name__ == '__main__':
    main()

"""Draw samples of AIH: what the network sees, the truth, and the holes; print how many there are.

python tools/hdr/browse_aih.py data/AIH_dataset --split train --every 60000 --out aih.jpg

One row a sample: input, truth, input with the holes grey, then hidden part, removed part, visible hand
and background as masks. The authors' explorer draws the same with a window; this needs none.
"""

import argparse
from pathlib import Path

from mmhand_flags import ConfigOptions, ToolParser, start_tool


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = ToolParser(__doc__)
    parser.add_argument('root', help='folder with AIH_syn and AIH_render')
    parser.add_argument('--split', default='train')
    parser.add_argument('--subset', nargs='+', action=ConfigOptions, help='filters, KEY=VALUE')
    parser.add_argument('--every', type=int, help='distance of the samples drawn')
    parser.add_argument('--num', type=int, default=12, help='samples to draw, spread evenly')
    parser.add_argument('--size', type=int, default=128, help='side of each picture')
    parser.add_argument('--out', metavar='FILE', type=Path, default=Path('work_dirs/aih.jpg'))
    parser.renamed('--sheet', '--out')
    return parser.parse_args(argv)


start_tool(__name__, parse_args)

import cv2
import numpy as np

from mmhand.datasets.aih import AIHDataset
from mmhand.datasets.aih.aih import PARTS
from mmhand.utils.errors import HandConfigError, cli_guard
from mmhand.visualization import write_image

GREY = (127, 127, 127)


def panel(sample: dict) -> np.ndarray:
    """One row of pictures (S, 7 S, 3) uint8 BGR."""
    masks = sample['hole_masks']
    holes = masks[..., :2].any(-1, keepdims=True)
    planes = [np.repeat(masks[..., k : k + 1] * np.uint8(255), 3, -1) for k in range(4)]
    erased = np.where(holes, np.uint8(GREY), sample['img'])
    return np.concatenate([sample['img'], sample['target'], erased, *planes], 1)


@cli_guard
def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    if args.num < 1 or (args.every is not None and args.every < 1):
        raise HandConfigError('--num and --every must be at least 1')
    steps = [dict(type='LoadAIHSample', size=args.size)]
    data = AIHDataset(args.root, split=args.split, subset=args.subset, pipeline=steps)
    parts = data.store['sample']['part'][data.rows]
    for number, (half, source, side) in enumerate(PARTS):
        count = int((parts == number).sum())
        print(f'{half:<7} {source:<8} {side or "both":<6} {count:>9}')
    print(f'{args.split}: {len(data)} samples')
    every = args.every or max(1, len(data) // args.num)
    rows = []
    for index in range(0, len(data), every):
        row = panel(data[index])
        label = data.get_data_info(index)['sample_id']
        cv2.putText(row, label, (4, 12), cv2.FONT_HERSHEY_SIMPLEX, 0.35, (0, 255, 255), 1)
        rows.append(row)
    sheet = np.concatenate(rows)
    write_image(args.out, np.ascontiguousarray(sheet[..., ::-1]))
    print(f'{len(rows)} samples drawn: {args.out}')


if __name__ == '__main__':
    main()

#!/usr/bin/env python
"""Write a small data set in this project's layout, of rendered hands, to try the commands with.

python projects/example_dataset/make_sample.py data/my_hands --num 32
"""

import argparse
import json
import shutil
import tempfile
from pathlib import Path

from mmhand.datasets import FreiHANDDataset
from mmhand.synthesis import generate_dataset, get_writer
from mmhand.utils.errors import cli_guard


@cli_guard
def main() -> None:
    """Run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('folder', type=Path, help='where to write')
    parser.add_argument(
        '--num', type=int, default=32, help='hands for training, and as many for test'
    )
    args = parser.parse_args()
    pictures = args.folder / 'pictures'
    pictures.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        kind = get_writer('freihand')
        writer = kind(scratch, kind.make_config(), seed=0)
        generate_dataset(writer, {'training': 2 * args.num})
        hands = []
        for info in map(
            FreiHANDDataset(scratch, split='training').get_data_info, range(2 * args.num)
        ):
            name = Path(info['img_path']).name
            shutil.copy(info['img_path'], pictures / name)
            points = info['keypoints_2d'][0].round(2).tolist()
            hands.append(
                {
                    'picture': name,
                    'side': 'right',
                    'box': info['bbox'].round(2).tolist(),
                    'joints': [[*point, 1] for point in points],
                }
            )
    for split, part in (('train', hands[: args.num]), ('test', hands[args.num :])):
        (args.folder / f'{split}.json').write_text(json.dumps(part))


if __name__ == '__main__':
    main()

"""Render InterHand2.6M's fitted hands into amodal and visible masks, the labels of HASM.

python tools/dataset_converters/interhand_masks.py data/interhand2.6m --mano-root MANO --workers 16

The masks go where the data set class looks for them: `masks/<split>/...png` beside `images`, one bit a
plane. A picture whose mask exists is not rendered again, so an interrupted run goes on where it stopped.
"""

import argparse

from mmhand_flags import ToolParser, start_tool


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = ToolParser(__doc__)
    parser.add_argument('root', help='folder of InterHand2.6M')
    parser.add_argument('--splits', default='train,val,test')
    parser.add_argument('--fps', type=int, default=5)
    parser.add_argument('--hand-types', default='all', help='single, interacting or all')
    parser.add_argument(
        '--hand-model',
        help='model the fits belong to: MANO, or what synthetic.json names (the default there)',
    )
    parser.add_argument('--mano-root', help='folder with MANO_RIGHT.pkl and MANO_LEFT.pkl')
    parser.add_argument(
        '--out-dir', metavar='DIR', help='folder of masks instead of the one beside the images'
    )
    parser.add_argument('--workers', type=int, help='processes (default: one per core)')
    parser.add_argument('--overwrite', action='store_true', help='render what exists again')
    parser.add_argument('--quiet', action='store_true', help='no progress bar')
    parser.renamed('--out', '--out-dir')
    return parser.parse_args(argv)


start_tool(__name__, parse_args)

import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import cv2
import numpy as np
import torch
from mmengine.utils import ProgressBar

from mmhand.datasets.interhand import InterHand26MDataset
from mmhand.datasets.transforms import encode_mask_planes
from mmhand.renderers import render_masks
from mmhand.synthesis import single_threaded
from mmhand.synthesis.writers.files import write_image
from mmhand.utils.atomic_io import TEMPORARY
from mmhand.utils.errors import HandConfigError, HandFileError, cli_guard


class MaskRenderer:
    """Masks of one split, by position in the data set.

    Args:
        dataset: with MANO parameters; its pipeline is not used.
        out: folder of the split's masks.
        overwrite: render what exists again.
    """

    def __init__(self, dataset: InterHand26MDataset, out: Path, overwrite: bool) -> None:
        self.dataset = dataset
        self.out = out
        self.overwrite = overwrite

    def __call__(self, index: int) -> str:
        """``'made'``, ``'kept'``, or ``'unfitted'`` where a hand of the picture has no fit."""
        info = self.dataset.get_data_info(index)
        images = self.dataset.files.images
        target = (self.out / Path(info['img_path']).relative_to(images)).with_suffix('.png')
        if target.is_file() and not self.overwrite:
            return 'kept'
        present = info['hand_present'] > 0
        if (present & (info['mano_valid'] <= 0)).any():
            return 'unfitted'
        planes = self.render(info, self._size(info['img_path']))
        write_image(target, encode_mask_planes(planes), (cv2.IMWRITE_PNG_COMPRESSION, 4))
        return 'made'

    def render(self, info: dict, size: tuple[int, int]) -> np.ndarray:
        """(H, W, 4) uint8 planes of a sample's hands."""
        hands = self.dataset.hands
        vertices = hands.vertices(info['mano_pose'], info['mano_betas'], info['mano_trans'])
        sides = np.flatnonzero(info['hand_present'] > 0)
        masks = render_masks(
            [torch.from_numpy(vertices[side]).double() for side in sides],
            [hands.models[side].faces for side in sides],
            torch.from_numpy(info['camera']['K']).double(),
            size,
        )
        planes = np.zeros((*size, 4), np.uint8)
        for row, side in enumerate(sides):
            planes[..., 2 * side] = masks.amodal[row].numpy()
            planes[..., 2 * side + 1] = masks.visible[row].numpy()
        return planes

    def _size(self, path: str) -> tuple[int, int]:
        image = cv2.imread(path, cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION)
        if image is None:
            raise HandFileError(f'cannot read image {path}')
        return image.shape[:2]


def hand_model_config(args: argparse.Namespace) -> dict | None:
    """Config of the hand model; ``None`` leaves it to the data set."""
    if args.mano_root:
        return dict(type=args.hand_model or 'MANO', model_path=args.mano_root)
    return dict(type=args.hand_model) if args.hand_model else None


def convert_split(args: argparse.Namespace, split: str, workers: int) -> dict[str, int]:
    """Render one split; returns how many pictures were made, kept and left out."""
    dataset = InterHand26MDataset(
        data_root=args.root,
        split=split,
        subset=dict(hand_type=args.hand_types, mano='any'),
        fps=args.fps,
        with_mano=True,
        hand_model=hand_model_config(args),
    )
    images = dataset.files.images
    beside = images.parent.with_name(images.parent.name.replace('images', 'masks')) / images.name
    out = Path(args.out_dir) / split if args.out_dir else beside
    if out == images:
        raise HandConfigError(f'the image folder {images} is not called images: give --out')
    dataset.hands  # noqa: B018  loaded once, before processes are forked
    for path in out.rglob(f'.*{TEMPORARY}'):  # what a killed run left half written
        path.unlink(missing_ok=True)
    renderer = MaskRenderer(dataset, out, args.overwrite)
    counts = dict(made=0, kept=0, unfitted=0)
    bar = None if args.quiet else ProgressBar(len(dataset), file=sys.stderr)
    for outcome in run(renderer, len(dataset), workers):
        counts[outcome] += 1
        if bar:
            bar.update()
    if bar:
        bar.file.write('\n')
    return counts


_RENDERER: MaskRenderer | None = None


def _start(renderer: MaskRenderer, parent: int) -> None:
    global _RENDERER
    _RENDERER = renderer
    single_threaded()
    threading.Thread(target=_follow, args=(parent,), daemon=True).start()


def _follow(parent: int) -> None:
    """End this process when the one that started it is gone (it may have been killed)."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _work(index: int) -> str:
    return _RENDERER(index)


def run(renderer: MaskRenderer, count: int, workers: int) -> Iterator[str]:
    """Outcomes of all samples.

    Raises:
        HandConfigError: a worker was killed.
    """
    if workers <= 1:
        single_threaded()
        yield from map(renderer, range(count))
        return
    # Unlike multiprocessing's pool this one notices when a worker dies.
    context = multiprocessing.get_context('fork')
    pool = ProcessPoolExecutor(workers, context, _start, (renderer, os.getpid()))
    try:
        chunk = max(1, min(32, count // (8 * workers)))
        yield from pool.map(_work, range(count), chunksize=chunk)
    except BrokenProcessPool:
        raise HandConfigError(
            f'one of {workers} workers was killed, perhaps for want of memory; run again with '
            'fewer --workers: the masks that are made stay'
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


@cli_guard
def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    workers = (os.cpu_count() or 1) if args.workers is None else args.workers
    if workers < 1:
        raise HandConfigError(f'--workers must be at least 1, not {workers}')
    for split in args.splits.split(','):
        counts = convert_split(args, split.strip(), workers)
        print(
            f'{split}: {counts["made"]} masks made, {counts["kept"]} kept, '
            f'{counts["unfitted"]} pictures left out because a hand has no fit'
        )


if __name__ == '__main__':
    main()

"""Render posed hands with exact annotations in the layout of a benchmark; see docs/en/synthetic_data.md.

python tools/synthesis/make_dataset.py --format interhand --num 400 --out-dir data/synthetic

Run the same command again to continue after an interruption, or with a larger --num to extend the
data set.
"""

import argparse

from mmhand_flags import FORMATS, ToolParser, start_tool


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = ToolParser(__doc__)
    parser.add_argument('--format', required=True, help=f'layout to write: {", ".join(FORMATS)}')
    parser.add_argument('--num', type=int, required=True, help='number of pictures in all')
    parser.add_argument('--seed', type=int, default=0, help='seed of the data set (default 0)')
    parser.add_argument('--out-dir', metavar='DIR', required=True, help='folder of the data set')
    parser.add_argument(
        '--workers', type=int, help='processes (default: one per core); no effect on the result'
    )
    parser.add_argument('--hands', help='single, interacting or both')
    parser.add_argument('--image-size', help='WxH in pixels, e.g. 256x256')
    parser.add_argument('--splits', help='e.g. train:0.8,val:0.1,test:0.1, or just train')
    parser.add_argument('--views', type=int, help='cameras that see each frame')
    parser.add_argument('--cameras', type=int, help="cameras in a capture's rig")
    parser.add_argument('--captures', type=int, help='people, rigs and light set-ups per split')
    parser.add_argument('--occluder-prob', type=float, help='chance of an object in a frame')
    parser.add_argument(
        '--turn', type=float, help='how far wrists and cameras turn: 1 any way, 0 always the same'
    )
    parser.add_argument(
        '--gestures', nargs='+', help='gestures the fingers make, e.g. flat fist; all by default'
    )
    parser.add_argument(
        '--single-poses',
        help='own (default), or meeting: single hands are held as one of two that meet',
    )
    parser.add_argument(
        '--backgrounds', nargs='+', help='what is behind, e.g. studio plain; all by default'
    )
    parser.add_argument(
        '--framing', choices=('rig', 'crop'), help='cameras stay in place, or aim at each hand'
    )
    parser.add_argument(
        '--shape-spread', type=float, help="how far people's shapes spread: 1 (default), 0 to 2"
    )
    parser.add_argument(
        '--photos', metavar='FOLDER', help='pictures of your own that also lie behind the hands'
    )
    parser.add_argument(
        '--photo-share', type=float, help='share of frames with one of them (default 0.5)'
    )
    parser.add_argument(
        '--sensor',
        help='of depth formats: exact, usual (default), rough (ragged outlines, lost patches) or patchy '
        '(a quarter is lost)',
    )
    parser.add_argument(
        '--no-pictures', action='store_true', help='shrec: skeletons only, a hundred times quicker'
    )
    parser.add_argument(
        '--sheet', help='also write a picture of the first frames, the first four with annotations'
    )
    parser.add_argument('--quiet', action='store_true', help='no progress bar')
    parser.renamed('--out', '--out-dir')
    return parser.parse_args(argv)


start_tool(__name__, parse_args)

import os
import time
from pathlib import Path

import cv2

from mmhand.synthesis import (
    DatasetWriter,
    build_config,
    count_splits,
    generate_dataset,
    get_writer,
    parse_splits,
)
from mmhand.synthesis.contact_sheet import contact_sheet, tile
from mmhand.synthesis.writers import DepthWriter
from mmhand.synthesis.writers.files import write_image
from mmhand.utils.errors import HandConfigError, cli_guard

#: Frames on a contact sheet; the first four take three tiles each.
SHEET_FRAMES = 22


@cli_guard
def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    if args.seed < 0:
        raise HandConfigError(f'--seed must be >= 0, not {args.seed}')
    config = build_config(
        args.format,
        args.hands,
        args.image_size,
        views=args.views,
        cameras=args.cameras,
        captures=args.captures,
        occluder_prob=args.occluder_prob,
        turn=args.turn,
        gestures=tuple(args.gestures) if args.gestures else None,
        single_poses=args.single_poses,
        backgrounds=tuple(args.backgrounds) if args.backgrounds else None,
        framing=args.framing,
        shape_spread=args.shape_spread,
        sensor=args.sensor,
        pictures=False if args.no_pictures else None,
        photos=args.photos,
        photo_share=args.photo_share,
    )
    writer_type = get_writer(args.format)
    if args.sheet and Path(args.sheet).suffix not in ('.jpg', '.png'):
        raise HandConfigError(f'--sheet must end in .jpg or .png, not "{args.sheet}"')
    counts = count_splits(args.num, parse_splits(args.splits, writer_type))
    workers = (os.cpu_count() or 1) if args.workers is None else args.workers
    start = time.perf_counter()
    writer = writer_type(args.out_dir, config, args.seed)
    done = generate_dataset(writer, counts, workers, progress=not args.quiet)
    seconds = time.perf_counter() - start
    splits = ', '.join(f'{count} {split}' for split, count in counts.items())
    print(
        f'{args.out_dir}: {splits}; {done["made"]} made, {done["kept"]} kept, {seconds:.1f} s'
        + (f', {done["made"] / seconds:.1f} pictures/s' if done['made'] else '')
    )
    if args.sheet:
        write_sheet(writer, counts, Path(args.sheet))


def write_sheet(writer: DatasetWriter, counts: dict[str, int], path: Path) -> None:
    split, count = next(iter(counts.items()))
    views = writer.config.views
    indices = [index + index // views % views for index in range(0, count, views)][:SHEET_FRAMES]
    samples = [writer.render(split, min(index, count - 1)) for index in indices]
    if isinstance(writer, DepthWriter):
        sheet = tile([writer.depth_picture(sample) for sample in samples])
    else:
        sheet = contact_sheet(samples, explained=4)
    write_image(path, sheet, (cv2.IMWRITE_JPEG_QUALITY, 80) if path.suffix == '.jpg' else ())


if __name__ == '__main__':
    main()

#!/usr/bin/env python
"""Frames a second of a video from file to files, and how its memory grows.

    python tools/benchmark/bench_video_speed.py --engine onnxruntime --threads 2
    python tools/benchmark/bench_video_speed.py --frames 10000 --hands 1 --size 320 240

A clip of rendered hands is written as a video, repeated as often as needed. What is timed is all that
``mmhand video.mp4`` does: decoding, finding and following hands, fitting, smoothing, drawing, encoding.
The resident memory is printed every ``--every`` frames.
"""

from mmhand_flags import ToolParser, start_tool


def parse_args(argv=None):
    parser = ToolParser(__doc__)
    parser.add_argument('--engine', default='torch', help='torch or onnxruntime')
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--frames', type=int, default=150)
    parser.add_argument('--clip', type=int, default=90, help='frames of the clip that is repeated')
    parser.add_argument('--hands', type=int, choices=(1, 2), default=2)
    parser.add_argument('--size', type=int, nargs=2, default=(640, 480), metavar=('W', 'H'))
    parser.add_argument('--save', nargs='*', default=['overlay', 'json'])
    parser.add_argument('--busy', type=int, default=0, help='busy loops beside it')
    parser.add_argument('--every', type=int, default=1000)
    return parser.parse_args(argv)


start_tool(__name__, parse_args)

import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from bench_video import Scene
from busy import busy_loops

from mmhand.apis import HandInferencer
from mmhand.apis.sinks.video_writer import VideoWriter
from mmhand.utils.errors import cli_guard


def resident() -> float:
    """MB of memory that this process holds."""
    for line in Path('/proc/self/status').read_text().splitlines():
        if line.startswith('VmRSS'):
            return int(line.split()[1]) / 1024
    return float('nan')


def write_clip(path: Path, args) -> None:
    """The video that is run over; hands move to and fro, so that it may be repeated."""
    scene = Scene('crossing' if args.hands == 2 else 'one', args.clip, tuple(args.size))
    images = [np.ascontiguousarray(image[..., ::-1]) for image, _ in scene]
    loop, writer = images + images[::-1], VideoWriter(path, 30.0)
    for number in range(args.frames):
        writer.add(loop[number % len(loop)])
    writer.close()


@cli_guard
def main(argv=None):
    args = parse_args(argv)
    torch.set_num_threads(args.threads)
    with tempfile.TemporaryDirectory() as folder, busy_loops(args.busy):
        video = Path(folder) / 'clip.mp4'
        write_clip(video, args)
        inferencer = HandInferencer(engine=args.engine)
        hands, start = 0, time.perf_counter()
        for number, result in enumerate(
            inferencer.stream(video, out_dir=Path(folder) / 'out', save=args.save), 1
        ):
            hands += result.num_hands
            if number % args.every == 0:
                print(f'{number:6d} frames: {resident():7.0f} MB', flush=True)
        seconds = time.perf_counter() - start
    parts = ', '.join(f'{name} {1e3 * s / number:.0f}' for name, s in inferencer.seconds.items())
    beside = f' beside {args.busy} busy loops' if args.busy else ''
    width, height = args.size
    print(
        f'{args.engine}, {args.threads} threads{beside}, {width} x {height}: {number} frames, '
        f'{hands / number:.2f} hands a frame, {number / seconds:.1f} frames a second '
        f'(ms a frame: {parts})'
    )


if __name__ == '__main__':
    main()

"""What the command ``mmhand`` does once its arguments are read."""

import argparse
import itertools
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np

from mmhand.utils.errors import HandConfigError, HandFileError, cli_guard
from mmhand.utils.picture_names import VIDEO_SUFFIXES
from mmhand.utils.setup_env import ensure_writable

from .hand_inferencer import HandInferencer
from .picture_result import PictureResult


@cli_guard
def run(args: argparse.Namespace) -> int:
    """Find hands in all inputs and say what was written.

    Args:
        args: of ``mmhand_cli.build_parser``.

    Returns:
        0 where hands were found, 1 where no picture shows any.

    Raises:
        HandConfigError, HandFileError, HandDataError: mistakes.
    """
    jobs = _jobs(args)
    if jobs or args.serve is None:
        ensure_writable(args.out_dir)
    is_open = args.model == 'open'
    inferencer = HandInferencer(
        None if is_open else args.model,
        args.checkpoint,
        args.device,
        detector=None if is_open else 'open',
        person=args.person,
        hand_model=args.hand_model,
        engine=args.engine,
    )
    if args.serve is not None:
        from .serve import serve

        serve(page_runner(inferencer), port=args.serve)
        return 0
    if inferencer.weights == 'untrained':
        sys.stderr.write('warning: no --checkpoint: the model is untrained\n')
    hands, pictures, broken = 0, 0, []
    try:
        for job in jobs:
            found, seen = _run_job(inferencer, job, args)
            hands, pictures = hands + found, pictures + seen
            broken += inferencer.broken
    finally:
        for line in broken if pictures else ():
            sys.stderr.write(f'left out: {line}\n')
    if broken and not pictures:
        raise HandFileError(
            broken[0] if len(broken) == 1 else f'{broken[0]} (and {len(broken) - 1} more like it)'
        )
    if not hands:
        what = 'the picture' if pictures == 1 else f'any of {pictures} pictures'
        sys.stderr.write(f'no hand was found in {what}\n')
        return 1
    return 0


def page_runner(
    inferencer: HandInferencer,
) -> Callable[[np.ndarray], Mapping[str, object]]:
    """What the local page calls with a picture; files are gone when it returns."""

    def run_picture(image: np.ndarray) -> dict[str, object]:
        with tempfile.TemporaryDirectory(prefix='mmhand-') as folder:
            (result,) = inferencer(image, out_dir=folder, save=('json', 'glb', 'html'))
            return {kind: files[0].read_bytes() for kind, files in result.files.items()}

    return run_picture


def _jobs(args: argparse.Namespace) -> list[object]:
    """Inputs of a stream each: videos alone, pictures together; ``--camera`` after them.

    ``mmhand_cli.refuse_early`` has seen that they exist.
    """
    jobs: list[object] = []
    pictures: list[str] = []
    for given in args.inputs:
        path = Path(given)
        if path.suffix.lower() in VIDEO_SUFFIXES and path.is_file() or path.is_dir():
            jobs.append(given)
        else:
            pictures.append(given)
    if args.camera is not None:
        if args.camera < 0:
            raise HandConfigError(f'camera {args.camera}: cameras are numbered from 0')
        jobs.append(args.camera)
    return ([pictures] if pictures else []) + jobs


def _run_job(inferencer: HandInferencer, job: object, args: argparse.Namespace) -> tuple[int, int]:
    """Hands and pictures of one stream."""
    results = inferencer.stream(
        job,
        out_dir=args.out_dir,
        save=args.save,
        batch_size=4,
        focal=args.focal,
        skip_broken=True,
        progress=True,
        smooth=not args.no_smooth,
    )
    hands = pictures = 0
    files: dict = {}
    try:
        for result in _first(results, args.max_frames):
            hands, pictures, files = hands + result.num_hands, pictures + 1, result.files
            if result.time is None:
                _say(result.source, result.num_hands, result.files)
    finally:
        results.close()
    moving = isinstance(job, int) or Path(str(job)).suffix.lower() in VIDEO_SUFFIXES
    if moving and pictures:
        source = f'camera {job}' if isinstance(job, int) else str(job)
        seconds = sum(inferencer.seconds.values())
        rate = pictures / seconds if seconds else 0.0
        _say(f'{source}: {pictures} frames ({rate:.1f} a second)', hands, files)
    return hands, pictures


def _first(results: Iterable[PictureResult], limit: int | None) -> Iterable[PictureResult]:
    return results if limit is None else itertools.islice(results, limit)


def _say(source: str, hands: int, files: dict[str, list[Path]]) -> None:
    names = ', '.join(str(file) for kind in files.values() for file in kind)
    count = 'no hand' if not hands else f'{hands} hand' + 's' * (hands > 1)
    sys.stdout.write(f'{source}: {count} -> {names}\n')

#!/usr/bin/env python
"""Joints of hands on annotated real pictures: with the box given, and from the picture alone.

    python tools/benchmark/bench_real_hands.py [DATA] [--engine onnxruntime] [--out-dir pictures]

Errors are in sides of the annotated box (the longer one); the joints of all hands are pooled; a missed
hand counts as all wrong. False hands are those that no annotated hand claims, some of which are hands
that nobody annotated: look at the pictures. Hands that meet (InterHand2.6M) are judged by eye; printed
is in how many pictures both sides were found. DATA is not part of the repository.
"""

import argparse
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from real_hands import (
    errors_of,
    false_hands,
    load_hands,
    match_hands,
    read_pictures,
    summarise,
    two_hand_pictures,
)

from mmhand.apis import FoundHands, OpenHandFinder
from mmhand.structures import CANONICAL, parent_joint
from mmhand.utils.errors import cli_guard

DATA = Path(__file__).resolve().parents[3] / 'shared' / 'realdata'


def parse_args(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('data', type=Path, nargs='?', default=DATA, help='folder of the pictures')
    parser.add_argument('--engine', default='torch', help='torch or onnxruntime')
    parser.add_argument('--threads', type=int, default=torch.get_num_threads())
    parser.add_argument('--views', type=int, default=6, help='crops averaged for each hand')
    parser.add_argument('--out-dir', type=Path, help='write what was found over the pictures')
    return parser.parse_args(argv)


def draw(image: np.ndarray, found: FoundHands) -> np.ndarray:
    """Bones of the hands over a picture: right red, left blue."""
    image = image.copy()
    thick = max(1, max(image.shape[:2]) // 300)
    for keypoints, side, score in zip(found.keypoints_2d, found.sides, found.scores, strict=True):
        points = np.round(keypoints).astype(int)
        colour = (255, 120, 0) if side else (60, 60, 255)
        for number, joint in enumerate(CANONICAL.joints):
            if joint != 'wrist':
                start = points[CANONICAL.index(parent_joint(joint))]
                cv2.line(image, start.tolist(), points[number].tolist(), colour, thick)
        cv2.putText(image, f'{score:.2f}', points[0].tolist(), 0, 0.5, (0, 255, 255), thick)
    return image


def timed(function, inputs):
    """Results one by one, and the median of their milliseconds."""
    results, seconds = [], []
    for each in inputs:
        start = time.perf_counter()
        results.append(function(*each))
        seconds.append(time.perf_counter() - start)
    return results, 1e3 * float(np.median(seconds))


def table_row(name: str, scores: dict[str, float], extra: str) -> str:
    """One line of the table."""
    numbers = ' '.join(f'{scores[key]:8.3f}' for key in ('PCK@0.2', 'PCK@0.1', 'AUC'))
    return f'{name:<28} {scores["found"]:5d} {numbers} {extra}'


@cli_guard
def main(argv=None):
    args = parse_args(argv)
    if not args.data.is_dir():
        print(f'skipped: {args.data} is not there')
        return
    torch.set_num_threads(args.threads)
    finder = OpenHandFinder(engine=args.engine, views=args.views)
    hands = load_hands(args.data)
    images = read_pictures([hand.picture for hand in hands])
    print(f'{"joints in 2D":<28} found  PCK@0.2  PCK@0.1      AUC  false  ms (median)')

    boxed, milliseconds = timed(
        lambda image, hand: finder.find([image], [hand.bbox[None]])[0],
        zip(images, hands, strict=True),
    )
    errors = [
        errors_of(hand, found.keypoints_2d[0]) for hand, found in zip(hands, boxed, strict=True)
    ]
    print(table_row('box known', summarise(errors), f'{"-":>6} {milliseconds:5.0f}'))

    alone, milliseconds = timed(lambda image: finder.find([image])[0], [(i,) for i in images])
    joints = [found.keypoints_2d for found in alone]
    rows = match_hands(hands, joints)
    errors = [
        errors_of(hand, None if row is None else found[row])
        for hand, found, row in zip(hands, joints, rows, strict=True)
    ]
    wrong = false_hands(hands, joints)
    print(table_row('picture alone', summarise(errors), f'{len(wrong):6d} {milliseconds:5.0f}'))
    if wrong:
        print('not annotated:', ', '.join(f'{name} #{number}' for name, number in wrong))

    pairs = two_hand_pictures(args.data)
    met, milliseconds = timed(lambda image: finder.find([image])[0], zip(read_pictures(pairs)))
    both = sum(len(set(found.sides.tolist())) == 2 for found in met)
    print(f'hands that meet: both sides in {both} of {len(met)} pictures, {milliseconds:.0f} ms')
    if args.out_dir:
        files = [hand.picture for hand in hands] + pairs
        args.out_dir.mkdir(parents=True, exist_ok=True)
        for file, image, found in zip(
            files, [*images, *read_pictures(pairs)], [*alone, *met], strict=True
        ):
            cv2.imwrite(
                str(args.out_dir / f'{file.parent.name}_{file.stem}.jpg'), draw(image, found)
            )


if __name__ == '__main__':
    main()

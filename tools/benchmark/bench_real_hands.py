#!/usr/bin/env python
"""Joints and meshes of hands on annotated real pictures: with the box given, and from the picture alone.

    python tools/benchmark/bench_real_hands.py [DATA] [--engine onnxruntime] [--out-dir pictures]
    python tools/benchmark/bench_real_hands.py --model CONFIG CHECKPOINT [--model ...]

Errors are in sides of the annotated box (the longer one); the joints of all hands are pooled; a missed
hand counts as all wrong. False hands are those that no annotated hand claims, some of which are hands
that nobody annotated: look at the pictures. Rows of --model are joints of that network's mesh in the
annotated box, its side as the open network reads it there. DATA is not part of the repository.

Then come pictures of two hands: how many each shows, what was found, the mean error of the mesh's joints
where somebody annotated them, and how deep the hands are in each other when each is fitted by itself and
when both are fitted together.
"""

from pathlib import Path

from mmhand_flags import ToolParser, start_tool

DATA = Path(__file__).resolve().parents[3] / 'shared' / 'realdata'


def parse_args(argv=None):
    parser = ToolParser(__doc__)
    parser.add_argument('data', type=Path, nargs='?', default=DATA, help='folder of the pictures')
    parser.add_argument('--engine', default='torch', help='torch or onnxruntime')
    parser.add_argument('--threads', type=int, help='of torch on the CPU; its own choice')
    parser.add_argument('--views', type=int, default=6, help='crops combined for each hand')
    parser.add_argument(
        '--model',
        nargs=2,
        action='append',
        default=[],
        metavar=('CONFIG', 'CHECKPOINT'),
        help='also measure a network of right hands; may be repeated',
    )
    parser.add_argument(
        '--out-dir', metavar='DIR', type=Path, help='write what was found over the pictures'
    )
    return parser.parse_args(argv)


start_tool(__name__, parse_args)

import time

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
)
from real_two_hands import deepest, errors_by_side, two_hand_pictures

from mmhand.apis import FoundHands, OpenHandFinder, inference_hands, init_model
from mmhand.apis.open_hands import OpenHands
from mmhand.cameras import assume_camera
from mmhand.structures import CANONICAL, HandCamera, parent_joint
from mmhand.utils.errors import cli_guard


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
    return f'{name:<40} {scores["found"]:5d} {numbers} {extra}'


def mesh_pixels(method: OpenHands, image: np.ndarray, found: FoundHands) -> np.ndarray:
    """(N, 21, 2) joints of the meshes laid into what was found, camera assumed."""
    return method.place([found], [assume_camera(*image.shape[1::-1])]).pixels.numpy()


def model_pixels(config: str, checkpoint: str, images, hands, boxed) -> list[np.ndarray]:
    """(21, 2) joints of a network's mesh in each annotated box."""
    sides = [('right', 'left')[int(found.sides[0])] for found in boxed]
    cameras = [np.asarray(assume_camera(*image.shape[1::-1]).K, np.float32) for image in images]
    samples = inference_hands(
        init_model(config, checkpoint), images, [hand.bbox for hand in hands], cameras, 8, sides
    )
    pixels = []
    for sample, camera in zip(samples, cameras, strict=True):
        points = sample.pred_hands.keypoints_3d[0].numpy() @ camera.T
        pixels.append(points[:, :2] / points[:, 2:])
    return pixels


def two_hand_table(method: OpenHands, pictures, images) -> list[FoundHands]:
    """Print what was found in pictures of two hands."""
    faces = tuple(model.faces.numpy() for model in method.hand_models)
    print(f'\n{"hands that meet":<20} hands  found  error right/left  alone mm  together mm')
    met, complete, depths = [], 0, []
    for picture, image in zip(pictures, images, strict=True):
        (found,) = method.finder.find([image])
        camera = assume_camera(*image.shape[1::-1])
        if picture.camera is not None:
            camera = HandCamera(K=picture.camera.astype(np.float32))
        placed = method.place([found], [camera])
        one_by_one = [method.place([one], [camera]).vertices for one in split(found)]
        depth = [
            deepest(vertices.numpy(), found.sides, faces)
            for vertices in (
                torch.cat(one_by_one) if one_by_one else placed.vertices,
                placed.vertices,
            )
        ]
        errors = errors_by_side(picture, placed.pixels.numpy(), found.sides)
        said = '/'.join(f'{errors[side]:.3f}' if side in errors else '-' for side in (0, 1))
        sides = ' '.join('RL'[side] for side in found.sides)
        print(
            f'{picture.path.name:<20} {picture.hands:5d}  {sides:>5} {said:>17} '
            f'{depth[0]:9.1f} {depth[1]:12.1f}'
        )
        met.append(found)
        depths.append(depth[1])
        complete += len(set(found.sides.tolist())) == picture.hands == len(found)
    print(f'as many hands as shown, of the right sides, in {complete} of {len(pictures)} pictures')
    print(f'deepest after the joint fit: {max(depths):.1f} mm')
    return met


def split(found: FoundHands) -> list[FoundHands]:
    """Each hand by itself."""
    return [found[np.array([row])] for row in range(len(found))]


@cli_guard
def main(argv=None):
    args = parse_args(argv)
    if not args.data.is_dir():
        print(f'skipped: {args.data} is not there')
        return
    torch.set_num_threads(args.threads or torch.get_num_threads())
    finder = OpenHandFinder(engine=args.engine, views=args.views)
    method = OpenHands(finder=finder)
    hands = load_hands(args.data)
    images = read_pictures([hand.picture for hand in hands])
    print(f'{"in 2D":<40} found  PCK@0.2  PCK@0.1      AUC  false  ms (median)')

    boxed, milliseconds = timed(
        lambda image, hand: finder.find([image], [hand.bbox[None]])[0],
        zip(images, hands, strict=True),
    )
    meshes = [mesh_pixels(method, *each) for each in zip(images, boxed, strict=True)]
    for name, joints in (('joints', [found.keypoints_2d for found in boxed]), ('mesh', meshes)):
        errors = [errors_of(hand, each[0]) for hand, each in zip(hands, joints, strict=True)]
        extra = f'{"-":>6} {milliseconds:5.0f}' if name == 'joints' else f'{"-":>6}'
        print(table_row(f'{name}, box known', summarise(errors), extra))

    alone, milliseconds = timed(lambda image: finder.find([image])[0], [(i,) for i in images])
    meshes = [mesh_pixels(method, *each) for each in zip(images, alone, strict=True)]
    for name, joints in (('joints', [found.keypoints_2d for found in alone]), ('mesh', meshes)):
        rows = match_hands(hands, joints)
        errors = [
            errors_of(hand, None if row is None else found[row])
            for hand, found, row in zip(hands, joints, rows, strict=True)
        ]
        wrong = false_hands(hands, joints)
        extra = f'{len(wrong):6d}' + (f' {milliseconds:5.0f}' if name == 'joints' else '')
        print(table_row(f'{name}, picture alone', summarise(errors), extra))
    if wrong:
        print('not annotated:', ', '.join(f'{name} #{number}' for name, number in wrong))
    for config, checkpoint in args.model:
        pixels = model_pixels(config, checkpoint, images, hands, boxed)
        errors = [errors_of(hand, each) for hand, each in zip(hands, pixels, strict=True)]
        print(table_row(f'{Path(config).stem}, box known', summarise(errors), f'{"-":>6}'))

    pairs = two_hand_pictures(args.data)
    files = [pair.path for pair in pairs]
    met = two_hand_table(method, pairs, read_pictures(files))
    if args.out_dir:
        files = [hand.picture for hand in hands] + files
        args.out_dir.mkdir(parents=True, exist_ok=True)
        for file, image, found in zip(files, read_pictures(files), [*alone, *met], strict=True):
            cv2.imwrite(
                str(args.out_dir / f'{file.parent.name}_{file.stem}.jpg'), draw(image, found)
            )


if __name__ == '__main__':
    main()

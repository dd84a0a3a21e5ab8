"""Follow hands through rendered videos whose truth is known.

python tools/benchmark/bench_video.py                 # three short videos
python tools/benchmark/bench_video.py --seconds 10 --engine onnxruntime --out-dir work_dirs/bench_video
python tools/benchmark/bench_video.py --seed 3        # other hands, poses, colours and lenses

Prints for every frame read by itself, as pictures are, and for hands that are followed, without and with
smoothing: identity switches, frames without a hand that is there, joint error about the wrist and
acceleration error, and frames a second. The two errors are over the same hands in all rows: those that
all rows found in the frames that were read by themselves (``--stride``).
"""

import argparse

from mmhand_flags import ToolParser, start_tool

SCENES = ('one', 'crossing', 'leaving')


def parse_args() -> argparse.Namespace:
    """Arguments of the command line."""
    parser = ToolParser(__doc__)
    parser.add_argument('--seconds', type=float, default=2.0, help='length of each video')
    parser.add_argument('--scenes', nargs='+', choices=SCENES, default=SCENES)
    parser.add_argument(
        '--seed', type=int, default=0, help='0: mean hands, as in the docs; others: drawn ones'
    )
    parser.add_argument('--engine', choices=('torch', 'onnxruntime'), default='torch')
    parser.add_argument(
        '--stride',
        type=int,
        default=15,
        help='frame by frame is slow: three frames in a row of every so many; 3 is all of them',
    )
    parser.add_argument(
        '--out-dir', metavar='DIR', help='folder for the videos; they are not kept without it'
    )
    parser.renamed('--out', '--out-dir')
    return parser.parse_args()


start_tool(__name__, parse_args)

import time
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path

import cv2
import numpy as np
import torch

from mmhand.apis.open_hands import OpenHands
from mmhand.apis.sinks.video_writer import VideoWriter
from mmhand.apis.tracking import HandTracker
from mmhand.hand_models import OpenHand
from mmhand.renderers import overlay_meshes
from mmhand.structures import HandCamera
from mmhand.utils.errors import cli_guard

FPS = 30.0
SKIN = np.array([140.0, 165.0, 215.0])  # BGR


class Scene:
    """Hands that move on paths; the truth of every frame.

    Args:
        name: of :data:`SCENES`.
        frames: how many.
        size: width and height of the pictures, pixels.
        seed: 0: mean hands whose fingers bend alike; others: shape, turn, fingers, lens and colours are
            drawn.
    """

    def __init__(
        self, name: str, frames: int, size: tuple[int, int] = (480, 360), seed: int = 0
    ) -> None:
        self.name, self.frames, self.size = name, frames, size
        self.models = [OpenHand('right'), OpenHand('left')]
        draw, most = np.random.default_rng((seed, 1)), float(seed > 0)
        self.zoom = 1 + most * draw.uniform(-0.1, 0.5)
        self.betas = most * draw.normal(0, 0.7, self.models[0].num_betas)
        #: Of each finger (index, middle, little, ring): how far it bends, and when.
        self.bend = 0.35 + most * draw.uniform(-0.25, 0.2, 4)
        self.later = most * draw.uniform(-1.5, 1.5, 4)
        #: Turn of both hands, whose backs are seen.
        self.turn = most * draw.uniform((-0.4, -0.4, -0.6), (0.4, 0.4, 0.6))
        self.skin = np.clip(SKIN * (1 + most * draw.uniform(-0.4, 0.2)), 0, 255)
        width, height = size
        focal = self.zoom * width
        self.K = np.array(
            [[focal, 0, (width - 1) / 2], [0, focal, (height - 1) / 2], [0, 0, 1]], np.float32
        )
        rng = np.random.default_rng(seed)
        coarse = rng.integers(60, 110, (12, 16, 3)).astype(np.uint8)
        self.background = cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)
        self.noise = rng

    def hands(self, number: int) -> list[tuple[int, int, np.ndarray, np.ndarray]]:
        """(identity, side, joints (21, 3), vertices) metres, camera frame, of a frame."""
        t = number / max(self.frames - 1, 1)
        places = {
            'one': [(0, 0, 0.06 * np.sin(2 * np.pi * t), 0.02 * np.sin(4 * np.pi * t), 0.5)],
            'crossing': [
                (0, 0, -0.14 + 0.28 * t, 0.06, 0.55),
                (1, 1, 0.14 - 0.28 * t, -0.02, 0.45),
            ],
            'leaving': [(0, 0, 0.42 * np.sin(np.pi * t) ** 2, 0.0, 0.5)],
        }[self.name]
        found = []
        for identity, side, x, y, z in places:
            phase = 2 * np.pi * (t + 0.3 * identity)
            sign = -1.0 if side else 1.0
            # Fingers up, palm or back to the camera, a little turned about.
            up = cv2.Rodrigues(np.array([0.0, 0.0, -np.pi / 2 * sign]))[0]
            facing = cv2.Rodrigues(np.array([0.0, 0.3 * np.sin(phase), 0.3 * np.cos(phase)]))[0]
            # The left hand is the right one's mirror image.
            turn = cv2.Rodrigues(self.turn * (1, sign, sign))[0]
            wrist = cv2.Rodrigues(turn @ facing @ self._upright(side, up))[0].ravel()
            pose = np.zeros((15, 3), np.float32)
            pose[:12, 2] = sign * np.repeat(self.bend * (1 + np.sin(phase + self.later)), 3)
            out = self.models[side](
                torch.tensor(wrist, dtype=torch.float32)[None],
                torch.from_numpy(pose.reshape(1, 45)),
                torch.tensor(self.betas, dtype=torch.float32)[None],
            )
            middle = out.joints[0].mean(0)
            shift = torch.tensor([x, y, self.zoom * z], dtype=torch.float32) - middle
            joints, vertices = (out.joints[0] + shift).numpy(), (out.vertices[0] + shift).numpy()
            found.append((identity, side, joints, vertices))
        return found

    def _upright(self, side: int, turn: np.ndarray) -> np.ndarray:
        """Rotation that points the middle finger up in the picture, back of the hand to the camera."""
        rest = (
            self.models[side](
                torch.zeros(1, 3), torch.zeros(1, 45), torch.zeros(1, self.models[side].num_betas)
            )
            .joints[0]
            .numpy()
        )
        along = rest[9] - rest[0]
        along /= np.linalg.norm(along)
        across = (rest[5] - rest[17]) * (1 if side == 0 else -1)
        across -= along * (across @ along)
        across /= np.linalg.norm(across)
        frame = np.stack((across, along, np.cross(across, along)), 1)
        # The back of the right hand: its index is on the left of the picture.
        goal_across = np.array([-1.0, 0.0, 0.0])
        goal_along = np.array([0.0, -1.0, 0.0])
        goal = np.stack((goal_across, goal_along, np.cross(goal_across, goal_along)), 1)
        return goal @ frame.T

    def __iter__(self) -> Iterator[tuple[np.ndarray, list]]:
        for number in range(self.frames):
            hands = self.hands(number)
            image = overlay_meshes(
                self.background,
                [vertices for *_, vertices in hands],
                [self.models[side].faces.numpy() for _, side, *_ in hands],
                self.K,
                [tuple(self.skin)] * len(hands),
                1.0,
            )
            noise = self.noise.normal(0, 3, image.shape)
            yield np.clip(image + noise, 0, 255).astype(np.uint8), hands


class Score:
    """Compares found hands with the truth of a video.

    Args:
        scene: the video.
    """

    def __init__(self, scene: Scene) -> None:
        self.K, self.size = scene.K, scene.size
        self.ids: dict[int, int] = {}
        self.frames = self.switches = self.missed = self.false = 0
        #: (found, true) joints (21, 3) by identity and frame.
        self.pairs: dict[tuple[int, int], tuple[np.ndarray, np.ndarray]] = {}

    def add(self, number: int, hands: object, truth: list) -> None:
        """A frame: ``hands`` found, ``truth`` as :meth:`Scene.hands`."""
        self.frames += 1
        free = list(range(len(hands)))
        for identity, _, joints, _ in truth:
            projected = joints @ self.K.T
            pixels = projected[:, :2] / projected[:, 2:]
            if not ((pixels > 0) & (pixels < self.size)).all():
                free = [r for r in free if self._apart(hands, r, pixels) > 1]
                continue
            near = [row for row in free if self._apart(hands, row, pixels) < 0.5]
            if not near:
                self.missed += 1
                continue
            row = min(near, key=lambda r: self._apart(hands, r, pixels))
            free.remove(row)
            if 'track' in hands:
                track = int(hands.track[row])
                self.switches += self.ids.get(identity, track) != track
                self.ids[identity] = track
            self.pairs[identity, number] = hands.keypoints_3d[row].numpy(), joints
        self.false += len(free)

    @staticmethod
    def _apart(hands: object, row: int, pixels: np.ndarray) -> float:
        span = np.ptp(pixels, axis=0).max()
        return float(np.linalg.norm(hands.keypoints_2d[row].numpy() - pixels, axis=1).mean() / span)

    def error(self, keys: AbstractSet[tuple[int, int]]) -> float:
        """Mean distance of joints about the wrist, mm, of some hands (identity, frame)."""
        errors = [
            np.linalg.norm((found - found[0]) - (true - true[0]), axis=1).mean()
            for found, true in (self.pairs[key] for key in keys)
        ]
        return float(1000 * np.mean(errors)) if errors else float('nan')

    def jitter(self, keys: AbstractSet[tuple[int, int]]) -> float:
        """Mean acceleration error of joints about the wrist, mm a frame squared."""
        errors = []
        for identity, number in keys:
            three = [(identity, number + step) for step in (-1, 0, 1)]
            if keys >= set(three):
                both = np.array([self.pairs[key] for key in three])
                second = np.diff(both - both[:, :, :1], n=2, axis=0)[0]
                errors.append(np.linalg.norm(second[0] - second[1], axis=1).mean())
        return float(1000 * np.mean(errors)) if errors else float('nan')


@cli_guard
def main() -> None:
    """Run the benchmark."""
    args = parse_args()
    method = OpenHands(engine=args.engine)
    print('scene      mode            frames switches missed false  joints mm  jitter mm  frames/s')
    for name in args.scenes:
        scene = Scene(name, max(3, round(args.seconds * FPS)), seed=args.seed)
        camera = HandCamera(scene.K)
        writer = VideoWriter(Path(args.out_dir) / f'{name}.mp4', FPS) if args.out_dir else None

        def alone(image, camera, time):
            return method([image], [camera])[0]

        def picked(number):
            return number % max(args.stride, 3) < 3

        modes = {
            'each by itself': alone,
            'tracked, raw': HandTracker(method, smooth=False),
            'tracked, smooth': HandTracker(method),
        }
        scores = {mode: Score(scene) for mode in modes}
        seconds = dict.fromkeys(modes, 0.0)
        for number, (image, truth) in enumerate(scene):
            if writer is not None:
                writer.add(np.ascontiguousarray(image[..., ::-1]))
            for mode, run in modes.items():
                if mode == 'each by itself' and not picked(number):
                    continue
                start = time.perf_counter()
                sample = run(image, camera, number / FPS)
                seconds[mode] += time.perf_counter() - start
                scores[mode].add(number, sample.pred_hands, truth)
        if writer is not None:
            writer.close()
        keys = set.intersection(*(set(score.pairs) for score in scores.values()))
        for mode, score in scores.items():
            switches = '-' if mode == 'each by itself' else score.switches
            print(
                f'{name:<10} {mode:<15} {score.frames:6d} {switches:>8} {score.missed:6d} '
                f'{score.false:5d} {score.error(keys):10.1f} '
                f'{score.jitter(keys):10.2f} {score.frames / seconds[mode]:9.1f}',
                flush=True,
            )


if __name__ == '__main__':
    main()

"""Is a hand fitted better from a lifted start? On annotated real pictures, mesh joints in 2D.

python tools/blaze/test_lifting.py work_dirs/lifting/lifting_head.safetensors [DATA]
"""

import argparse
from pathlib import Path

from mmhand_flags import ToolParser, start_tool

REPO = Path(__file__).resolve().parents[2]


def parse_args() -> argparse.Namespace:
    parser = ToolParser(__doc__)
    parser.add_argument('head', type=Path)
    parser.add_argument('data', type=Path, nargs='?', default=REPO.parent / 'shared' / 'realdata')
    return parser.parse_args()


start_tool(__name__, parse_args)

import sys

import numpy as np
import torch
from safetensors.torch import load_file

from mmhand.apis.finding import FoundHands, OpenHandFinder
from mmhand.apis.finding.turned_crops import Picture, crop_batch
from mmhand.apis.open_hands import OpenHands
from mmhand.cameras import assume_camera
from mmhand.fitting import fit_translation
from mmhand.models.blaze import BlazeHand
from mmhand.models.blaze.lifting_head import LiftingHead, crop_turns, lifted_estimate
from mmhand.structures import HandEstimate
from mmhand.utils.errors import cli_guard

sys.path.insert(0, str(REPO / 'tools' / 'benchmark'))
from real_hands import errors_of, load_hands, match_hands, read_pictures, summarise  # noqa: E402


@torch.no_grad()
def lift(
    head: LiftingHead, network: BlazeHand, image: np.ndarray, found: FoundHands, K: np.ndarray
) -> tuple[torch.Tensor, torch.Tensor]:
    """Rotations (N, 16, 3, 3) in the camera's axes, and betas, of the hands of a picture."""
    crops = crop_batch(
        [Picture(image)], [0] * len(found), found.affines.astype(np.float64), found.crop_size
    )
    feature = network.backbone(torch.from_numpy(crops))[-1]
    located = network.pixel_head(feature).unflatten(1, (21, 3))[..., :2] / found.crop_size
    joints = network.joint_head(feature).unflatten(1, (21, 3))
    rotmats, betas, _ = head(feature, located, joints, torch.from_numpy(found.sides))
    linear = np.linalg.inv(found.affines[:, :, :2])
    middle = found.crop_size / 2 - found.affines[:, :, 2]
    center = np.einsum('nij,nj->ni', linear, middle)
    squares = np.concatenate((center, np.zeros((len(found), 2))), 1)
    squares[:, 3] = np.arctan2(found.affines[:, 0, 1], found.affines[:, 0, 0])
    turn = torch.from_numpy(crop_turns(squares, np.repeat(K[None], len(found), 0))).float()
    rotmats[:, 0] = turn.mT @ rotmats[:, 0]
    return rotmats, betas


@cli_guard
def main() -> None:
    """Print the table."""
    args = parse_args()
    if not args.data.is_dir():
        print(f'skipped: {args.data} is not there')
        return
    state = {name: value.float() for name, value in load_file(args.head).items()}
    head = LiftingHead(features=1152 if 'norm.weight' in state else 0).eval()
    head.load_state_dict(state)
    network = BlazeHand().eval()
    method = OpenHands(finder=OpenHandFinder())
    hands = load_hands(args.data)
    images = read_pictures([hand.picture for hand in hands])
    print(f'{"mesh joints in 2D":<32} found  PCK@0.2  PCK@0.1    AUC')
    for boxed in (True, False):
        pixels: dict[str, list] = {'fit alone': [], 'lifted alone': [], 'lifted, then fit': []}
        for image, hand in zip(images, hands, strict=True):
            found = method.finder.find([image], [hand.bbox[None]] if boxed else None)
            camera = assume_camera(image.shape[1], image.shape[0])
            rotmats, betas = lift(head, network, image, found[0], np.asarray(camera.K))
            start = HandEstimate(None, rotmats=rotmats, betas=betas)
            pixels['fit alone'].append(method.place(found, [camera]).pixels.numpy())
            pixels['lifted, then fit'].append(method.place(found, [camera], start).pixels.numpy())
            pixels['lifted alone'].append(_project(method, found[0], rotmats, betas, camera.K))
        for name, found in pixels.items():
            rows = [0] * len(hands) if boxed else match_hands(hands, found)
            errors = [
                errors_of(hand, None if row is None else each[row])
                for hand, each, row in zip(hands, found, rows, strict=True)
            ]
            scores = summarise(errors)
            where = 'box known' if boxed else 'picture alone'
            numbers = ' '.join(f'{scores[key]:8.3f}' for key in ('PCK@0.2', 'PCK@0.1', 'AUC'))
            print(f'{where + ", " + name:<32} {scores["found"]:5d} {numbers}')


def _project(
    method: OpenHands, found: FoundHands, rotmats: torch.Tensor, betas: torch.Tensor, K: np.ndarray
) -> np.ndarray:
    """(N, 21, 2) joints of lifted hands where they fall best on the landmarks."""
    K = torch.from_numpy(np.asarray(K)).float()
    pixels = np.empty((len(found), 21, 2), np.float32)
    for row, side in enumerate(found.sides):
        hand = method.hand_models[int(side)]
        joints = lifted_estimate(hand, rotmats[row, None], betas[row, None]).joints[0]
        shift = fit_translation(joints, torch.from_numpy(found.keypoints_2d[row]), K)
        seen = (joints + shift) @ K.T
        pixels[row] = (seen[:, :2] / seen[:, 2:]).numpy()
    return pixels


if __name__ == '__main__':
    main()

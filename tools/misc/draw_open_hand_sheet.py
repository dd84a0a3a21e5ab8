"""Draw the sheets of ``docs/en/open_hand.md``: gestures, sampled poses, shapes, labels.

python tools/misc/draw_open_hand_sheet.py --out-dir docs/en/images
"""

import argparse

from mmhand_flags import ToolParser, start_tool


def parse_args() -> argparse.Namespace:
    parser = ToolParser(__doc__)
    parser.add_argument(
        '--out-dir', metavar='DIR', default='docs/en/images', help='folder for the pictures'
    )
    parser.add_argument('--size', type=int, default=150, help='pixels of a tile')
    parser.renamed('--out', '--out-dir')
    return parser.parse_args()


start_tool(__name__, parse_args)

from pathlib import Path

import cv2
import numpy as np
import torch
from mmengine.logging import print_log
from PIL import Image
from torch import Tensor

from mmhand.geometry import similarity_align, vertex_normals
from mmhand.hand_models import OpenHand
from mmhand.hand_models.pose_sampling import GESTURES, sample_anatomical
from mmhand.hand_models.rotation_euler import euler_to_matrix
from mmhand.renderers import render_shaded
from mmhand.structures.sides import SIDES
from mmhand.utils.errors import HandFileError, cli_guard

SKIN = (0.86, 0.68, 0.58)
BLUE = (0.1, 0.25, 0.9)
REGION_COLORS = ((0.86, 0.68, 0.58), (0.93, 0.55, 0.52), (0.98, 0.93, 0.90), (0.45, 0.45, 0.50))

#: Degrees: turn about the picture's vertical, then tilt, of a hand with the fingers up and the
#: palm (first value) or the back towards the camera.
VIEWS = {'palm': (0, 0, 0), 'back': (180, 0, 0), 'thumb': (90, 0, 0), 'slant': (-40, -25, 0)}

#: Metres from the camera, and of the scene's height that a tile shows.
DISTANCE, EXTENT = 1.2, 0.24


def view_rotation(side: str, view: str) -> Tensor:
    """(3, 3) turn from the hand's rest frame into the camera's, fingers up."""
    # Fingers of the right hand, -x, become up, -y; the palm, -y, faces the camera, -z.
    upright = torch.tensor([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]])
    turn, tilt, roll = VIEWS[view]
    if side == 'left':
        upright = torch.tensor([[0.0, 0, -1], [-1, 0, 0], [0, 1, 0]])
        turn, roll = -turn, -roll
    return euler_to_matrix(torch.deg2rad(torch.tensor([tilt, turn, roll]).float()), 'XYZ') @ upright


def draw(
    vertices: Tensor,
    hand: OpenHand,
    view: str,
    size: int,
    center: tuple[float, float, float] = (0.005, -0.01, 0.0),
    colors: Tensor | tuple = SKIN,
) -> list[np.ndarray]:
    """Tiles of hands, all in one view.

    Args:
        vertices: (B, V, 3) metres in the hand's rest frame.
        hand: whose faces they have.
        view: a key of :data:`VIEWS`.
        size: of a tile in pixels.
        center: point of the right hand's rest frame shown in the middle.
        colors: one RGB colour, or (V, 3).

    Returns:
        B pictures (size, size, 3), uint8 BGR.
    """
    middle = torch.tensor(center) * torch.tensor([-1.0 if hand.side == 'left' else 1.0, 1, 1])
    points = (vertices - middle) @ view_rotation(hand.side, view).T
    points = points + torch.tensor([0.0, 0, DISTANCE])
    focal = size * DISTANCE / EXTENT
    intrinsics = torch.tensor([[focal, 0, size / 2], [0, focal, size / 2], [0, 0, 1]])
    color, cover = render_shaded(points, hand.faces, intrinsics, (size, size), colors)
    picture = color * cover[..., None] + (1 - cover[..., None])
    return list((picture.flip(-1) * 255).round().byte().numpy())


def grid(tiles: list[np.ndarray], columns: int, labels: list[str] | None = None) -> np.ndarray:
    """Tiles row by row in one picture, captions below them."""
    if labels:
        strip = np.full((18, tiles[0].shape[1], 3), 255, np.uint8)
        tiles = [np.vstack([tile, strip]) for tile in tiles]
        for tile, label in zip(tiles, labels, strict=True):
            at = (tile.shape[1] // 2 - 4 * len(label), tile.shape[0] - 5)
            cv2.putText(tile, label, at, cv2.FONT_HERSHEY_SIMPLEX, 0.45, 0, 1, cv2.LINE_AA)
    blank = np.full_like(tiles[0], 255)
    tiles = tiles + [blank] * (-len(tiles) % columns)
    rows = [np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)]
    return np.vstack(rows)


def save(path: Path, picture: np.ndarray) -> None:
    """Write a PNG of at most 128 colours, which is a third of the size.

    Raises:
        HandFileError: the file cannot be written.
    """
    try:
        Image.fromarray(picture[..., ::-1]).quantize(128).save(path, optimize=True)
    except OSError as error:
        raise HandFileError(f'{path}: cannot be written ({error})') from error
    print_log(f'{path}: {picture.shape[1]} x {picture.shape[0]}')


def pose(hand: OpenHand, hand_pose: Tensor, betas: Tensor | None = None) -> Tensor:
    """(B, V, 3) vertices without global rotation."""
    count = len(hand_pose)
    betas = torch.zeros(count, hand.num_betas) if betas is None else betas
    return hand(torch.zeros(count, 3), hand_pose, betas).vertices


def gesture_sheet(hands: dict[str, OpenHand], size: int) -> np.ndarray:
    """Every gesture: the right hand in three views, the left in one."""
    tiles, labels = [], []
    views = (('right', 'palm'), ('right', 'back'), ('right', 'thumb'), ('left', 'slant'))
    for name in GESTURES:
        # Counting and free fingers have no one pose: an example is drawn.
        noise = float(name in ('count', 'free'))
        angles = sample_anatomical(1, torch.Generator().manual_seed(8), name, noise)
        for side, view in views:
            hand = hands[side]
            tiles += draw(pose(hand, hand.pose_from_angles(angles)), hand, view, size)
            labels.append(f'{name}, {side}')
    return grid(tiles, 2 * len(views), labels)


def sample_sheet(hands: dict[str, OpenHand], size: int, count: int = 40) -> np.ndarray:
    """Sampled poses of sampled people."""
    generator = torch.Generator().manual_seed(11)
    tiles = []
    for side, hand in hands.items():
        poses = hand.sample_pose(count // 2, generator)
        people = torch.randperm(len(hand.shape_samples), generator=generator)[: count // 2]
        vertices = pose(hand, poses, hand.shape_samples[people])
        tiles.append(draw(vertices, hand, 'slant' if side == 'right' else 'palm', size))
    return grid([tile for pair in zip(*tiles, strict=True) for tile in pair], 10)


def shape_sheet(hands: dict[str, OpenHand], size: int) -> np.ndarray:
    """Every shape component at -2 and +2, both sides.

    Red skin lies outside the average hand brought to the same size and place, blue inside; full
    colour is 3 mm.
    """
    tiles, labels = [], []
    for component in range(hands['right'].num_betas):
        for side, view in (('right', 'back'), ('left', 'palm')):
            hand = hands[side]
            flat = hand.pose_from_angles(torch.zeros(1, 15, 3))
            mean = pose(hand, flat)
            normals = vertex_normals(mean, hand.faces)
            for value in (-2.0, 2.0):
                betas = torch.zeros(1, hand.num_betas)
                betas[0, component] = value
                vertices = pose(hand, flat, betas)
                aligned = similarity_align(vertices, mean)
                out = (((aligned - mean) * normals).sum(-1)[0] / 0.003).clamp(-1, 1)[:, None]
                target = torch.where(out > 0, torch.tensor([0.9, 0.1, 0.1]), torch.tensor(BLUE))
                colors = torch.tensor(SKIN) * (1 - out.abs()) + target * out.abs()
                tiles += draw(vertices, hand, view, size, (0.01, 0.0, 0.0), colors)
                labels.append(f'beta[{component}] = {value:+.0f}')
    return grid(tiles, 8, labels)


def label_sheet(hands: dict[str, OpenHand], size: int) -> np.ndarray:
    """Skinning weights, regions and texture coordinates of the flat and the relaxed hand."""
    hand = hands['right']
    hues = np.arange(16) * 67 % 180
    hsv = np.stack([hues, np.full(16, 150), np.full(16, 240)], -1).astype(np.uint8)
    palette = torch.from_numpy(cv2.cvtColor(hsv[None], cv2.COLOR_HSV2RGB)[0] / 255.0).float()
    palette[0] = torch.tensor([0.8, 0.8, 0.8])
    regions = torch.tensor(REGION_COLORS)[hand.region_labels]
    tiles, labels = [], []
    flat = hand.pose_from_angles(torch.zeros(1, 15, 3))
    for name, colors in (
        ('skinning weights', hand.skinning_weights @ palette),
        ('regions', regions),
    ):
        for view in ('palm', 'back', 'thumb'):
            tiles += draw(pose(hand, flat), hand, view, size, (0.01, 0.0, 0.0), colors)
            labels.append(name)
    chart = np.full((size, size, 3), 255, np.uint8)
    corners = hand.uv[hand.faces_uv].numpy() * (1, -1) * (size - 8) + (4, size - 4)
    cv2.polylines(chart, list(np.round(corners).astype(np.int32)), True, (150, 90, 40))
    return grid([*tiles, chart], 7, [*labels, 'texture'])


def main() -> None:
    """Command line."""
    args = parse_args()
    out = Path(args.out_dir)
    if not out.is_dir():
        raise HandFileError(f'{out}: no such folder; make it or give another with --out-dir')
    hands = {side: OpenHand(side=side) for side in SIDES}
    for name, sheet in (
        ('gestures', gesture_sheet),
        ('samples', sample_sheet),
        ('shapes', shape_sheet),
        ('labels', label_sheet),
    ):
        path = out / f'open_hand_{name}.png'
        save(path, sheet(hands, args.size))


if __name__ == '__main__':
    cli_guard(main)()

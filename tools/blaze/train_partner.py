r"""Train the head that tells where a hand's partner is, on synthetic pairs of hands and single hands.

python tools/synthesis/make_dataset.py --format interhand --hands interacting --num 2000 \
    --splits train --captures 600 --out-dir data/pairs
python tools/synthesis/make_dataset.py --format ho3d --num 2600 --image-size 320x240 \
    --out-dir data/singles
python tools/blaze/train_partner.py data/pairs data/singles --out-dir work_dirs/partner

Maps of the frozen open network are computed once and kept beside the result; training then takes minutes
on one core.
"""

import argparse
from pathlib import Path

from mmhand_flags import ToolParser, start_tool


def parse_args() -> argparse.Namespace:
    parser = ToolParser(__doc__)
    parser.add_argument('pairs', help='synthetic set of two hands in the layout of InterHand2.6M')
    parser.add_argument('singles', help='synthetic set of single hands in the layout of HO3D')
    parser.add_argument('--out-dir', metavar='DIR', type=Path, default=Path('work_dirs/partner'))
    parser.add_argument('--crops', type=int, default=4, help='of each hand of a pair')
    parser.add_argument('--epochs', type=int, default=15)
    parser.add_argument('--seed', type=int, default=0)
    return parser.parse_args()


start_tool(__name__, parse_args)


from collections.abc import Iterator

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from mmengine.utils import track_iter_progress

from mmhand.apis.finding.turned_crops import (
    ANGLE,
    SIZE,
    Picture,
    apply_affines,
    crop_affines,
    crop_batch,
    squares_of_hands,
)
from mmhand.apis.inference import read_image
from mmhand.datasets import HO3DDataset, InterHand26MDataset
from mmhand.models.blaze import BlazeHand, PartnerHead
from mmhand.structures import HAND_MASK_PLANES
from mmhand.utils.atomic_io import atomic_write
from mmhand.utils.errors import HandDataError, cli_guard
from mmhand.utils.safetensors_checkpoint import write_safetensors

CROP = BlazeHand.INPUT_SIZE
#: Less of a hand than this (parts of its area) is not seen well enough to start from; less of a partner
#: than that is no partner.
OWN_SEEN, OTHER_SEEN = 0.4, 0.08
#: A partner's middle is so near to that of the crop, over its side; what lies between is not learned.
NEAR, FAR = 0.8, 1.2
#: Every so many captures are held out.
HELD = 5

#: A picture, the first hand (21, 2), the other or ``None``, whether the first is a left hand, how much
#: of the other is seen, and the capture.
Example = tuple[np.ndarray, np.ndarray, np.ndarray | None, bool, float, int]


def seen_parts(path: str) -> np.ndarray:
    """(2,) visible over whole area of the right and the left hand."""
    mask = cv2.imread(path, cv2.IMREAD_UNCHANGED)
    if mask is None:
        raise HandDataError(f'{path}: no mask; the set has to be a synthetic one')
    areas = [float(((mask >> plane) & 1).sum()) for plane in range(len(HAND_MASK_PLANES))]
    return np.array([areas[1] / max(areas[0], 1), areas[3] / max(areas[2], 1)])


def pairs(data_root: str) -> Iterator[Example]:
    """Every hand of the pairs that is seen well enough."""
    data = InterHand26MDataset(
        data_root=data_root, split='train', subset=dict(hand_type='interacting')
    )
    for row in track_iter_progress(range(len(data))):
        record = data.get_data_info(row)
        points = np.asarray(record['keypoints_2d'], np.float64)[..., :2]
        image, seen = read_image(record['img_path']), seen_parts(record['mask_path'])
        middle, size = points.mean(1), image.shape[1::-1]
        for side in (0, 1):
            inside = ((middle[side] > 0) & (middle[side] < size)).all()
            if seen[side] >= OWN_SEEN and inside:
                yield (
                    image,
                    points[side],
                    points[1 - side],
                    side == 1,
                    seen[1 - side],
                    record['capture'],
                )


def singles(data_root: str) -> Iterator[Example]:
    """Hands without a partner, every other one mirrored."""
    data = HO3DDataset(data_root=data_root, split='train')
    for row in track_iter_progress(range(len(data))):
        record = data.get_data_info(row)
        points = np.array(record['keypoints_2d'][0], np.float64)[:, :2]
        image, left = read_image(record['img_path']), row % 2 == 1
        if left:
            image = np.ascontiguousarray(image[:, ::-1])
            points[:, 0] = image.shape[1] - points[:, 0]
        yield image, points, None, left, 0.0, row


@torch.no_grad()
def collect(
    examples: Iterator[Example], crops: int, network: BlazeHand, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Maps, and joints over the crop's side, of crops that are a little off; left hands mirrored."""
    columns: dict[str, list] = {}
    for image, own, other, left, seen, capture in examples:
        squares = np.repeat(squares_of_hands(own[None]), crops, 0)
        squares[:, :2] += rng.normal(0, 0.03, (crops, 2)) * squares[:, SIZE, None]
        squares[:, SIZE] *= PartnerHead.ZOOM * np.exp(rng.normal(0, 0.07, crops))
        squares[:, ANGLE] += rng.normal(0, 0.12, crops)
        affines = crop_affines(squares, CROP)
        batch = crop_batch([Picture(image)], [0] * crops, affines, CROP)
        places = [
            apply_affines(affines, np.repeat(points[None], crops, 0)) / CROP
            for points in (own, np.full_like(own, np.nan) if other is None else other)
        ]
        if left:
            batch = np.ascontiguousarray(batch[..., ::-1])
            for points in places:
                points[..., 0] = 1 - points[..., 0]
        fine, coarse = network.network_and_maps(torch.from_numpy(batch))[-2:]
        found = dict(
            fine=fine.half(),
            coarse=coarse.half(),
            own=places[0].astype(np.float32),
            other=places[1].astype(np.float32),
            seen=np.full(crops, seen, np.float32),
            capture=np.full(crops, capture, np.int64),
        )
        for name, value in found.items():
            columns.setdefault(name, []).append(np.asarray(value))
    return {name: np.concatenate(parts) for name, parts in columns.items()}


def labelled(data: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """(N,) which crops have a partner, and which tell anything."""
    away = (data['other'].mean(1) - 0.5).abs().amax(1)
    partner = (away < NEAR) & (data['seen'] > OTHER_SEEN)
    return partner, partner | away.isnan() | (away > FAR)


def spans(points: torch.Tensor) -> torch.Tensor:
    """(N,) longer side of hands."""
    return (points.amax(1) - points.amin(1)).amax(1)


def train(head: PartnerHead, data: dict[str, torch.Tensor], epochs: int, seed: int) -> None:
    """Adam with one cycle of the step over batches of 128."""
    torch.manual_seed(seed)
    partner, _ = labelled(data)
    steps = epochs * max(len(partner) // 128, 1)
    optimizer = torch.optim.AdamW(head.parameters(), lr=1e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1.5e-3, total_steps=steps)
    head.train()
    for _ in track_iter_progress(range(steps)):
        rows = torch.randint(len(partner), (128,))
        # The first hand will be read, and not be known, when the head is used.
        own = data['own'][rows] + 0.01 * torch.randn(len(rows), 21, 2)
        found, logits = head(data['fine'][rows].float(), data['coarse'][rows].float(), own)
        there, truth = partner[rows], data['other'][rows]
        error = (found - truth)[there].abs().mean((1, 2)) / spans(truth[there]).clamp_min(0.1)
        loss = F.binary_cross_entropy_with_logits(logits, there.float())
        if len(error):
            loss = loss + 4 * error.mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    head.eval()


@torch.no_grad()
def measure(head: PartnerHead, data: dict[str, torch.Tensor]) -> str:
    """Errors on held-out people, in a sentence."""
    found, logits = head(data['fine'].float(), data['coarse'].float(), data['own'])
    there, _ = labelled(data)
    truth = data['other'][there]
    errors = (found[there] - truth).norm(dim=-1).mean(1) / spans(truth)
    right = ((logits > 0) == there).float().mean()
    return (
        f'{len(there)} crops of held-out people: partner told in {right:.3f}; where there is one, its '
        f'joints are {errors.median():.3f} of its size off (median)'
    )


@cli_guard
def main() -> None:
    """Collect, train, measure, save."""
    args = parse_args()
    args.out_dir.mkdir(parents=True, exist_ok=True)
    path = args.out_dir / 'maps.npz'
    if not path.is_file():
        network, rng = BlazeHand().eval(), np.random.default_rng(args.seed)
        parts = (
            collect(pairs(args.pairs), args.crops, network, rng),
            collect(singles(args.singles), 1, network, rng),
        )
        with atomic_write(path) as file:
            np.savez(file, **{name: np.concatenate([p[name] for p in parts]) for name in parts[0]})
    with np.load(path, allow_pickle=False) as file:
        data = {name: torch.from_numpy(file[name]) for name in file.files}
    tells, held = labelled(data)[1], data['capture'] % HELD == 0
    if not (tells & held).any() or not (tells & ~held).any():
        raise HandDataError(f'{args.pairs}: too few people to hold some of them out')
    torch.manual_seed(args.seed)
    head = PartnerHead(pretrained=None)
    train(
        head, {name: value[tells & ~held] for name, value in data.items()}, args.epochs, args.seed
    )
    print('\n' + measure(head, {name: value[tells & held] for name, value in data.items()}))
    path = args.out_dir / 'blaze_partner.safetensors'
    write_safetensors(path, head.state_dict(), dict(seed=str(args.seed)), half=True)
    print(path)


if __name__ == '__main__':
    main()

"""Train the lifting head of the open hand network on synthetic pictures, and see what it is worth.

python tools/synthesis/make_dataset.py --format ho3d --num 12000 --image-size 320x240 --out-dir data/wide
python tools/blaze/train_lifting.py data/wide --out-dir work_dirs/lifting

Features of the frozen network are computed once and kept beside the result; training then takes minutes
on one core.
"""

import argparse
from pathlib import Path

from mmhand_flags import ToolParser, start_tool


def parse_args() -> argparse.Namespace:
    parser = ToolParser(__doc__)
    parser.add_argument('data_root', help='synthetic set in the layout of HO3D')
    parser.add_argument('--out-dir', metavar='DIR', type=Path, default=Path('work_dirs/lifting'))
    parser.renamed('--out', '--out-dir')
    parser.add_argument('--num', type=int, default=12000, help='pictures to learn from, at most')
    parser.add_argument('--epochs', type=int, default=60)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--landmarks-only', action='store_true', help='lift without features')
    return parser.parse_args()


start_tool(__name__, parse_args)


import numpy as np
import torch
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
from mmhand.datasets import HO3DDataset
from mmhand.hand_models import OpenHand
from mmhand.hand_models.rotations import axis_angle_to_matrix
from mmhand.models.blaze import BlazeHand
from mmhand.models.blaze.lifting_head import LiftingHead, crop_turns, lifted_estimate
from mmhand.utils.atomic_io import atomic_write
from mmhand.utils.errors import HandDataError, cli_guard
from mmhand.utils.safetensors_checkpoint import write_safetensors

CROP = BlazeHand.INPUT_SIZE
BATCH = 32


@torch.no_grad()
def collect(data_root: str, held_out: bool, limit: int, seed: int) -> dict[str, np.ndarray]:
    """Features, landmarks and truth of pictures, each in a crop that is a little off.

    The training split is the one with parameters; every twentieth of its sequences, and with it the
    person, is held out.
    """
    data = HO3DDataset(data_root=data_root, split='train')
    network = BlazeHand().eval()
    rng = np.random.default_rng(seed)
    names = np.array([data.get_data_info(row)['sequence'] for row in range(len(data))])
    held = np.isin(names, np.unique(names)[::20])
    rows = rng.permutation(np.flatnonzero(held == held_out))[:limit]
    columns: dict[str, list] = {}
    for start in track_iter_progress(range(0, len(rows), BATCH)):
        records = [data.get_data_info(int(row)) for row in rows[start : start + BATCH]]
        truth = np.stack([record['keypoints_2d'][0] for record in records]).astype(np.float64)
        squares = squares_of_hands(truth)
        squares[:, :2] += rng.normal(0, 0.04, (len(records), 2)) * squares[:, SIZE, None]
        squares[:, SIZE] *= np.exp(rng.normal(0, 0.08, len(records)))
        squares[:, ANGLE] += rng.normal(0, 0.15, len(records))
        affines = crop_affines(squares, CROP)
        pictures = [Picture(read_image(record['img_path'])) for record in records]
        crops = torch.from_numpy(crop_batch(pictures, range(len(pictures)), affines, CROP))
        feature = network.backbone(crops)[-1]
        located = network.pixel_head(feature).unflatten(1, (21, 3))
        found = dict(
            feature=feature.half(),
            pixels=located[..., :2] / CROP,
            joints=network.joint_head(feature).unflatten(1, (21, 3)),
            presence=network.presence_head(feature)[:, 0].sigmoid(),
        )
        turn = crop_turns(squares, np.stack([np.asarray(r['camera'].K) for r in records]))
        space = np.stack([record['keypoints_3d'][0] for record in records])
        pose = torch.from_numpy(np.stack([record['mano_pose'][0] for record in records]))
        rotations = axis_angle_to_matrix(pose.float().unflatten(1, (16, 3))).numpy()
        rotations[:, 0] = turn @ rotations[:, 0]
        found |= dict(
            true_pixels=apply_affines(affines, truth) / CROP,
            true_joints=(space - space[:, :1]) @ turn.swapaxes(1, 2),
            true_rotations=rotations,
            true_betas=np.stack([record['mano_betas'][0] for record in records]),
        )
        for name, value in found.items():
            columns.setdefault(name, []).append(np.asarray(value))
    return {
        name: np.concatenate(parts).astype(np.float16 if name == 'feature' else np.float32)
        for name, parts in columns.items()
    }


def train(
    head: LiftingHead, data: dict[str, torch.Tensor], hand: OpenHand, epochs: int, seed: int
) -> None:
    """Adam with a cosine decay over batches of 256."""
    torch.manual_seed(seed)
    count = len(data['pixels'])
    steps = epochs * (count // 256)
    optimizer = torch.optim.AdamW(head.parameters(), lr=1e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps)
    head.train()
    for step in track_iter_progress(range(steps)):
        rows = torch.randint(count, (256,))
        batch = {name: value[rows] for name, value in data.items()}
        loss = sum(losses(head, batch, hand).values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step == steps - 1:
            print(f'\nlast loss {loss.item():.4f}')
    head.eval()


def losses(
    head: LiftingHead, batch: dict[str, torch.Tensor], hand: OpenHand
) -> dict[str, torch.Tensor]:
    """Rotations, joints about the wrist, shape, and joints in the crop."""
    side = torch.zeros(len(batch['pixels']), dtype=torch.long)
    rotmats, betas, camera = head(batch['feature'].float(), batch['pixels'], batch['joints'], side)
    joints = lifted_estimate(hand, rotmats, betas).joints
    joints = joints - joints[:, :1]
    seen = joints[..., :2] * camera[:, None, :1].exp() + camera[:, None, 1:]
    return dict(
        rotations=(rotmats - batch['true_rotations']).abs().mean(),
        joints=20 * (joints - batch['true_joints']).abs().mean(),
        betas=0.05 * (betas - batch['true_betas']).abs().mean(),
        pixels=4 * (seen - batch['true_pixels']).abs().mean(),
    )


@torch.no_grad()
def measure(head: LiftingHead, data: dict[str, torch.Tensor], hand: OpenHand) -> dict[str, float]:
    """Errors about the wrist on held-out pictures, millimetres."""
    side = torch.zeros(len(data['pixels']), dtype=torch.long)
    rotmats, betas, _ = head(data['feature'].float(), data['pixels'], data['joints'], side)
    joints = lifted_estimate(hand, rotmats, betas).joints
    joints = joints - joints[:, :1]
    raw = data['joints'] - data['joints'][:, :1]
    error = {'lifted': joints, 'landmarks': raw, 'mean': data['true_joints'].mean(0, keepdim=True)}
    return {
        name: 1e3 * float((value - data['true_joints']).norm(dim=-1).mean())
        for name, value in error.items()
    }


@cli_guard
def main() -> None:
    """Collect, train, measure, save."""
    args = parse_args()
    args.out_dir.mkdir(parents=True, exist_ok=True)
    columns = {}
    for split, limit in (('train', args.num), ('held_out', 600)):
        path = args.out_dir / f'features_{split}.npz'
        if not path.is_file():
            arrays = collect(args.data_root, split == 'held_out', limit, args.seed)
            with atomic_write(path) as file:
                np.savez(file, **arrays)
        with np.load(path, allow_pickle=False) as file:
            columns[split] = {name: torch.from_numpy(file[name]) for name in file.files}
        seen = columns[split]['presence'] > 0.3
        if not seen.any():
            raise HandDataError(f'{args.data_root}: the network sees no hand in split {split}')
        columns[split] = {name: value[seen] for name, value in columns[split].items()}
    hand = OpenHand('right').eval()
    torch.manual_seed(args.seed)
    head = LiftingHead(features=0 if args.landmarks_only else 1152)
    train(head, columns['train'], hand, args.epochs, args.seed)
    for name, value in measure(head, columns['held_out'], hand).items():
        print(f'{name}: {value:.1f} mm about the wrist')
    path = args.out_dir / 'lifting_head.safetensors'
    write_safetensors(path, head.state_dict(), dict(seed=str(args.seed)), half=True)
    print(path)


if __name__ == '__main__':
    main()

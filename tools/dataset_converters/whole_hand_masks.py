"""Render masks of the whole hand, hidden parts included, for HO3D and DexYCB.

    python tools/dataset_converters/whole_hand_masks.py ho3d data/HO3D --split train
    python tools/dataset_converters/whole_hand_masks.py ho3d data/HO3D_v3 --split train --version v3
    python tools/dataset_converters/whole_hand_masks.py dexycb data/DexYCB --split train --setup s0

SPMHand learns from such masks; its authors gave theirs out for HO3D v2 only. A mask is the filled
silhouette of the annotated mesh (MANO needs MMHAND_MANO_ROOT), its wrist at the annotated wrist, 255 on
0, of the picture's size, in ``whole_masks`` below the data set. Masks that exist are kept, so the
command can be stopped and started again. MANO's mesh is open at the wrist; --close-wrist puts a lid on.
"""

import argparse

from mmhand_flags import ToolParser, start_tool


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = ToolParser(__doc__)
    parser.add_argument('dataset', choices=('ho3d', 'dexycb'))
    parser.add_argument('data_root', help='folder of the data set')
    parser.add_argument('--split', default='train')
    parser.add_argument('--version', default='v2', help='of HO3D: v2 or v3')
    parser.add_argument('--setup', default='s0', help='of DexYCB: s0 to s3')
    parser.add_argument('--ann-file', default='', help="HandOccNet's JSON instead of the labels")
    parser.add_argument(
        '--out-dir', metavar='DIR', help='folder of the masks; whole_masks of the data set'
    )
    parser.add_argument('--hand-model', help='type of the hand model; MANO for the real sets')
    parser.add_argument('--batch-size', type=int, default=32)
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--close-wrist', action='store_true', help='fill the hole at the wrist')
    parser.add_argument('--overwrite', action='store_true', help='make masks anew that exist')
    parser.add_argument('--quiet', action='store_true', help='no progress bar')
    parser.renamed('--out', '--out-dir')
    return parser.parse_args(argv)


start_tool(__name__, parse_args)

from pathlib import Path

import cv2
import numpy as np
import torch
from mmengine.utils import ProgressBar

from mmhand.datasets.base_hand_dataset import BaseHandDataset
from mmhand.datasets.dexycb import DexYCBDataset
from mmhand.datasets.ho3d import HO3DDataset
from mmhand.datasets.single_hand import right_hand_model
from mmhand.hand_models.base import HandModel
from mmhand.hand_models.rotations import mirror_axis_angle
from mmhand.renderers import rasterize
from mmhand.synthesis.writers.files import write_image
from mmhand.utils.errors import HandConfigError, HandFileError, cli_guard


def build_dataset(args: argparse.Namespace) -> BaseHandDataset:
    common = dict(
        data_root=args.data_root,
        split=args.split,
        ann_file=args.ann_file,
        hand_model=args.hand_model,
    )
    if args.dataset == 'ho3d':
        if args.split != 'train':
            raise HandConfigError('only the train split of HO3D has poses to render')
        return HO3DDataset(version=args.version, **common)
    return DexYCBDataset(setup=args.setup, **common)


def mask_path(dataset: BaseHandDataset, info: dict, out: str | None) -> Path:
    """Where a sample's mask goes, which is where the data set looks for it."""
    if isinstance(dataset, HO3DDataset):
        name = info['sample_id'].removeprefix(f'{dataset.split}/')
        folder = Path(out) if out else dataset.files.whole_masks
    else:
        folder = Path(out) if out else dataset.whole_masks
        name = info['sample_id'].replace('color_', '')
    return folder / f'{name}.png'


def mesh_faces(hand: HandModel, close_wrist: bool) -> torch.Tensor:
    """(F, 3) faces; a fan over the wrist's ring where it is open and to be closed."""
    if not close_wrist:
        return hand.faces
    ring = hand.wrist_ring
    fan = torch.stack((ring[:1].expand(len(ring) - 2), ring[1:-1], ring[2:]), dim=1)
    return torch.cat((hand.faces, fan))


@torch.no_grad()
def render(
    batch: list[dict], hand: HandModel, faces: torch.Tensor, size: tuple[int, int]
) -> np.ndarray:
    """(B, H, W) bool masks of samples, left hands as mirrored right ones."""
    device = hand.faces.device
    sides = [int(info['hand_type'] == 'left') for info in batch]

    def stacked(key: str) -> torch.Tensor:
        rows = [info[key][side] for info, side in zip(batch, sides, strict=True)]
        return torch.from_numpy(np.stack(rows)).to(device)

    left = torch.tensor(sides, device=device)[:, None] > 0
    pose = stacked('mano_pose')
    pose = torch.where(left, mirror_axis_angle(pose), pose)
    output = hand(pose[:, :3], pose[:, 3:], stacked('mano_betas'))
    flip = torch.where(left, pose.new_tensor([-1.0, 1.0, 1.0]), pose.new_ones(3))
    vertices = (output.vertices - output.joints[:, :1]) * flip[:, None]
    vertices = vertices + stacked('keypoints_3d')[:, :1]
    K = torch.from_numpy(np.stack([info['camera']['K'] for info in batch])).to(device)
    return rasterize(vertices, faces, K, size).mask.cpu().numpy()


def picture_size(path: str) -> tuple[int, int]:
    image = cv2.imread(path)
    if image is None:
        raise HandFileError(f'cannot read {path}')
    return image.shape[:2]


@cli_guard
def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    dataset = build_dataset(args)
    hand = right_hand_model(args.hand_model, args.data_root).to(args.device)
    faces = mesh_faces(hand, args.close_wrist)
    # All pictures of either set have one size.
    size = picture_size(dataset.get_data_info(0)['img_path'])
    bar = ProgressBar(len(dataset)) if not args.quiet else None
    made, batch, paths = 0, [], []

    def flush() -> None:
        for path, mask in zip(paths, render(batch, hand, faces, size), strict=True):
            write_image(path, mask.astype(np.uint8) * 255)
        batch.clear()
        paths.clear()

    for row in range(len(dataset)):
        info = dataset.get_data_info(row)
        path = mask_path(dataset, info, args.out_dir)
        if args.overwrite or not path.is_file():
            batch.append(info)
            paths.append(path)
            made += 1
        if len(batch) == args.batch_size or (batch and row == len(dataset) - 1):
            flush()
        if bar:
            bar.update()
    print(f'{"" if args.quiet else chr(10)}{made} masks made, {len(dataset) - made} kept')


if __name__ == '__main__':
    main()

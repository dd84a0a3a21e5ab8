"""Write HandOccNet's annotation files (COCO style) from HO3D's or DexYCB's official files.

    python tools/dataset_converters/handoccnet_json.py ho3d data/HO3D_v3 --version v3 \
        --split train --out HO3D_v3_train_data.json
    python tools/dataset_converters/handoccnet_json.py dexycb data/DexYCB --setup s0 --split test \
        --out DEX_YCB_s0_test_data.json

mmhand needs none of them; they are for the authors' own code, whose script for making them was never
published. Joints are in manopth's order, metres, OpenCV's axes; poses are relative to the mean pose.
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
    parser.add_argument('--hand-model', help='type of the hand model; MANO for the real sets')
    parser.add_argument('--out', metavar='FILE', required=True, help='file to write')
    return parser.parse_args(argv)


start_tool(__name__, parse_args)

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from mmhand.datasets.base_hand_dataset import BaseHandDataset
from mmhand.datasets.dexycb import DexYCBDataset
from mmhand.datasets.ho3d import HO3DDataset
from mmhand.synthesis.writers.files import write_json
from mmhand.utils.errors import HandFileError, cli_guard


def build_dataset(args: argparse.Namespace) -> BaseHandDataset:
    common = dict(data_root=args.data_root, split=args.split, hand_model=args.hand_model)
    if args.dataset == 'ho3d':
        return HO3DDataset(version=args.version, **common)
    return DexYCBDataset(setup=args.setup, **common)


def annotation(info: dict, number: int) -> dict:
    """One entry of ``annotations``."""
    side = int(info['hand_type'] == 'left')
    K = info['camera']['K'].astype(float)
    record = {
        'id': number,
        'image_id': number,
        'cam_param': {'focal': [K[0, 0], K[1, 1]], 'princpt': [K[0, 2], K[1, 2]]},
    }
    joints = info['keypoints_3d'][side]
    if info['dataset'] == 'dexycb':
        record['hand_type'] = info['hand_type']
        record['joints_img'] = info['keypoints_2d'][side].tolist()
    if 'mano_pose' in info:
        record['joints_coord_cam'] = joints.tolist()
        pose, shape = info['mano_pose'][side], info['mano_betas'][side]
        record['mano_param'] = {'pose': pose.tolist(), 'shape': shape.tolist()}
    else:
        record['root_joint_cam'] = joints[0].tolist()
        record['bbox'] = info['bbox'].tolist()
    return record


def image_names(dataset: BaseHandDataset, infos: list[dict]) -> Iterator[str]:
    """Paths as HandOccNet's files have them, relative to the folder of the split or subjects."""
    for info in infos:
        path = Path(info['img_path'])
        depth = 3 if isinstance(dataset, HO3DDataset) else 4
        yield '/'.join(path.parts[-depth:])


@cli_guard
def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    dataset = build_dataset(args)
    infos = [dataset.get_data_info(row) for row in range(len(dataset))]
    picture = cv2.imread(infos[0]['img_path'])
    if picture is None:
        raise HandFileError(f'cannot read {infos[0]["img_path"]}')
    height, width = np.asarray(picture.shape[:2]).tolist()
    images = [
        {'id': number, 'file_name': name, 'height': height, 'width': width}
        for number, name in enumerate(image_names(dataset, infos))
    ]
    annotations = [annotation(info, number) for number, info in enumerate(infos)]
    write_json(Path(args.out), {'images': images, 'annotations': annotations})
    print(f'{len(annotations)} annotations written to {args.out}')


if __name__ == '__main__':
    main()

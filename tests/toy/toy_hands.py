"""A data set, a model and a metric small enough to train in a second; used by several tests."""

import json
import os
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseDataPreprocessor, BaseModel
from torch import nn

from mmhand.registry import DATASETS, METRICS, MODELS
from mmhand.structures import HandDataSample, HandInstances
from mmhand.utils.errors import HandDataError, HandFileError

SIZE = 32
CAMERA = np.array([[60.0, 0, SIZE / 2], [0, 60.0, SIZE / 2], [0, 0, 1]], dtype=np.float32)


def write_toy_data(folder: Path, count: int = 8) -> Path:
    """Pictures with a bright spot where the wrist is, and joints around it."""
    rng = np.random.default_rng(0)
    records = []
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        joints = rng.normal(0, 0.03, (21, 3)) + [*rng.uniform(-0.08, 0.08, 2), 0.5]
        uv = (joints @ CAMERA.T)[:, :2] / joints[:, 2:]
        image = rng.integers(0, 60, (SIZE, SIZE, 3), dtype=np.uint8)
        cv2.circle(image, tuple(map(round, uv[0].tolist())), 3, (255, 255, 255), -1)
        cv2.imwrite(str(folder / f'{index}.png'), image)
        records.append({'image': f'{index}.png', 'joints': joints.tolist(), 'uv': uv.tolist()})
    (folder / 'annotations.json').write_text(json.dumps(records))
    return folder


@DATASETS.register_module()
class ToyHands(torch.utils.data.Dataset):
    split = 'train'
    data_version = '1.0'
    metainfo = {'dataset_name': 'toy', 'weights': np.ones(3)}

    def __init__(self, data_root, delay=0.0):
        self.data_root = Path(data_root)
        self.delay = delay
        ann_file = self.data_root / 'annotations.json'
        if not ann_file.is_file():
            raise HandFileError(f'annotation file {ann_file} does not exist; check data_root')
        self.records = json.loads(ann_file.read_text())

    def full_init(self):
        """mmengine's wrappers ask for it."""

    def __len__(self):
        return len(self.records)

    def __getitem__(self, index):
        time.sleep(self.delay)
        record = self.records[index]
        path = self.data_root / record['image']
        image = cv2.imread(str(path))
        if image is None:
            raise HandDataError(f'picture {path} cannot be read')
        sample = HandDataSample(
            metainfo={
                'img_path': str(path),
                'sample_id': f'toy/{index}',
                'camera': {'K': CAMERA, 'affine': np.eye(2, 3, dtype=np.float32)},
                'ori_shape': image.shape[:2],
                'img_shape': image.shape[:2],
            }
        )
        sample.gt_hands = HandInstances(
            side=torch.tensor([0]),
            keypoints_3d=torch.tensor(record['joints'])[None],
            keypoints_2d=torch.tensor(record['uv'])[None],
            keypoint_valid=torch.ones(1, 21),
            bbox=torch.tensor([[4.0, 4.0, 20.0, 20.0]]),
        )
        return {'inputs': torch.from_numpy(image).permute(2, 0, 1), 'data_samples': sample}


@MODELS.register_module()
class ToyPreprocessor(BaseDataPreprocessor):
    def forward(self, data, training=False):
        data = self.cast_data(data)
        return {**data, 'inputs': torch.stack(data['inputs']).float() / 255}


@MODELS.register_module()
class ToyEstimator(BaseModel):
    """One convolution, one normalisation, one linear layer."""

    def __init__(self, width=4, data_preprocessor=None, init_cfg=None):
        super().__init__(data_preprocessor or {'type': 'ToyPreprocessor'}, init_cfg)
        self.conv = nn.Conv2d(3, width, 3, stride=4)
        self.norm = nn.BatchNorm2d(width)
        self.head = nn.LazyLinear(63) if width is None else nn.Linear(width * 64, 63)

    def tensor(self, inputs):
        features = torch.relu(self.norm(self.conv(inputs))).flatten(1)
        return self.head(features).view(-1, 1, 21, 3) * 0.1 + inputs.new_tensor([0, 0, 0.5])

    def forward(self, inputs, data_samples=None, mode='tensor'):
        joints = self.tensor(inputs)
        if mode == 'tensor':
            return {'joints': joints}
        if mode == 'loss':
            target = torch.stack([s.gt_hands.keypoints_3d for s in data_samples])
            return {'loss_joints': 10 * (joints - target).abs().mean()}
        for sample, hand in zip(data_samples, joints.detach().cpu(), strict=True):
            sample.pred_hands = HandInstances(side=torch.tensor([0]), keypoints_3d=hand)
        return data_samples


@METRICS.register_module()
class ToyMetric(BaseMetric):
    default_prefix = 'toy'
    protocol = 'toy-root-none'

    def process(self, data_batch, data_samples):
        for sample in data_samples:
            error = sample['pred_hands']['keypoints_3d'] - sample['gt_hands']['keypoints_3d'].cpu()
            self.results.append(error.norm(dim=-1).mean().item() * 1000)

    def compute_metrics(self, results):
        return {'MPJPE': float(np.mean(results)), 'nan_metric': float('nan')}


def touch_and_exit():
    """What a malicious checkpoint would run."""
    os.system('touch PWNED')

"""InterHand2.6M v1.0 (Moon et al., ECCV 2020): images, four annotation files a split, masks."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from mmhand.structures import (
    bbox_from_points,
    convert_joints,
    get_joint_set,
    square_bbox_interhand,
)
from mmhand.structures.sides import SIDES
from mmhand.utils.errors import HandConfigError

from ..camera_rig import Camera, sample_rig
from ..config import SynthesisConfig
from ..rng import stream
from ..sample import SyntheticSample
from .base import SYNTHESIS_WRITERS, DatasetWriter, rounded
from .files import write_bytes, write_json, write_json_list

_JOINT_SET = 'interhand42'

#: Standard deviation of the made-up RootNet depths, metres.
_ROOTNET_NOISE = 0.02


@SYNTHESIS_WRITERS.register_module(name='interhand')
class InterHandWriter(DatasetWriter):
    """InterHand2.6M's layout.

    Beside the official files it writes ``masks/`` and ``depth/``, which mirror the images' paths,
    ``annotations/aid_human_annot_<split>.txt`` (every other frame counts as human-annotated) and
    ``rootnet_output/`` results of an imagined RootNet (ground-truth depth with 2 cm of noise).
    """

    name = 'interhand'
    splits = {'train': 0.8, 'val': 0.1, 'test': 0.1}

    def sample_files(self, split: str, sample: SyntheticSample) -> dict[str, Path]:
        """Image, mask and depth of a sample."""
        stem = self._stem(sample)
        return {
            'image': Path('images') / split / f'{stem}.jpg',
            'mask': Path('masks') / split / f'{stem}.png',
            'depth': Path('depth') / split / f'{stem}.png',
        }

    def _stem(self, sample: SyntheticSample) -> str:
        sequence = _sequence(sample)
        return f'Capture{sample.capture}/{sequence}/cam{sample.camera.name}/image{sample.frame}'

    def make_record(self, split: str, sample: SyntheticSample) -> dict[str, Any]:
        """Everything that the four annotation files say about a sample."""
        width, height = sample.camera.size
        world = np.ones((2, 21, 3))
        pixels = np.zeros((2, 21, 2))
        present = np.zeros(2, bool)
        mano: dict[str, Any] = {'right': None, 'left': None}
        depth = [0.0, 0.0]
        for hand in sample.hands:
            side = SIDES.index(hand.side)
            present[side] = True
            world[side] = hand.joints * 1000
            pixels[side] = sample.joints_2d(hand)
            depth[side] = float(sample.joints_camera(hand)[0, 2] * 1000)
            mano[hand.side] = {
                'pose': rounded(hand.pose, 8),
                'shape': rounded(hand.betas, 8),
                'trans': rounded(hand.trans, 8),
            }
        inside = ((pixels >= 0) & (pixels <= (width - 1, height - 1))).all(-1)
        seen = _order(present[:, None] & inside)
        if not seen.any():
            seen = _order(np.repeat(present[:, None], 21, 1))
        return {
            'index': sample.index,
            'capture': sample.capture,
            'frame': sample.frame,
            'hand_type': sample.hand_type,
            'image': {
                'file_name': f'{self._stem(sample)}.jpg',
                'width': width,
                'height': height,
                'capture': sample.capture,
                'subject': sample.capture,
                'seq_name': _sequence(sample),
                'camera': sample.camera.name,
                'frame_idx': sample.frame,
            },
            'bbox': rounded(bbox_from_points(_order(pixels), seen, scale=1.2), 4),
            'joint_valid': seen.astype(int)[:, None].tolist(),
            'joint_3d': {
                'world_coord': rounded(_order(world), 4),
                'joint_valid': _order(np.repeat(present[:, None], 21, 1))[:, None].tolist(),
                'hand_type': sample.hand_type,
                'hand_type_valid': True,
            },
            'mano': mano,
            'wrist_depth': depth,
        }

    def write_index(self, split: str, records: Iterable[dict[str, Any]]) -> None:
        """Write the annotation files of a split."""
        images, annotations, human = [], [], []
        joints: dict[str, dict] = {}
        mano: dict[str, dict] = {}
        for record in records:
            number = record['index']
            images.append({'id': number, **record['image']})
            annotations.append(
                {
                    'id': number,
                    'image_id': number,
                    'bbox': record['bbox'],
                    'joint_valid': record['joint_valid'],
                    'hand_type': record['hand_type'],
                    'hand_type_valid': 1,
                }
            )
            capture, frame = str(record['capture']), str(record['frame'])
            joints.setdefault(capture, {})[frame] = record['joint_3d']
            mano.setdefault(capture, {})[frame] = record['mano']
            if record['frame'] % 2 == 0:
                human.append(number)
        folder = self.out / 'annotations'
        stem = folder / split / f'InterHand2.6M_{split}'
        write_json(_named(stem, 'camera'), self._cameras(split, joints))
        write_json(_named(stem, 'joint_3d'), joints)
        write_json(_named(stem, 'MANO_NeuralAnnot'), mano)
        write_json(_named(stem, 'data'), {'images': images, 'annotations': annotations})
        write_bytes(
            folder / f'aid_human_annot_{split}.txt', ''.join(f'{n}\n' for n in human).encode()
        )
        write_bytes(folder / 'skeleton.txt', _skeleton().encode())
        write_bytes(folder / 'subject.txt', self._subjects().encode())
        write_json_list(
            self.out / 'rootnet_output' / f'rootnet_interhand2.6m_output_{split}.json',
            (self._rootnet(split, record) for record in records),
        )

    def _cameras(self, split: str, captures: dict[str, dict]) -> dict[str, dict]:
        return {
            capture: _camera_entries(sample_rig(self.config, self.split_seed(split), int(capture)))
            for capture in captures
        }

    def _subjects(self) -> str:
        lines = ['# capture subject: one made-up person per capture and split']
        lines += [f'{capture} {capture}' for capture in range(self.config.captures)]
        return '\n'.join(lines) + '\n'

    def _rootnet(self, split: str, record: dict[str, Any]) -> dict[str, Any]:
        rng = stream(self.split_seed(split), 'rootnet', record['index'])
        noise = rng.normal(0, 1000 * _ROOTNET_NOISE, 2)
        depth = [d + n if d else 0.0 for d, n in zip(record['wrist_depth'], noise, strict=True)]
        return {
            'annot_id': record['index'],
            'bbox': rounded(square_bbox_interhand(np.array(record['bbox']), 1.25), 4),
            'abs_depth': rounded(np.array(depth), 3),
        }

    @classmethod
    def check_config(cls, config: SynthesisConfig) -> None:
        """InterHand's cameras are calibrated once per capture: the rig has to stay where it is."""
        super().check_config(config)
        if config.framing != 'rig':
            raise HandConfigError('format interhand needs framing "rig": one calibration a capture')


def _order(stacked: np.ndarray) -> np.ndarray:
    """Canonical (2, 21, ...) right and left as InterHand's (42, ...)."""
    return convert_joints(stacked.reshape(42, *stacked.shape[2:]), 'canonical42', _JOINT_SET, 0)


def _named(stem: Path, what: str) -> Path:
    return stem.with_name(f'{stem.name}_{what}.json')


def _sequence(sample: SyntheticSample) -> str:
    """Sequence of a sample: frames of a capture that show the same kind of scene."""
    kind = 'dh' if sample.hand_type == 'interacting' else f'{sample.hand_type[0]}h'
    return f'{sample.frame // 100:04d}_{kind}_{sample.meeting}'


def _camera_entries(rig: list[Camera]) -> dict[str, dict]:
    return {
        'campos': {camera.name: rounded(camera.center * 1000, 8) for camera in rig},
        'camrot': {camera.name: rounded(camera.R, 12) for camera in rig},
        'focal': {camera.name: rounded(np.diag(camera.K)[:2], 8) for camera in rig},
        'princpt': {camera.name: rounded(camera.K[:2, 2], 8) for camera in rig},
    }


def _skeleton() -> str:
    joint_set = get_joint_set(_JOINT_SET)
    lines = ['# joint_name joint_id joint_parent_id']
    lines += [
        f'{name} {index} {parent}'
        for index, (name, parent) in enumerate(
            zip(joint_set.joints, joint_set.parents, strict=True)
        )
    ]
    return '\n'.join(lines) + '\n'

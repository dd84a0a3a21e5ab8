"""DexYCB (Chao et al., CVPR 2021): ten subjects, eight cameras, labels in archives."""

import io
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
import yaml

from mmhand.datasets.dexycb.files import SERIALS, SUBJECTS
from mmhand.structures import bbox_from_points
from mmhand.structures.sides import SIDES
from mmhand.utils.errors import HandConfigError

from ..camera_rig import Camera, sample_rig
from ..config import SynthesisConfig
from ..hand_sampling import HandState, sample_betas
from ..person import Person
from ..rng import derive_seed
from ..sample import SyntheticSample
from .base import SYNTHESIS_WRITERS, DatasetWriter, rounded
from .files import write_bytes, write_image

_HAND, _OBJECT = 255, 1

#: Name of the one rig.
_RIG = 'synthetic'

#: Grasps of one object; the last one is held out in setup s0.
_GRASPS = 5


@SYNTHESIS_WRITERS.register_module(name='dexycb')
class DexYCBWriter(DatasetWriter):
    """DexYCB's layout; samples are spread over the splits of setup s0.

    Every capture is one recording of one subject by eight cameras; subjects that have nothing to
    show in between get empty recordings, so that the toolkit's counting of recordings holds. Give
    numbers of samples that are multiples of 8 times the captures to have all cameras in all frames.
    ``whole_masks/`` holds masks of the whole hand.

    The ten subjects are ten people: shape, skin and sleeves of a subject are the same in all splits and
    recordings, and both hands of each are calibrated. From one recording of a subject to the next the
    hand changes sides.
    """

    name = 'dexycb'
    splits: ClassVar[dict[str, float]] = {'train': 0.8, 'val': 0.05, 'test': 0.15}
    defaults: ClassVar[dict[str, Any]] = dict(
        hands='single',
        image_size=(640, 480),
        turn_cameras=False,
        views=8,
        cameras=8,
        captures=10,
        grey_cameras=0.0,
        occluder_prob=0.8,
        studio=True,
    )

    @classmethod
    def check_config(cls, config: SynthesisConfig) -> None:
        """DexYCB has one hand in every picture and the same eight cameras throughout."""
        super().check_config(config)
        if config.hands != 'single' or not config.studio or config.cameras > len(SERIALS):
            raise HandConfigError('format dexycb holds single hands seen by at most 8 cameras')
        if max(_recording(s, config.captures - 1)[1] for s in cls.splits) >= 100:
            raise HandConfigError('format dexycb has room for 100 recordings of each subject only')

    def person(self, split: str, capture: int) -> Person:
        """The subject of a capture, with one hand or the other."""
        subject, _, number = _recording(split, capture)
        sides = self.config.sides
        return replace(self._subject(subject), side=sides[(subject + number) % len(sides)])

    def _subject(self, subject: int) -> Person:
        return Person(derive_seed(self.seed, 'subjects'), subject)

    def _sequence(self, split: str, capture: int) -> tuple[str, str]:
        subject, index, _ = _recording(split, capture)
        return SUBJECTS[subject], _sequence_name(subject, index)

    def _frame(self, split: str, sample: SyntheticSample) -> tuple[str, str, str, int]:
        """Subject, sequence, camera and number of a sample."""
        serial = SERIALS[_slot(sample.camera)]
        number = sample.frame // self.config.captures
        return (*self._sequence(split, sample.capture), serial, number)

    def sample_files(self, split: str, sample: SyntheticSample) -> dict[str, Path]:
        """Image, depth, label and whole mask of a sample."""
        subject, sequence, serial, number = self._frame(split, sample)
        folder = Path(subject) / sequence / serial
        return {
            'image': folder / f'color_{number:06d}.jpg',
            'aligned': folder / f'aligned_depth_to_color_{number:06d}.png',
            'label': folder / f'labels_{number:06d}.npz',
            'whole': 'whole_masks' / folder / f'{number:06d}.png',
        }

    def write_file(self, kind: str, path: Path, sample: SyntheticSample) -> None:
        """Write one of a sample's files."""
        side = sample.hands[0].side
        if kind == 'aligned':
            millimetres = np.clip(np.rint(1000 * sample.depth), 0, 65535).astype(np.uint16)
            write_image(path, millimetres, (cv2.IMWRITE_PNG_COMPRESSION, 1))
        elif kind == 'whole':
            write_image(path, sample.plane(f'{side}_amodal').astype(np.uint8) * 255)
        elif kind == 'label':
            stream = io.BytesIO()
            np.savez_compressed(stream, **self._label(sample))
            write_bytes(path, stream.getvalue())
        else:
            super().write_file(kind, path, sample)

    def _label(self, sample: SyntheticSample) -> dict[str, np.ndarray]:
        hand = sample.hands[0]
        pixels = sample.joints_2d(hand)
        box = bbox_from_points(pixels)
        width, height = sample.camera.size
        seg = sample.plane('object_visible').astype(np.uint8) * np.uint8(_OBJECT)
        seg[sample.plane(f'{hand.side}_visible')] = _HAND
        seen = box[0] < width and box[1] < height and (box[:2] + box[2:] > 0).all()
        pose, trans = sample.camera_parameters(hand)
        coefficients = _coefficients(hand)
        label = {
            'seg': seg,
            'pose_y': np.zeros((1, 3, 4), np.float32),
            'pose_m': np.concatenate([pose[:3], coefficients, trans])[None].astype(np.float32),
            'joint_3d': sample.joints_camera(hand)[None].astype(np.float32),
            'joint_2d': pixels[None].astype(np.float32),
        }
        if not seen:  # as the official labels mark frames without a hand
            label['pose_m'] = np.zeros_like(label['pose_m'])
            label['joint_3d'] = np.full_like(label['joint_3d'], -1)
            label['joint_2d'] = np.full_like(label['joint_2d'], -1)
        return label

    def make_record(self, split: str, sample: SyntheticSample) -> dict[str, Any]:
        """What the recording's ``meta.yml`` and ``pose.npz`` need."""
        hand = sample.hands[0]
        return {
            'capture': sample.capture,
            'side': hand.side,
            'number': sample.frame // self.config.captures,
            'pose': self._world_pose(hand),
        }

    def _world_pose(self, hand: HandState) -> list:
        """51 numbers of a hand in the frame of ``pose.npz``: wrist, coefficients, translation."""
        pose = np.concatenate([hand.pose[:3], _coefficients(hand)])
        return rounded(np.concatenate([pose, hand.trans]), 8)

    def write_index(self, split: str, records: Iterable[dict[str, Any]]) -> None:
        """Write calibration and what each recording has, those without pictures too."""
        poses: dict[int, dict[int, list]] = {}
        sides: dict[int, str] = {}
        for record in records:
            poses.setdefault(record['capture'], {})[record['number']] = record['pose']
            sides[record['capture']] = record['side']
        for capture, frames in poses.items():
            subject, index, _ = _recording(split, capture)
            folder = self.out / SUBJECTS[subject] / _sequence_name(subject, index)
            count, side = max(frames) + 1, sides[capture]
            _write_yaml(folder / 'meta.yml', self._meta(count, side, subject))
            stream = io.BytesIO()
            zero = [0.0] * 51
            rows = np.array([[frames.get(number, zero)] for number in range(count)], np.float32)
            np.savez_compressed(stream, pose_m=rows, pose_y=np.zeros((count, 1, 7), np.float32))
            write_bytes(folder / 'pose.npz', stream.getvalue())
        last = max(_recording(s, c)[1] for s in self.splits for c in range(self.config.captures))
        for subject, name in enumerate(SUBJECTS):
            for index in range(last + 1):
                path = self.out / name / _sequence_name(subject, index) / 'meta.yml'
                if not path.is_file():
                    _write_yaml(path, self._meta(0, 'right', subject))
        self._write_calibration()

    def _write_calibration(self) -> None:
        folder = self.out / 'calibration'
        for subject in range(len(SUBJECTS)):
            person = self._subject(subject)
            betas = sample_betas(self.config, person.seed, person.number)
            for side in SIDES:
                name = f'mano_{_calibration(subject, side)}'
                _write_yaml(folder / name / 'mano.yml', {'betas': rounded(betas, 8)})
        width, height = self.config.image_size
        extrinsics = {}
        for camera in sample_rig(self.config, 0, 0):
            fx, fy, cx, cy = (float(camera.K[i]) for i in ((0, 0), (1, 1), (0, 2), (1, 2)))
            content = {'color': {'fx': fx, 'fy': fy, 'ppx': cx, 'ppy': cy}}
            serial = SERIALS[_slot(camera)]
            _write_yaml(folder / 'intrinsics' / f'{serial}_{width}x{height}.yml', content)
            # From the camera to the world, row by row.
            pose = np.concatenate([camera.R.T, camera.center[:, None]], axis=1)
            extrinsics[serial] = rounded(pose.reshape(-1), 8)
        content = {'extrinsics': extrinsics, 'master': SERIALS[0]}
        _write_yaml(folder / f'extrinsics_{_RIG}' / 'extrinsics.yml', content)

    def _meta(self, num_frames: int, side: str, subject: int) -> dict[str, Any]:
        return {
            'serials': list(SERIALS[: self.config.cameras]),
            'num_frames': num_frames,
            'extrinsics': _RIG,
            'mano_sides': [side],
            'mano_calib': [_calibration(subject, side)],
            'ycb_ids': [_OBJECT],
            'ycb_grasp_ind': 0,
        }


def _slot(camera: Camera) -> int:
    return int(camera.name[-3:])


def _recording(split: str, capture: int) -> tuple[int, int, int]:
    """Subject of a capture, place among its recordings so that it falls into the split of s0, and a
    number that goes up by one from one of the subject's recordings to the next."""
    held_out = _GRASPS - 1
    if split == 'val':
        return capture % 2, held_out + _GRASPS * (capture // 2), 1 + capture // 2
    if split == 'test':
        return 2 + capture % 8, held_out + _GRASPS * (capture // 8), 1 + capture // 8
    number = capture // len(SUBJECTS)
    block, grasp = divmod(number, held_out)
    return capture % len(SUBJECTS), grasp + _GRASPS * block, number


def _calibration(subject: int, side: str) -> str:
    """Name of a hand's calibration."""
    date, name = SUBJECTS[subject].split('-', 1)
    return f'{date}_120000_{name}_{side}'


def _sequence_name(subject: int, index: int) -> str:
    return f'{SUBJECTS[subject][:8]}_1400{index:02d}'


def _write_yaml(path: Path, content: dict[str, Any]) -> None:
    write_bytes(path, yaml.safe_dump(content, sort_keys=True).encode())


def _coefficients(hand: HandState) -> np.ndarray:
    """(45,) of the hand model's principal components."""
    return np.linalg.solve(hand.model.hand_components.double().numpy().T, hand.pose[3:])

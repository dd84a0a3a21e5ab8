"""HUMBI's hands (Yu et al., CVPR 2020): right hands of many people, crops of 250 pixels, text files."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np

from mmhand.datasets.humbi.files import (
    CALIBRATION,
    CROP_SIDE,
    EXCLUDED,
    HEADER_LINES,
    IMAGE_FOLDER,
    RECONSTRUCTION,
    image_name,
)
from mmhand.datasets.transforms.cut_hand_box import cut
from mmhand.structures import bbox_from_points
from mmhand.utils.errors import HandConfigError

from ..camera_rig import Camera, sample_rig
from ..config import SynthesisConfig
from ..hand_sampling import HandState
from ..sample import SyntheticSample
from .base import SYNTHESIS_WRITERS, DatasetWriter, rounded
from .files import write_bytes, write_image

#: Side of a crop over the longer side of the hand's box.
_MARGIN = 1.4


@SYNTHESIS_WRITERS.register_module(name='humbi')
class HUMBIWriter(DatasetWriter):
    """HUMBI's layout: ``subject_K/hand/FRAME`` with crops and reconstruction, and the cameras' files.

    Each capture is a subject with a rig of its own; which subjects are for training is said by the
    splits of :class:`~mmhand.datasets.HUMBIDataset`, not by the files. As in HUMBI a pose has 20
    principal components and people differ in the first shape component only.
    """

    name = 'humbi'
    splits: ClassVar[dict[str, float]] = {'all': 1.0}
    defaults: ClassVar[dict[str, Any]] = dict(
        hands='single',
        sides=('right',),
        image_size=(512, 384),
        turn_cameras=False,
        views=4,
        cameras=12,
        captures=20,
        grey_cameras=0.0,
        occluder_prob=0.0,
        pose_components=20,
        shape_components=1,
    )

    @classmethod
    def check_config(cls, config: SynthesisConfig) -> None:
        """HUMBI's crops show one right hand, and its cameras stay where they are."""
        super().check_config(config)
        if config.hands != 'single' or config.sides != ('right',) or config.framing != 'rig':
            raise HandConfigError('format humbi holds single right hands seen by a rig')
        if config.pose_components != 20:
            raise HandConfigError('format humbi has poses of 20 components')

    def sample_files(self, split: str, sample: SyntheticSample) -> dict[str, Path]:
        """The crop."""
        folder = self._frame_folder(sample.capture, sample.frame)
        return {'crop': folder / IMAGE_FOLDER / image_name(_number(sample.camera))}

    def _frame_folder(self, capture: int, frame: int) -> Path:
        return _subject_folder(capture) / f'{1 + frame // self.config.captures:08d}'

    def write_file(self, kind: str, path: Path, sample: SyntheticSample) -> None:
        """Write the crop."""
        left, right, top, bottom = _crop_box(sample)
        picture = cut(sample.image, left, top, right, bottom)
        write_image(path, cv2.resize(picture, (CROP_SIDE, CROP_SIDE), interpolation=cv2.INTER_AREA))

    def make_record(self, split: str, sample: SyntheticSample) -> dict[str, Any]:
        """What the lists and the reconstruction say."""
        hand = sample.hands[0]
        return {
            'capture': sample.capture,
            'frame': sample.frame,
            'list': [_number(sample.camera), *_crop_box(sample)],
            'keypoints': rounded(hand.joints, 8),
            'vertices': rounded(hand.vertices, 8),
            'mano': self._parameters(hand),
        }

    def _parameters(self, hand: HandState) -> list:
        """36 numbers: translation, wrist, 20 coefficients, shape; in the world."""
        model = hand.model
        basis = model.hand_components[: self.config.pose_components].double().numpy()
        coefficients = hand.pose[3:] @ np.linalg.pinv(basis)
        return rounded(np.concatenate([hand.trans, hand.pose[:3], coefficients, hand.betas]), 8)

    def write_index(self, split: str, records: Iterable[dict[str, Any]]) -> None:
        """Write the lists, reconstructions and cameras."""
        lists: dict[Path, list[str]] = {}
        captures = set()
        for record in records:
            folder = self._frame_folder(record['capture'], record['frame'])
            if folder not in lists:
                for key, name in RECONSTRUCTION.items():
                    _write_rows(self.out / folder / name, np.array(record[key]))
            lists.setdefault(folder, []).append(' '.join(map(str, record['list'])))
            captures.add(record['capture'])
        for folder, lines in lists.items():
            text = '\n'.join(lines) + '\n'
            write_bytes(self.out / folder / IMAGE_FOLDER / 'list.txt', text.encode())
        for capture in sorted(captures):
            rig = sample_rig(self.config, self.split_seed(split), capture)
            self._write_cameras(self.out / _subject_folder(capture), rig)

    @staticmethod
    def _write_cameras(folder: Path, rig: list[Camera]) -> None:
        for kind, name in CALIBRATION.items():
            lines = [f'NumCameras {len(rig)}', 'NumFrames 1', f'NumP {len(rig)}']
            assert len(lines) == HEADER_LINES
            for camera in rig:
                outer = np.concatenate([camera.R, camera.t[:, None]], axis=1)
                rows = {
                    'intrinsic': camera.K,
                    'extrinsic': np.concatenate([camera.center[None], camera.R]),
                    'project': camera.K @ outer,
                }[kind]
                lines += [f'0 {_number(camera)}', *_text(rows)]
            write_bytes(folder / name, ('\n'.join(lines) + '\n').encode())


def _subject_folder(capture: int) -> Path:
    """Subjects count from one and leave out those that HUMBI has nothing of."""
    number = capture + 1
    number += sum(number >= excluded for excluded in EXCLUDED)
    return Path(f'subject_{number}') / 'hand'


def _number(camera: Camera) -> int:
    return int(camera.name[-3:])


def _crop_box(sample: SyntheticSample) -> tuple[int, int, int, int]:
    """xmin, xmax, ymin, ymax of a square about the hand, whole pixels."""
    x, y, w, h = bbox_from_points(sample.camera.project(sample.hands[0].vertices)).tolist()
    side = round(_MARGIN * max(w, h))
    left, top = round(x + w / 2 - side / 2), round(y + h / 2 - side / 2)
    return left, left + side, top, top + side


def _text(rows: np.ndarray) -> list[str]:
    return [' '.join(f'{value:.8f}' for value in row) for row in rows]


def _write_rows(path: Path, values: np.ndarray) -> None:
    rows = values if values.ndim == 2 else values[:, None]
    write_bytes(path, ('\n'.join(_text(rows)) + '\n').encode())

"""SHREC'17 track (De Smedt et al.): hand gestures as depth sequences with skeletons."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
import torch

from mmhand.cameras import project_depth
from mmhand.structures import get_joint_set

from ..depth_scene import DepthFrame, DepthSceneConfig, pose_hand, render_pose, upright
from ..gesture_motion import gesture_motion
from ..mesh_ops import rotation_about
from ..rng import stream
from .base import SYNTHESIS_WRITERS
from .depth import DepthWriter, mirrored, text_rows
from .files import write_bytes, write_image

_GESTURES, _KINDS = 14, 28

#: Person numbers of the test split begin after these.
_PEOPLE = 20


@dataclass
class GestureSample:
    """A sequence.

    Attributes:
        index: of the sequence in its split.
        gesture, finger, subject, trial: of its folder.
        frames: depth of every frame; none without pictures.
        joints: (T, 21, 3) canonical, of the hand as the sensor sees it (a left one), metres.
    """

    index: int
    gesture: int
    finger: int
    subject: int
    trial: int
    frames: list[DepthFrame]
    joints: np.ndarray

    @property
    def folder(self) -> Path:
        """Folder of the sequence."""
        return (
            Path(f'gesture_{self.gesture}')
            / f'finger_{self.finger}'
            / f'subject_{self.subject}'
            / f'essai_{self.trial}'
        )


@SYNTHESIS_WRITERS.register_module(name='shrec')
class SHRECWriter(DepthWriter):
    """SHREC'17's layout; a sample is a whole sequence of a gesture, in one of its two ways.

    ``gesture_G/finger_F/subject_S/essai_E/FRAME_depth.png``, ``skeletons_image.txt``,
    ``skeletons_world.txt``, lists ``train_gestures.txt`` and ``test_gestures.txt``. Skeletons are a few
    millimetres off, as the sensor's own are. With ``pictures`` off only they are written, which is all
    that a classifier of skeletons reads and a hundred times quicker. No person is in both splits.
    """

    name = camera = 'shrec'
    distance = (0.4, 0.6)
    splits: ClassVar[dict[str, float]] = {'train': 0.7, 'test': 0.3}
    defaults: ClassVar[dict[str, Any]] = DepthWriter.depth_defaults('shrec')

    def render(self, split: str, index: int) -> GestureSample:
        """Draw a sequence."""
        seed = self.split_seed(split)
        people = min(self.config.captures, _PEOPLE)
        rest, kind = divmod(index, _KINDS)
        trial, person = divmod(rest, people)
        finger, gesture = divmod(kind, _GESTURES)
        rng = stream(seed, 'gesture', index)
        motion = gesture_motion(gesture + 1, finger + 1, int(rng.integers(20, 45)), rng)
        hand = self.config.models[0]
        poses = hand.pose_from_angles(torch.from_numpy(motion.angles).float()).numpy()
        axis = rng.standard_normal(3)
        tilt = rotation_about(axis / np.linalg.norm(axis), rng.normal(0, 0.15))
        # The picture of a left hand is this one turned over: so are the gestures' directions.
        flip = np.diag([-1.0, 1.0, 1.0])
        base = tilt @ upright(back=False)
        orients = [flip @ turn @ flip @ base for turn in motion.turn]
        start = np.array([*rng.uniform(-0.05, 0.05, 2), rng.uniform(*self.distance)])
        places = start + motion.shift @ flip
        scene = DepthSceneConfig(
            self.camera, self.distance, hand_model=self.config.hand_model, sensor=self.config.sensor
        )
        frames, joints = [], []
        for number, (orient, pose, place) in enumerate(zip(orients, poses, places, strict=True)):
            if self.config.pictures:
                seen = render_pose(seed, number, scene, person, orient, pose, place, 0.0, rng)
                frames.append(mirrored(seen))
                joints.append(frames[-1].joints[0])
                continue
            points = pose_hand(seed, scene, person, orient, pose)[1]
            joints.append((points - points.mean(0) + place) @ flip)
        noisy = np.stack(joints) + _smooth_noise(rng, len(joints))
        subject = person + 1 + (_PEOPLE if split == 'test' else 0)
        return GestureSample(index, gesture + 1, finger + 1, subject, trial + 1, frames, noisy)

    def sample_files(self, split: str, sample: GestureSample) -> dict[str, Path]:
        """Pictures and skeletons."""
        files = {
            f'depth{number}': sample.folder / f'{number}_depth.png'
            for number in range(len(sample.frames))
        }
        for kind in ('image', 'world'):
            files[kind] = sample.folder / f'skeletons_{kind}.txt'
        return files

    def write_file(self, kind: str, path: Path, sample: GestureSample) -> None:
        """A picture, or the skeletons in the picture or in space."""
        if kind.startswith('depth'):
            picture = sample.frames[int(kind[5:])].depth[0]
            write_image(path, picture, (cv2.IMWRITE_PNG_COMPRESSION, 3))
            return
        points = _shrec_points(sample.joints)
        if kind == 'image':
            points = project_depth(points, self.camera)[..., :2]
        write_bytes(path, text_rows(points.reshape(len(points), -1).tolist(), 6))

    def make_record(self, split: str, sample: GestureSample) -> dict[str, Any]:
        """A row of the list."""
        label28 = sample.gesture + (_GESTURES if sample.finger == 2 else 0)
        row = [sample.gesture, sample.finger, sample.subject, sample.trial]
        return {'row': [*row, sample.gesture, label28, len(sample.joints)]}

    def write_index(self, split: str, records: Iterable[dict[str, Any]]) -> None:
        """The list of sequences."""
        lines = [' '.join(map(str, record['row'])) for record in records]
        write_bytes(self.out / f'{split}_gestures.txt', '\n'.join([*lines, '']).encode())

    def depth_picture(self, frame: GestureSample) -> np.ndarray:
        """The middle frame."""
        if not frame.frames:
            return np.zeros((480, 640), np.uint8)
        return super().depth_picture(frame.frames[len(frame.frames) // 2])


def _shrec_points(joints: np.ndarray) -> np.ndarray:
    """(T, 22, 3): the palm between wrist and middle finger is inserted."""
    canonical = get_joint_set('canonical')
    palm = (joints[:, canonical.index('wrist')] + joints[:, canonical.index('middle1')]) / 2
    return np.concatenate([joints[:, :1], palm[:, None], joints[:, 1:]], axis=1)


def _smooth_noise(rng: np.random.Generator, frames: int) -> np.ndarray:
    """(T, 21, 3) metres, which changes slowly and jitters."""
    slow = rng.normal(0, 0.003, (frames // 8 + 2, 21, 3))
    at = np.linspace(0, len(slow) - 1.001, frames)
    low = at.astype(int)
    share = (at - low)[:, None, None]
    return (1 - share) * slow[low] + share * slow[low + 1] + rng.normal(0, 0.001, (frames, 21, 3))

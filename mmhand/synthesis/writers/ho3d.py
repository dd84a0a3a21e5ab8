"""HO3D v2 and v3 (Hampali et al., CVPR 2020): right hands, a pickle a frame, OpenGL's axes."""

import io
import pickle
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
import torch

from mmhand.cameras import opengl_to_opencv, opengl_to_opencv_rotation
from mmhand.hand_models.rotations import matrix_to_axis_angle
from mmhand.structures import bbox_from_points, convert_joints
from mmhand.utils.errors import HandConfigError

from ..config import SynthesisConfig
from ..hand_sampling import HandState
from ..sample import SyntheticSample
from .base import SYNTHESIS_WRITERS, DatasetWriter, rounded
from .files import write_bytes, write_image, write_json_list

#: Sequences are named after the subject and the object, as HO3D's.
_OBJECTS = (
    ('SM', '006_mustard_bottle'),
    ('SB', '021_bleach_cleanser'),
    ('AP', '019_pitcher_base'),
    ('MC', '003_cracker_box'),
    ('SS', '004_sugar_box'),
)


@SYNTHESIS_WRITERS.register_module(name='ho3d')
class HO3DWriter(DatasetWriter):
    """HO3D v2's layout: ``train`` and ``evaluation``, each ``SEQ/{rgb,meta,seg}``, and their lists.

    Poses are relative to the flat hand, everything is in OpenGL's camera frame, joints are in HO3D's
    order. Evaluation pickles hold the box and the wrist only; its ground truth is in
    ``evaluation_xyz.json`` and ``evaluation_verts.json`` as published. ``whole_masks/`` holds the
    masks SPMHand's authors made, ``masks/`` and ``depth/`` all planes and the depth.
    """

    name = 'ho3d'
    splits: ClassVar[dict[str, float]] = {'train': 0.85, 'evaluation': 0.15}
    defaults: ClassVar[dict[str, Any]] = dict(
        hands='single',
        sides=('right',),
        image_size=(640, 480),
        turn_cameras=False,
        views=1,
        captures=16,
        grey_cameras=0.0,
        occluder_prob=0.8,
    )
    #: Suffixes of pictures and visible masks; BGR channel of the hand in the latter.
    rgb_suffix: ClassVar[str] = '.png'
    mask_suffix: ClassVar[str] = '.jpg'
    mask_channel: ClassVar[int] = 2

    @classmethod
    def check_config(cls, config: SynthesisConfig) -> None:
        """HO3D has one right hand in every picture."""
        super().check_config(config)
        if config.hands != 'single' or config.sides != ('right',):
            raise HandConfigError(f'format {cls.name} holds single right hands only')

    def _frame(self, split: str, sample: SyntheticSample) -> tuple[str, str]:
        """Sequence and frame name of a sample."""
        prefix, _ = _OBJECTS[sample.capture % len(_OBJECTS)]
        number = sample.capture + (0 if split == 'train' else 100)
        return f'{prefix}{number}', f'{sample.index:04d}'

    def sample_files(self, split: str, sample: SyntheticSample) -> dict[str, Path]:
        """Image, annotation, masks and depth of a sample."""
        sequence, name = self._frame(split, sample)
        folder = Path(split) / sequence
        files = {
            'image': folder / 'rgb' / f'{name}{self.rgb_suffix}',
            'meta': folder / 'meta' / f'{name}.pkl',
            'whole': Path('whole_masks') / split / sequence / f'{name}.png',
            'mask': Path('masks') / split / sequence / f'{name}.png',
            'depth': Path('depth') / split / sequence / f'{name}.png',
        }
        if split == 'train':
            files['visible'] = folder / 'seg' / f'{name}{self.mask_suffix}'
        return files

    def write_file(self, kind: str, path: Path, sample: SyntheticSample) -> None:
        """Write one of a sample's files."""
        if kind == 'meta':
            write_bytes(path, _pickled(self._meta(path.parts[-4], sample)))
        elif kind == 'whole':
            write_image(path, sample.plane('right_amodal').astype(np.uint8) * 255)
        elif kind == 'visible':
            picture = np.zeros((*sample.mask.shape, 3), np.uint8)
            picture[..., self.mask_channel] = sample.plane('right_visible') * 255
            # The object gets a channel of its own that is not the hand's.
            picture[..., 1] = sample.plane('object_visible') * 255
            write_image(path, picture, (cv2.IMWRITE_JPEG_QUALITY, 95))
        else:
            super().write_file(kind, path, sample)

    def _meta(self, split: str, sample: SyntheticSample) -> dict[str, Any]:
        hand = sample.hands[0]
        joints = _ho3d_joints(sample, hand)
        common = dict(
            camMat=sample.camera.K.copy(),
            objRot=np.zeros((3, 1)),
            objTrans=np.zeros(3),
            objName=_OBJECTS[sample.capture % len(_OBJECTS)][1],
            objCorners3DRest=np.zeros((8, 3)),
        )
        if split == 'evaluation':
            x, y, w, h = bbox_from_points(sample.joints_2d(hand), scale=1.2)
            box = [x, y, x + w, y + h]
            return dict(common, handJoints3D=joints[0], handBoundingBox=box)
        mean = hand.model.hand_mean.double().numpy()
        pose, trans = _opengl_parameters(sample, hand, mean)
        return dict(
            common,
            handJoints3D=joints,
            handPose=pose,
            handTrans=trans,
            handBeta=hand.betas.astype(np.float64),
        )

    def make_record(self, split: str, sample: SyntheticSample) -> dict[str, Any]:
        """A line of the list, and the ground truth of an evaluation frame."""
        record: dict[str, Any] = {'frame': '/'.join(self._frame(split, sample))}
        if split == 'evaluation':
            hand = sample.hands[0]
            vertices = opengl_to_opencv(sample.camera.to_camera(hand.vertices))
            record['xyz'] = rounded(_ho3d_joints(sample, hand), 8)
            record['verts'] = rounded(vertices, 7)
        return record

    def write_index(self, split: str, records: Iterable[dict[str, Any]]) -> None:
        """Write the list of frames, sorted as the official ones, and the published ground truth."""
        order = sorted(range(len(names := [r['frame'] for r in records])), key=names.__getitem__)
        write_bytes(self.out / f'{split}.txt', ('\n'.join(names[i] for i in order) + '\n').encode())
        if split == 'evaluation':
            kept = list(records)
            for kind in ('xyz', 'verts'):
                path = self.out / f'evaluation_{kind}.json'
                write_json_list(path, (kept[i][kind] for i in order))


@SYNTHESIS_WRITERS.register_module(name='ho3d_v3')
class HO3DV3Writer(HO3DWriter):
    """HO3D v3's layout: as v2's, with JPEG pictures and PNG masks, the hand in the blue channel."""

    name = 'ho3d_v3'
    rgb_suffix = '.jpg'
    mask_suffix = '.png'
    mask_channel = 0


def _ho3d_joints(sample: SyntheticSample, hand: HandState) -> np.ndarray:
    """(21, 3) joints in HO3D's order and OpenGL's camera frame, metres."""
    return opengl_to_opencv(convert_joints(sample.joints_camera(hand), 'canonical', 'ho3d'))


def _opengl_parameters(
    sample: SyntheticSample, hand: HandState, mean: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Pose (48,) relative to the flat hand and translation (3,), OpenGL's camera frame."""
    rotation = opengl_to_opencv_rotation(sample.camera.R @ hand.rotation)
    wrist = matrix_to_axis_angle(torch.from_numpy(rotation)[None])[0].numpy()
    fingers = hand.pose[3:] + mean
    moved = opengl_to_opencv(sample.camera.to_camera(hand.trans + hand.rest_wrist))
    return np.concatenate([wrist, fingers]), moved - hand.rest_wrist


def _pickled(content: dict[str, Any]) -> bytes:
    """Protocol 2, as files written by Python 2."""
    stream = io.BytesIO()
    pickle.dump(content, stream, protocol=2)
    return stream.getvalue()

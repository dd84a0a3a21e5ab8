"""ObMan (Hasson et al., CVPR 2019): 256 x 256 pictures of single hands with objects."""

import io
import pickle
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np

from mmhand.cameras import opengl_to_opencv
from mmhand.datasets.obman.obman import INTRINSICS, LABELS
from mmhand.utils.errors import HandConfigError

from ..config import SynthesisConfig
from ..sample import SyntheticSample
from .base import SYNTHESIS_WRITERS, DatasetWriter
from .files import write_bytes, write_image

_OBJECT, _SIZE = 100, 256


@SYNTHESIS_WRITERS.register_module(name='obman')
class ObManWriter(DatasetWriter):
    """ObMan's layout: ``SPLIT/{rgb,segm,meta}/%08d``, one camera for all pictures.

    The synthetic cameras differ from picture to picture; pictures and masks are warped to ObMan's.
    """

    name = 'obman'
    splits: ClassVar[dict[str, float]] = {'train': 0.8, 'val': 0.1, 'test': 0.1}
    defaults: ClassVar[dict[str, Any]] = dict(
        hands='single',
        image_size=(_SIZE, _SIZE),
        turn_cameras=False,
        views=1,
        captures=16,
        framing='crop',
        grey_cameras=0.0,
        occluder_prob=0.8,
    )

    @classmethod
    def check_config(cls, config: SynthesisConfig) -> None:
        """ObMan has one hand in pictures of 256 x 256."""
        super().check_config(config)
        if config.hands != 'single' or config.image_size != (_SIZE, _SIZE):
            raise HandConfigError('format obman holds single hands in pictures of 256x256 only')

    def sample_files(self, split: str, sample: SyntheticSample) -> dict[str, Path]:
        """Image, segmentation and annotation of a sample."""
        name = f'{sample.index:08d}'
        return {
            'image': Path(split) / 'rgb' / f'{name}.jpg',
            'segm': Path(split) / 'segm' / f'{name}.png',
            'meta': Path(split) / 'meta' / f'{name}.pkl',
        }

    def write_file(self, kind: str, path: Path, sample: SyntheticSample) -> None:
        """Write one of a sample's files."""
        affine = _to_obman(sample)
        if kind == 'image':
            image = cv2.warpAffine(
                sample.image, affine, (_SIZE, _SIZE), borderMode=cv2.BORDER_REPLICATE
            )
            write_image(path, image, (cv2.IMWRITE_JPEG_QUALITY, 93))
        elif kind == 'segm':
            picture = cv2.warpAffine(_segm(sample), affine, (_SIZE, _SIZE), flags=cv2.INTER_NEAREST)
            write_image(path, picture)
        else:
            stream = io.BytesIO()
            pickle.dump(_meta(sample), stream, protocol=2)
            write_bytes(path, stream.getvalue())

    def make_record(self, split: str, sample: SyntheticSample) -> dict[str, Any]:
        """ObMan has no annotation files beside its pickles."""
        return {'index': sample.index}

    def write_index(self, split: str, records: Iterable[dict[str, Any]]) -> None:
        """Nothing to write."""


def _to_obman(sample: SyntheticSample) -> np.ndarray:
    """(2, 3) affine of the sample's pixels to those of ObMan's camera."""
    return (INTRINSICS @ np.linalg.inv(sample.camera.K))[:2]


def _segm(sample: SyntheticSample) -> np.ndarray:
    side = sample.hands[0].side
    label = LABELS[side][0]
    picture = np.zeros((*sample.mask.shape, 3), np.uint8)
    thing, seen = sample.plane('object_visible'), sample.plane(f'{side}_visible')
    picture[thing, 0] = picture[thing, 2] = _OBJECT
    picture[seen, 0] = label
    picture[sample.plane(f'{side}_amodal'), 1] = label
    return picture


def _meta(sample: SyntheticSample) -> dict[str, Any]:
    hand = sample.hands[0]
    joints = sample.joints_camera(hand)
    pixels = joints @ INTRINSICS.T
    return {
        'coords_3d': opengl_to_opencv(joints).astype(np.float32),
        'coords_2d': (pixels[:, :2] / pixels[:, 2:]).astype(np.float32),
        'verts_3d': opengl_to_opencv(sample.camera.to_camera(hand.vertices)).astype(np.float32),
        'side': hand.side,
        'hand_pose': hand.pose[3:].astype(np.float32),
        'pca_pose': np.zeros(45, np.float32),
        'shape': hand.betas.astype(np.float32),
        'class_id': '02876657',
        'sample_id': f'{sample.index:08d}',
        'affine_transform': np.eye(4),
        'obj_scale': 1.0,
    }

"""FreiHAND v2 (Zimmermann et al., ICCV 2019): single right hands, 224 x 224, annotations in lists."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np

from mmhand.structures import get_joint_set
from mmhand.utils.errors import HandConfigError

from ..config import SynthesisConfig
from ..sample import SyntheticSample
from .base import SYNTHESIS_WRITERS, DatasetWriter, rounded
from .files import write_image, write_json_list

#: FreiHAND's root, and the bone whose length is a hand's scale: the middle finger's first one.
_ROOT, _BONE = 'middle1', ('middle1', 'middle2')


@SYNTHESIS_WRITERS.register_module(name='freihand')
class FreiHandWriter(DatasetWriter):
    """FreiHAND's layout: ``training/rgb/%08d.jpg`` and ``training_{K,xyz,mano,verts,scale}.json``.

    Of FreiHAND's four versions of a training picture only the first (``gs``) is written, so the
    number of pictures equals the number of annotations. ``evaluation`` has the same files, the
    published ground truth included. Official ``training/mask`` files hold the visible hand; ``masks/``
    and ``depth/`` mirror ``rgb`` with all planes and the depth. ``SPLIT_subject.json``, which FreiHAND
    has not, says whose hand it is: each capture has a person of its own, whose shape does not change.

    A ``mano`` row holds 48 pose numbers (axis-angle, mean not added), the shape, the root's pixel
    (2) and a scale s: the root lies at ``[u - cx, v - cy, f] / s`` with f the mean focal length.
    """

    name = 'freihand'
    splits: ClassVar[dict[str, float]] = {'training': 0.9, 'evaluation': 0.1}
    defaults: ClassVar[dict[str, Any]] = dict(
        hands='single',
        sides=('right',),
        image_size=(224, 224),
        turn_cameras=False,
        views=1,
        captures=32,
        framing='crop',
        grey_cameras=0.0,
        occluder_prob=0.45,
    )

    @classmethod
    def check_config(cls, config: SynthesisConfig) -> None:
        """FreiHAND has one right hand in every picture."""
        super().check_config(config)
        if config.hands != 'single' or config.sides != ('right',):
            raise HandConfigError('format freihand holds single right hands only: use hands single')

    def sample_files(self, split: str, sample: SyntheticSample) -> dict[str, Path]:
        """Image, masks and depth of a sample."""
        name = f'{sample.index:08d}'
        files = {
            'image': Path(split) / 'rgb' / f'{name}.jpg',
            'mask': Path('masks') / split / 'rgb' / f'{name}.png',
            'depth': Path('depth') / split / 'rgb' / f'{name}.png',
        }
        if split == 'training':
            files['visible'] = Path(split) / 'mask' / f'{name}.jpg'
        return files

    def write_file(self, kind: str, path: Path, sample: SyntheticSample) -> None:
        """Write one of a sample's files; ``visible`` is FreiHAND's own mask."""
        if kind != 'visible':
            return super().write_file(kind, path, sample)
        mask = sample.plane('right_visible').astype(np.uint8) * 255
        return write_image(path, mask, (cv2.IMWRITE_JPEG_QUALITY, 95))

    def make_record(self, split: str, sample: SyntheticSample) -> dict[str, Any]:
        """One entry of each annotation list."""
        hand = sample.hands[0]
        joints = sample.joints_camera(hand)
        canonical = get_joint_set('canonical')
        pose, _ = sample.camera_parameters(hand)
        root = canonical.index(_ROOT)
        bone = [canonical.index(name) for name in _BONE]
        focal = float(np.diag(sample.camera.K)[:2].mean())
        center = sample.camera.K[:2, 2]
        # FreiHAND lifts the root with one focal length; its pixel is chosen to come back exactly.
        scale = focal / joints[root, 2]
        pixel = joints[root, :2] * scale + center
        mano = np.concatenate([pose, hand.betas, pixel, [scale]])
        return {
            'index': sample.index,
            'K': rounded(sample.camera.K, 8),
            'xyz': rounded(joints, 8),
            'verts': rounded(sample.camera.to_camera(hand.vertices), 7),
            'mano': [rounded(mano, 8)],
            'subject': f'{split}-{sample.capture}',
            'scale': round(float(np.linalg.norm(joints[bone[0]] - joints[bone[1]])), 8),
        }

    def write_index(self, split: str, records: Iterable[dict[str, Any]]) -> None:
        """Write the annotation lists of a split."""
        for key in ('K', 'xyz', 'verts', 'mano', 'scale', 'subject'):
            write_json_list(self.out / f'{split}_{key}.json', (record[key] for record in records))

"""Sets of 2D joints in COCO's layout: pictures, boxes and joints, and nothing in 3D."""

import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log

from mmhand.datasets.base_hand_dataset import BaseHandDataset
from mmhand.datasets.flat_record import flat_record
from mmhand.datasets.store.annotation_store import AnnotationStore, StoreWriter
from mmhand.datasets.subset_values import chosen_side
from mmhand.registry import DATASETS
from mmhand.structures.sides import SIDES
from mmhand.utils.errors import HandConfigError, HandFileError

from .store import UNKNOWN, VERSION, build_coco_store


@DATASETS.register_module()
class CocoHandDataset(BaseHandDataset):
    """Any COCO-style file of hand joints: ``images``, ``annotations`` with ``keypoints`` and ``bbox``.

    A sample is one hand. It has ``keypoints_2d`` and ``keypoint_valid``, but no ``keypoints_3d``, no
    hand parameters and no camera: see docs/en/own_data.md for what that means to models and metrics. A
    hand whose side is not told (``hand_type`` in the record) is taken for a right one,
    ``hand_type_valid`` 0.

    Besides these keys a sample has ``annotation_id`` and, in Panoptic, ``head_size`` (pixels).

    ``subset`` keys: ``hand_type``: ``'right'`` or ``'left'``.

    Args:
        data_root: folder that ``ann_file`` and the pictures start from.
        split: which of the class's files; no effect where ``ann_file`` is given.
        ann_file: the file, relative to ``data_root``.
        img_dir: folder of the pictures, relative to ``data_root``; by default ``data_root`` itself.
        joint_set: order of the file's joints; by default the class's.
        kwargs: of :class:`BaseHandDataset`.

    Raises:
        HandConfigError, HandFileError, HandDataError: see :class:`BaseHandDataset`.
    """

    METAINFO: dict = dict(dataset_name='coco_hands', joint_set='canonical')
    SPLITS = ('train', 'val', 'test')
    SUBSET_KEYS = ('hand_type',)
    STORE_VERSION = VERSION

    #: Order of the joints, files of the splits as mmpose's releases name them, folder of the pictures.
    JOINT_SET = 'canonical'
    FILES: Mapping[str, str] = {}
    PICTURES = ''
    #: Whether a record holds both hands of a person.
    WHOLE_BODY = False
    #: Side of all hands of the set, where it has one only.
    SIDE: str | None = None

    def __init__(
        self,
        data_root: str = '',
        split: str = 'train',
        subset: Mapping[str, Any] | None = None,
        ann_file: str = '',
        img_dir: str | None = None,
        joint_set: str | None = None,
        **kwargs: Any,
    ) -> None:
        self._file = ann_file or self.FILES.get(split, '')
        if not self._file:
            raise HandConfigError(
                f'{type(self).__name__} has no split "{split}"; give ann_file, or one of '
                f'{", ".join(self.FILES) or "none"}'
            )
        self._pictures = self.PICTURES if img_dir is None else img_dir
        self.joint_set = joint_set or self.JOINT_SET
        super().__init__(data_root=data_root, split=split, subset=subset, **kwargs)

    @property
    def store_name(self) -> str:
        """One store a file."""
        return f'{super().store_name}_{Path(self._file).stem}_{self.joint_set}'

    def source_files(self) -> Mapping[str, Path | None]:
        """See :class:`BaseHandDataset`."""
        path = Path(self.data_root) / self._file
        if not path.is_file():
            raise HandFileError(
                f'{path} is missing: data_root must be the folder of {type(self).__name__}, or ann_file '
                'name its COCO-style file'
            )
        return {'annotations': path}

    def build_store(
        self,
        writer: StoreWriter,
        sources: Mapping[str, Path | None],
        progress: Callable[[int], None],
    ) -> None:
        """See :func:`.store.build_coco_store`."""
        path = sources['annotations']
        side = self.side_of_picture
        build_coco_store(writer, path, self.joint_set, progress, self.WHOLE_BODY, side)
        if writer.info['empty']:
            print_log(
                f'{path}: {writer.info["empty"]} hands without a marked joint are left out',
                logger='current',
                level=logging.WARNING,
            )

    def side_of_picture(self, name: str) -> str | None:
        """Side of a hand by the picture's name; ``None``: unknown."""
        return self.SIDE

    def select_rows(self, store: AnnotationStore) -> np.ndarray:
        """Rows of the subset, in the order of the file."""
        sides = store['hand']['side']
        side = chosen_side(self.subset)
        if side is None:
            return np.arange(len(sides))
        return np.flatnonzero(sides == SIDES.index(side))

    def read_row(self, store: AnnotationStore, row: int) -> dict:
        """See :class:`BaseHandDataset`."""
        hand = store['hand']
        side, head = int(hand['side'][row]), float(hand['head'][row])
        name, number = hand['name'][row], int(hand['id'][row])
        known = side != UNKNOWN
        return flat_record(
            side=SIDES[side] if known else 'right',
            side_known=known,
            keypoints_2d=hand['keypoints'][row],
            valid=hand['valid'][row],
            bbox=hand['bbox'][row],
            picture_size=tuple(hand['size'][row].tolist()),
            sample_id=f'{self.split}/{number}{"_left" if self.WHOLE_BODY and side == 1 else ""}',
            img_path=os.path.join(self.data_root, self._pictures, name),
            dataset=self._metainfo['dataset_name'],
            annotation_id=number,
            **({} if np.isnan(head) else dict(head_size=head)),
        )


@DATASETS.register_module()
class FreiHAND2DDataset(CocoHandDataset):
    """FreiHAND's pictures in mmpose's split (``freihand_{train,val,test}.json``): right hands."""

    METAINFO: dict = dict(dataset_name='freihand2d', joint_set='canonical')
    FILES = {split: f'annotations/freihand_{split}.json' for split in ('train', 'val', 'test')}
    SIDE = 'right'


@DATASETS.register_module()
class OneHand10KDataset(CocoHandDataset):
    """OneHand10K (Wang et al., 2018) as ``onehand10k_{train,test}.json``; sides are not told."""

    METAINFO: dict = dict(dataset_name='onehand10k', joint_set='canonical')
    SPLITS = ('train', 'test')
    FILES = {split: f'annotations/onehand10k_{split}.json' for split in ('train', 'test')}


@DATASETS.register_module()
class PanopticHandDataset(CocoHandDataset):
    """CMU Panoptic's annotated hands (Simon et al., 2017) as ``panoptic_{train,test}.json``.

    Names of pictures end in ``_l`` or ``_r``, which tells the side.
    """

    METAINFO: dict = dict(dataset_name='panoptic', joint_set='canonical')
    SPLITS = ('train', 'test')
    FILES = {split: f'annotations/panoptic_{split}.json' for split in ('train', 'test')}

    def side_of_picture(self, name: str) -> str | None:
        """``_l`` and ``_r``."""
        return {'_l': 'left', '_r': 'right'}.get(Path(name).stem[-2:])


@DATASETS.register_module()
class RHD2DDataset(CocoHandDataset):
    """The rendered hands of RHD (Zimmermann and Brox, 2017), ``rhd_{train,test}.json``, tip to base."""

    METAINFO: dict = dict(dataset_name='rhd2d', joint_set='canonical', synthetic=True)
    SPLITS = ('train', 'test')
    FILES = {split: f'annotations/rhd_{split}.json' for split in ('train', 'test')}
    JOINT_SET = 'rhd21'


@DATASETS.register_module()
class CocoWholeBodyHandDataset(CocoHandDataset):
    """Hands of COCO-WholeBody (Jin et al., 2020), ``coco_wholebody_{train,val}_v1.0.json``."""

    METAINFO: dict = dict(dataset_name='coco_wholebody_hand', joint_set='canonical')
    SPLITS = ('train', 'val')
    FILES = {split: f'annotations/coco_wholebody_{split}_v1.0.json' for split in ('train', 'val')}
    WHOLE_BODY = True

    def __init__(
        self, data_root: str = '', split: str = 'train', img_dir: str | None = None, **kwargs: Any
    ) -> None:
        folder = f'{split}2017' if img_dir is None else img_dir
        super().__init__(data_root=data_root, split=split, img_dir=folder, **kwargs)

"""ObMan (Hasson et al., CVPR 2019): rendered right and left hands that grasp objects."""

import os
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mmhand.datasets.base_hand_dataset import BaseHandDataset
from mmhand.datasets.single_hand import model_name, right_hand_model, single_hand_record
from mmhand.datasets.store.annotation_store import AnnotationStore, StoreWriter
from mmhand.datasets.subset_values import chosen_flag, chosen_side
from mmhand.datasets.transforms.load_soft_hand_masks import MaskSource
from mmhand.registry import DATASETS
from mmhand.utils.errors import HandFileError

from .store import VERSION, build_obman_store

#: Intrinsics of all pictures, 256 x 256.
INTRINSICS = np.array([[480.0, 0.0, 128.0], [0.0, 480.0, 128.0], [0.0, 0.0, 1.0]])

#: Values of ``segm`` that are hand: the right and the left one's.
LABELS = {'right': (22, 24), 'left': (21, 23)}

#: BGR channels of ``segm``: hand and object as seen; the hand alone.
_SEEN, _ALONE = 0, 1


@DATASETS.register_module()
class ObManDataset(BaseHandDataset):
    """ObMan in its released layout: ``SPLIT/{rgb,segm,meta}/%08d``.

    Visible and whole masks come with the set (channels 0 and 1 of ``segm``). Its pickles hold the
    mesh, the finger pose and the shape but not the wrist's rotation in the camera; it is found when
    the annotations are first read, as the rotation that takes the posed hand model to the mesh
    (:mod:`.obman_store`), which also says how the finger pose is meant. Samples whose mesh no hand
    model explains have ``mano_valid`` 0 and are left out with ``subset=dict(mano=True)``.

    Besides the keys of :class:`BaseHandDataset` a sample has ``mask_sources`` (see
    :class:`.transforms.LoadSoftHandMasks`), ``vertices`` (2, V, 3) and ``hand_model``.

    ``subset`` keys: ``hand_type``: ``'right'`` or ``'left'``; ``mano``: only samples with parameters.

    Args:
        data_root: folder of the splits, or with ``obman`` that has them.
        split: ``'train'``, ``'val'`` or ``'test'``.
        hand_model: config (without ``side``) of the model that the meshes are of. ``None``: MANO, or
            what a synthetic set names.
        kwargs: of :class:`BaseHandDataset`.

    Raises:
        HandConfigError, HandFileError, HandDataError: see :class:`BaseHandDataset`.
    """

    METAINFO: dict = dict(dataset_name='obman', joint_set='canonical', synthetic=True)

    SUBSET_KEYS = ('hand_type', 'mano')

    def __init__(
        self,
        data_root: str = '',
        split: str = 'train',
        subset: Mapping[str, Any] | None = None,
        hand_model: Mapping | str | None = None,
        **kwargs: Any,
    ) -> None:
        self._hand_model = hand_model
        super().__init__(data_root=data_root, split=split, subset=subset, **kwargs)

    @cached_property
    def folder(self) -> Path:
        """Folder of the split.

        Raises:
            HandFileError: there is none.
        """
        for root in (Path(self.data_root), Path(self.data_root) / 'obman'):
            if (root / self.split / 'meta').is_dir():
                return root / self.split
        raise HandFileError(
            f'{self.data_root} holds no {self.split}/meta: data_root must be the folder of ObMan'
        )

    @cached_property
    def hand_model_name(self) -> str:
        """Type of the hand model that the parameters belong to."""
        return model_name(self._hand_model, self.data_root)

    @property
    def STORE_VERSION(self) -> str:  # noqa: N802
        """The fitted rotations depend on the hand model."""
        return f'{VERSION}-{self.hand_model_name}'

    def source_files(self) -> Mapping[str, Path | None]:
        """See :class:`BaseHandDataset`. The folder's time changes when a pickle comes or goes."""
        return {'meta': self.folder / 'meta'}

    def build_store(
        self,
        writer: StoreWriter,
        sources: Mapping[str, Path | None],
        progress: Callable[[int], None],
    ) -> None:
        """See :func:`.obman_store.build_obman_store`."""
        hand = right_hand_model(self._hand_model, self.data_root)
        build_obman_store(writer, sources['meta'], hand, progress)

    def select_rows(self, store: AnnotationStore) -> np.ndarray:
        """Rows of the subset, in the order of the names."""
        sample = store['sample']
        keep = np.ones(sample.rows, dtype=bool)
        if side := chosen_side(self.subset):
            keep &= (sample['left'] > 0) == (side == 'left')
        if chosen_flag(self.subset, 'mano'):
            keep &= sample['mano_valid'] > 0
        return np.flatnonzero(keep)

    def read_row(self, store: AnnotationStore, row: int) -> dict:
        """See :class:`BaseHandDataset`."""
        sample = store['sample']
        side = 'left' if sample['left'][row] else 'right'
        name = sample['name'][row]
        parameters = {}
        if sample['mano_valid'][row]:
            parameters = dict(
                pose=np.array(sample['pose'][row]), betas=np.array(sample['betas'][row])
            )
        mask = os.path.join(self.folder, 'segm', f'{name}.png')
        return single_hand_record(
            side=side,
            joints=sample['joints'][row],
            valid=1.0,
            intrinsics=INTRINSICS,
            bbox=None,
            sample_id=f'{self.split}/{name}',
            vertices=sample['vertices'][row],
            img_path=os.path.join(self.folder, 'rgb', f'{name}.jpg'),
            dataset='obman',
            hand_model=self.hand_model_name,
            mask_sources={
                'visible': MaskSource(mask, _SEEN, LABELS[side]),
                'whole': MaskSource(mask, _ALONE, LABELS[side]),
            },
            **parameters,
        )

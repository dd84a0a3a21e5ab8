"""HO3D v2 and v3 (Hampali et al., CVPR 2020): right hands with objects."""

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mmhand.datasets.base_hand_dataset import BaseHandDataset
from mmhand.datasets.handoccnet_json import EVALUATION, TRAINING, build_handoccnet_store
from mmhand.datasets.single_hand import model_name, right_hand_model, single_hand_record
from mmhand.datasets.store.annotation_store import AnnotationStore, StoreWriter
from mmhand.datasets.subset_values import chosen_names
from mmhand.datasets.transforms.load_soft_hand_masks import MaskSource
from mmhand.registry import DATASETS
from mmhand.structures import CANONICAL, HAND_MASK_PLANES

from .files import MASK_CHANNEL, HO3DFiles, find_ho3d_files
from .store import VERSION, build_ho3d_store

_WRIST_ONLY = (np.arange(len(CANONICAL)) == CANONICAL.index('wrist')).astype(np.float32)

#: Values of synthetic sets' mask bit fields that have the visible right hand's bit.
_VISIBLE_VALUES = tuple(
    value for value in range(256) if value >> HAND_MASK_PLANES.index('right_visible') & 1
)


@DATASETS.register_module()
class HO3DDataset(BaseHandDataset):
    """HO3D from its official pickles, or from HandOccNet's JSON files.

    The training split has joints, pose and shape; ``bbox`` is the tight box of the projected joints.
    The evaluation split has the annotated box and the wrist; with the ground truth that was
    published in 2024 (``evaluation_xyz.json``, ``evaluation_verts.json`` in the data set's folder)
    also joints and ``vertices`` (2, V, 3). ``scored`` says whether they are there. The order of the
    evaluation split is that of ``evaluation.txt``, which submissions must have.

    Besides the keys of :class:`BaseHandDataset` a sample has ``mask_sources`` for
    :class:`.transforms.LoadSoftHandMasks` (visible: the data set's own; whole: see
    ``tools/dataset_converters/whole_hand_masks.py``), ``sequence``, ``hand_model``, and
    ``toolkit_index``, its place in the official list.

    ``subset`` keys: ``sequences``, names.

    Args:
        data_root: see :func:`.ho3d_files.find_ho3d_files`.
        split: ``'train'`` or ``'evaluation'``.
        version: ``'v2'`` or ``'v3'``; they differ in file types and in how masks are coded.
        ann_file: HandOccNet's JSON, relative to ``data_root``.
        whole_mask_dir: folder of the split's whole-hand masks; ``whole_masks/SPLIT`` by default.
        ground_truth_dir: folder of the published ground truth; ``data_root`` by default.
        hand_model: config (without ``side``) of the model whose mean pose is taken off the official
            poses, which are relative to the flat hand. ``None``: MANO, or what a synthetic set
            names.
        kwargs: of :class:`BaseHandDataset`.

    Raises:
        HandConfigError, HandFileError, HandDataError: see :class:`BaseHandDataset`.
    """

    METAINFO: dict = dict(dataset_name='ho3d', joint_set='canonical')

    SPLITS = ('train', 'evaluation')
    SUBSET_KEYS = ('sequences',)
    STORE_VERSION = VERSION

    def __init__(
        self,
        data_root: str = '',
        split: str = 'train',
        subset: Mapping[str, Any] | None = None,
        version: str = 'v2',
        ann_file: str = '',
        whole_mask_dir: str = '',
        ground_truth_dir: str = '',
        hand_model: Mapping | str | None = None,
        **kwargs: Any,
    ) -> None:
        self.version = version
        self._overrides = (ann_file, whole_mask_dir, ground_truth_dir)
        self._hand_model = hand_model
        super().__init__(data_root=data_root, split=split, subset=subset, **kwargs)

    @cached_property
    def files(self) -> HO3DFiles:
        """Files of the split."""
        return find_ho3d_files(self.data_root, self.split, self.version, *self._overrides)

    @cached_property
    def hand_mean(self) -> np.ndarray:
        """(45,) mean pose of the right hand model."""
        return right_hand_model(self._hand_model, self.data_root).hand_mean.numpy()

    @cached_property
    def hand_model_name(self) -> str:
        """Type of the hand model that the parameters belong to."""
        return model_name(self._hand_model, self.data_root)

    def source_files(self) -> Mapping[str, Path | None]:
        """See :class:`BaseHandDataset`. Pickles are not watched: touch the list after a change."""
        files = self.files
        if files.annotations is not None:
            return {'annotations': files.annotations}
        return {'frames': files.frames, 'joints': files.joints, 'vertices': files.vertices}

    def build_store(
        self,
        writer: StoreWriter,
        sources: Mapping[str, Path | None],
        progress: Callable[[int], None],
    ) -> None:
        """See :func:`.ho3d_store.build_ho3d_store`."""
        if self.files.annotations is None:
            build_ho3d_store(writer, self.files, progress)
        else:
            fields = TRAINING if self.split == 'train' else EVALUATION
            build_handoccnet_store(writer, self.files.annotations, fields, progress)

    def select_rows(self, store: AnnotationStore) -> np.ndarray:
        """Rows of the subset, in the order of the file."""
        if 'sequences' not in self.subset:
            return np.arange(store['frame'].rows)
        sequences = np.array([name.partition('/')[0] for name in store['frame']['name']])
        wanted = chosen_names(self.subset, 'sequences', sorted(set(sequences.tolist())))
        return np.flatnonzero(np.isin(sequences, wanted))

    def read_row(self, store: AnnotationStore, row: int) -> dict:
        """See :class:`BaseHandDataset`."""
        frame = store['frame']
        name = frame['name'][row]
        sequence, _, picture = name.partition('/')
        picture, dot, suffix = picture.removeprefix('rgb/').partition('.')
        name = f'{sequence}/{picture}'
        root = frame['root'][row]
        scored = 'joints' in frame
        # Where only the wrist is known, the other joints stand there too and are not valid.
        joints = frame['joints'][row] if scored else np.tile(root, (len(CANONICAL), 1))
        valid = np.ones(len(CANONICAL)) if scored else _WRIST_ONLY
        parameters = {}
        if self.split == 'train':
            parameters = dict(pose=self._pose(store, row), betas=np.array(frame['betas'][row]))
        if 'vertices' in frame:
            parameters['vertices'] = frame['vertices'][row]
        return single_hand_record(
            side='right',
            joints=joints,
            valid=valid,
            intrinsics=frame['K'][row],
            bbox=frame['bbox'][row] if 'bbox' in frame else None,
            sample_id=f'{self.split}/{name}',
            img_path=self.files.image(name, f'.{suffix}' if dot else None),
            dataset=f'ho3d_{self.version}',
            sequence=sequence,
            hand_model=self.hand_model_name,
            scored=scored,
            toolkit_index=int(frame['position'][row]),
            mask_sources=self._masks(name),
            **parameters,
        )

    def _pose(self, store: AnnotationStore, row: int) -> np.ndarray:
        pose = np.array(store['frame']['pose'][row])
        if store.info['flat_pose']:
            pose[3:] -= self.hand_mean
        return pose

    def _masks(self, name: str) -> dict[str, MaskSource]:
        files, sources = self.files, {}
        if self.split == 'train':
            channel = MASK_CHANNEL[self.version]
            sources['visible'] = MaskSource(files.visible_mask(name), channel)
        elif self._with_planes:
            path = str(files.root / 'masks' / self.split / f'{name}.png')
            sources['visible'] = MaskSource(path, labels=_VISIBLE_VALUES)
        if self._with_whole_masks:
            sources['whole'] = MaskSource(files.whole_mask(name))
        return sources

    @cached_property
    def _with_whole_masks(self) -> bool:
        return self.files.whole_masks.is_dir()

    @cached_property
    def _with_planes(self) -> bool:
        # Only synthetic evaluation splits have masks of the visible hand.
        return (self.files.root / 'masks' / self.split).is_dir()

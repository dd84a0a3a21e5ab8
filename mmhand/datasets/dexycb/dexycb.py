"""DexYCB (Chao et al., CVPR 2021): hands of both sides that grasp objects, eight cameras."""

import os
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mmhand.datasets.base_hand_dataset import BaseHandDataset
from mmhand.datasets.handoccnet_json import TRAINING, build_handoccnet_store
from mmhand.datasets.mano_params import find_hand_model
from mmhand.datasets.single_hand import model_name, single_hand_record
from mmhand.datasets.store.annotation_store import AnnotationStore, StoreWriter
from mmhand.datasets.transforms.load_soft_hand_masks import MaskSource
from mmhand.hand_models.base import HandModel
from mmhand.hand_models.rotations import mirror_axis_angle
from mmhand.registry import DATASETS, MODELS
from mmhand.utils.errors import HandConfigError

from . import files as dexycb_files
from .files import SERIALS, find_dexycb_root, meta_files, read_sequences, split_members
from .store import VERSION, build_dexycb_store

#: Label of the hand in ``seg``.
_HAND = 255

_MIRROR = np.array([-1.0, 1.0, 1.0])


@DATASETS.register_module()
class DexYCBDataset(BaseHandDataset):
    """DexYCB from its official labels, or from HandOccNet's JSON files.

    ``bbox`` is the tight box of the projected joints, also at test, as in HandOccNet. Frames without
    a hand are left out. A left hand stays a left hand here; :class:`.transforms.MirrorLeftHand`
    makes it a right one.

    The annotators' left hands were made without mending MANO's left ``shapedirs`` (toolkit issue
    28), so that a mirrored left hand posed by the right model with the same betas differs from it by
    millimetres. The releases live with that, and so does ``vertices``: the *right* model's mesh of
    the mirrored parameters, put at the annotated wrist, as H2ONet and HandBooster define it.

    Besides the keys of :class:`BaseHandDataset` a sample has ``mask_sources`` (see
    :class:`.transforms.LoadSoftHandMasks`), ``subject``, ``sequence``, ``camera_name``,
    ``hand_model``, and ``toolkit_index``, its number in the toolkit's split.

    ``subset`` keys: ``hand_type``: ``'right'`` or ``'left'``.

    Args:
        data_root: folder with ``calibration`` and the subjects' folders, or with ``data`` that has
            them.
        split: ``'train'``, ``'val'`` or ``'test'``.
        setup: ``'s0'`` to ``'s3'``, see :func:`.dexycb_files.split_members`.
        ann_file: HandOccNet's JSON of the setup and split, relative to ``data_root``.
        whole_mask_dir: folder of whole-hand masks; ``whole_masks`` by default.
        with_vertices: give ``vertices`` (2, V, 3).
        hand_model: config (without ``side``) of the model whose pose components the labels mean.
            ``None``: MANO, or what a synthetic set names.
        kwargs: of :class:`BaseHandDataset`.

    Raises:
        HandConfigError, HandFileError, HandDataError: see :class:`BaseHandDataset`.
    """

    METAINFO: dict = dict(dataset_name='dexycb', joint_set='canonical')

    SPLITS = dexycb_files.SPLITS
    SUBSET_KEYS = ('hand_type',)
    STORE_VERSION = VERSION

    def __init__(
        self,
        data_root: str = '',
        split: str = 'train',
        subset: Mapping[str, Any] | None = None,
        setup: str = 's0',
        ann_file: str = '',
        whole_mask_dir: str = '',
        with_vertices: bool = False,
        hand_model: Mapping | str | None = None,
        **kwargs: Any,
    ) -> None:
        self.setup = setup
        self._json_file = ann_file
        self.with_vertices = with_vertices
        self._whole_mask_dir = whole_mask_dir
        self._hand_model = hand_model
        self._models: dict[str, HandModel] = {}
        split_members(setup, split)
        super().__init__(data_root=data_root, split=split, subset=subset, **kwargs)

    @property
    def store_name(self) -> str:
        """One store serves all setups and splits; HandOccNet's files have one each."""
        return f'dexycb_json_{self.split}' if self._json_file else 'dexycb'

    @cached_property
    def root(self) -> Path:
        """Folder of the subjects."""
        return find_dexycb_root(self.data_root)

    @cached_property
    def whole_masks(self) -> Path:
        """Folder of the whole-hand masks."""
        given = self._whole_mask_dir
        return Path(self.data_root) / given if given else self.root / 'whole_masks'

    @cached_property
    def _with_whole_masks(self) -> bool:
        return self.whole_masks.is_dir()

    @cached_property
    def hand_model_name(self) -> str:
        """Type of the hand model that the parameters belong to."""
        return model_name(self._hand_model, self.data_root)

    def hand(self, side: str) -> HandModel:
        """The hand model of a side, built when it is first needed."""
        if side not in self._models:
            config = self._hand_model or find_hand_model(self.data_root) or dict(type='MANO')
            config = dict(type=config) if isinstance(config, str) else dict(config)
            if config['type'].rpartition('.')[2] == 'MANO' and side == 'left':
                # Only its pose components are used; the labels' left shapes were never mended.
                config['fix_shapedirs'] = False
            model = MODELS.build(dict(config, side=side))
            self._models[side] = model.eval().requires_grad_(False)
        return self._models[side]

    def source_files(self) -> Mapping[str, Path | None]:
        """See :class:`BaseHandDataset`. Labels are not watched: touch a ``meta.yml`` after a change."""
        if self._json_file:
            return {'annotations': Path(self.data_root) / self._json_file}
        calibration = sorted((self.root / 'calibration').glob('*/*.yml'))
        shapes = {f'{path.parent.name}/{path.name}': path for path in calibration}
        return {**meta_files(self.root), **shapes}

    def build_store(
        self,
        writer: StoreWriter,
        sources: Mapping[str, Path | None],
        progress: Callable[[int], None],
    ) -> None:
        """See :func:`.dexycb_store.build_dexycb_store`."""
        if self._json_file:
            path = sources['annotations']
            build_handoccnet_store(writer, path, TRAINING, progress, with_sides=True)
        else:
            sequences = read_sequences(self.root, meta_files(self.root))
            build_dexycb_store(writer, self.root, sequences, progress)

    def select_rows(self, store: AnnotationStore) -> np.ndarray:
        """Rows of the split that show a hand, in the toolkit's order."""
        frame = store['frame']
        if self._json_file:
            left = frame['left'] > 0
            keep = member = np.ones(frame.rows, dtype=bool)
        else:
            sequence = store['sequence']
            left = (sequence['left'] > 0)[frame['sequence']]
            subjects, cameras, sequences = split_members(self.setup, self.split)
            if (sequence['index'] >= len(sequences)).any():
                raise HandConfigError(
                    f'{self.root}: a subject has over {len(sequences)} recordings'
                )
            chosen = subjects[sequence['subject']] & sequences[sequence['index']]
            member = chosen[frame['sequence']] & cameras[frame['camera']]
            keep = member & (frame['valid'] > 0)
        self._left = left
        self._toolkit_index = np.cumsum(member) - 1
        if 'hand_type' in self.subset:
            wanted = self.subset['hand_type']
            if wanted not in ('right', 'left'):
                raise HandConfigError(f'subset hand_type must be right or left, not {wanted!r}')
            keep = keep & (left == (wanted == 'left'))
        return np.flatnonzero(keep)

    def read_row(self, store: AnnotationStore, row: int) -> dict:
        """See :class:`BaseHandDataset`."""
        frame = store['frame']
        side = 'left' if self._left[row] else 'right'
        if self._json_file:
            name = frame['name'][row].rpartition('.')[0]
            intrinsics, betas = frame['K'][row], np.array(frame['betas'][row])
            pose = np.array(frame['pose'][row])
        else:
            number = frame['sequence'][row]
            serial = SERIALS[frame['camera'][row]]
            name = f'{store["sequence"]["name"][number]}/{serial}/color_{frame["number"][row]:06d}'
            intrinsics = store['camera']['K'][frame['camera'][row]]
            betas = np.array(store['sequence']['betas'][number])
            pose = self._axis_angle(frame['pose'][row], side)
        joints = frame['joints'][row]
        subject, sequence, camera, picture = name.split('/')
        vertices = self._mesh(pose, betas, side, joints[0]) if self.with_vertices else None
        return single_hand_record(
            side=side,
            joints=joints,
            valid=1.0,
            intrinsics=intrinsics,
            bbox=None,
            sample_id=name,
            pose=pose,
            betas=betas,
            vertices=vertices,
            img_path=os.path.join(self.root, f'{name}.jpg'),
            dataset='dexycb',
            subject=subject,
            sequence=sequence,
            camera_name=camera,
            hand_model=self.hand_model_name,
            toolkit_index=int(self._toolkit_index[row]),
            mask_sources=self._masks(subject, sequence, camera, picture.removeprefix('color_')),
        )

    def _axis_angle(self, pose: np.ndarray, side: str) -> np.ndarray:
        """(48,) axis-angle, mean not added, of the label's wrist and PCA coefficients."""
        components = self.hand(side).hand_components.numpy()
        return np.concatenate([pose[:3], pose[3:] @ components])

    def _mesh(
        self, pose: np.ndarray, betas: np.ndarray, side: str, wrist: np.ndarray
    ) -> np.ndarray:
        """(V, 3) the right model's mesh, mirrored for a left hand, its wrist at ``wrist``."""
        angles = torch.from_numpy(pose.astype(np.float32))[None]
        if side == 'left':
            angles = mirror_axis_angle(angles)
        shape = torch.from_numpy(betas.astype(np.float32))[None]
        output = self.hand('right')(angles[:, :3], angles[:, 3:], shape)
        points = (output.vertices - output.joints[:, :1])[0].numpy()
        return points * (_MIRROR if side == 'left' else 1.0) + wrist

    def _masks(self, subject: str, sequence: str, camera: str, number: str) -> dict:
        folder = self.root / subject / sequence / camera
        label = str(folder / f'labels_{number}.npz')
        sources = {'visible': MaskSource(label, labels=(_HAND,), array='seg')}
        if self._with_whole_masks:
            path = self.whole_masks / subject / sequence / camera / f'{number}.png'
            sources['whole'] = MaskSource(str(path))
        return sources

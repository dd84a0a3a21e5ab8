"""DexYCB (Chao et al., CVPR 2021): hands of both sides that grasp objects, eight cameras."""

import os
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mmhand.datasets.base_hand_dataset import BaseHandDataset
from mmhand.datasets.hand_record import perspective
from mmhand.datasets.handoccnet_json import TRAINING, annotated, build_handoccnet_store
from mmhand.datasets.mano_params import find_hand_model, rest_wrist_regressor
from mmhand.datasets.single_hand import mesh_regressor, model_name, single_hand_record
from mmhand.datasets.store.annotation_store import AnnotationStore, StoreWriter
from mmhand.datasets.subset_values import chosen_flag, chosen_side
from mmhand.datasets.transforms.load_soft_hand_masks import MaskSource
from mmhand.hand_models.base import HandModel
from mmhand.hand_models.build import build_hand_model
from mmhand.hand_models.rotations import mirror_axis_angle
from mmhand.registry import DATASETS
from mmhand.utils.errors import HandConfigError, HandDataError

from . import files as dexycb_files
from .files import (
    PICTURE,
    SERIALS,
    find_dexycb_root,
    meta_files,
    random_share,
    read_sequences,
    split_members,
)
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
    ``hand_model``, and ``toolkit_index``, its number in the toolkit's split. ``mano_betas`` are those of
    the calibration that the recording names for this very hand; ``mano_trans`` is the translation of the
    official labels.

    ``subset`` keys: ``hand_type``: ``'right'`` or ``'left'``; ``in_frame``: ``True`` leaves out hands
    whose box of joints is not wholly inside the picture.

    Args:
        data_root: folder with ``calibration`` and the subjects' folders, or with ``data`` that has
            them.
        split: ``'train'``, ``'val'`` or ``'test'``.
        setup: ``'s0'`` to ``'s3'``, or a further split of the identity-aware method, see
            :func:`.files.split_members`. With ``ann_file`` the file says what is in the split.
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
    SUBSET_KEYS = ('hand_type', 'in_frame')
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
            model = build_hand_model(dict(config, side=side))
            self._models[side] = model.eval().requires_grad_(False)
        return self._models[side]

    @cached_property
    def _rest_wrist(self) -> tuple[np.ndarray, np.ndarray]:
        return rest_wrist_regressor(self.hand('right'))

    @property
    def metainfo(self) -> dict:
        """Of the set; for evaluation with ``joint_regressor`` (21, V).

        It takes canonical joints from a mesh: the hand model's own regressor and the toolkit's tips.
        Training sets have none, for checkpoints would hold it.
        """
        info = super().metainfo
        if self.test_mode or self.split != 'train':
            info |= mesh_regressor(lambda: self.hand('right'))
        return info

    def subject_betas(self) -> dict[str, np.ndarray]:
        """Shape (10,) of each subject's right hand in the selected samples' set, by subject.

        Raises:
            HandDataError: a subject has right hands of different shapes.
        """
        self.full_init()
        if self._json_file:
            raise HandConfigError('subject_betas needs the official labels, not ann_file')
        table, shapes = self.store['sequence'], {}
        for row in np.flatnonzero(table['left'] == 0):
            subject = table['name'][row].split('/')[0]
            betas = np.array(table['betas'][row])
            if not np.array_equal(shapes.setdefault(subject, betas), betas):
                raise HandDataError(
                    f'{self.root}: the right hand of {subject} has two shapes, the second in '
                    f'{table["name"][row]}; one subject must have one calibration'
                )
        return shapes

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
            member = np.ones(frame.rows, dtype=bool)
            keep = annotated(np.asarray(frame['joints']))
        else:
            left = (store['sequence']['left'] > 0)[frame['sequence']]
            member = self._members(store, self.setup, self.split)
            keep = member & (frame['valid'] > 0)
        self._left = left
        self._toolkit_index = np.cumsum(member) - 1
        if side := chosen_side(self.subset):
            keep = keep & (left == (side == 'left'))
        if chosen_flag(self.subset, 'in_frame'):
            keep = keep & self._in_frame(store)
        if self.setup == 's4' and not self._json_file:
            members = [self._members(store, 's0', split) for split in self.SPLITS]
            return random_share([np.flatnonzero(keep & part) for part in members], self.split)
        return np.flatnonzero(keep)

    def _members(self, store: AnnotationStore, setup: str, split: str) -> np.ndarray:
        """(N,) bool rows of a split, whether they show a hand or not."""
        frame, sequence = store['frame'], store['sequence']
        subjects, cameras, sequences = split_members(setup, split)
        if (sequence['index'] >= len(sequences)).any():
            raise HandConfigError(f'{self.root}: a subject has over {len(sequences)} recordings')
        chosen = subjects[sequence['subject']] & sequences[sequence['index']]
        return chosen[frame['sequence']] & cameras[frame['camera']]

    def _in_frame(self, store: AnnotationStore) -> np.ndarray:
        """(N,) bool rows whose hand's box is inside the picture."""
        frame = store['frame']
        if not self._json_file:
            return frame['in_frame'] > 0
        pixels = perspective(np.einsum('njc,ndc->njd', frame['joints'], frame['K']))
        return ((pixels >= 0) & (pixels <= PICTURE)).all((1, 2))

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
        values = (
            {} if self._json_file else self._translation(frame['transl'][row], betas, joints, side)
        )
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
            **values,
        )

    def _translation(
        self, transl: np.ndarray, betas: np.ndarray, joints: np.ndarray, side: str
    ) -> dict:
        """Arguments of the record that place the hand model's mesh.

        A right hand is where its label says. A left one is the right model's mirrored mesh (see
        ``vertices``), whose wrist is brought to the annotated one.
        """
        template, shape = self._rest_wrist
        rest = template + shape @ betas
        if side == 'left':
            rest = rest * _MIRROR
            transl = joints[0] - rest
        return dict(transl=transl, rest_wrist=rest)

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

"""InterHand2.6M: single and interacting hands in a studio (Moon et al., ECCV 2020)."""

import os
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mmhand.datasets.base_hand_dataset import BaseHandDataset
from mmhand.datasets.hand_record import hand_record, perspective
from mmhand.datasets.mano_params import AnnotatedPair, find_hand_model, mano_to_camera
from mmhand.datasets.store.annotation_store import AnnotationStore, StoreWriter
from mmhand.datasets.store.store_cache import open_or_build
from mmhand.registry import DATASETS
from mmhand.utils.errors import HandConfigError, HandDataError

from . import store as interhand_store
from .camera import StudioCamera, studio_cameras
from .layout import InterHandFiles, find_interhand_files
from .rootnet import RootNetResults
from .subset import SUBSET_KEYS, select_interhand_rows
from .validity import check_valid_rule, joint_validity

HAND_TYPES = interhand_store.HAND_TYPES


@DATASETS.register_module()
class InterHand26MDataset(BaseHandDataset):
    """InterHand2.6M in its released layouts (v1.0, v0.0; 5 and 30 fps), or in single given files.

    ``subset`` keys, all optional:

    * ``hand_type``: ``'right'``, ``'left'``, ``'interacting'``, ``'single'``, ``'all'`` or several.
    * ``source``: ``'human'``, ``'machine'`` or ``'all'`` annotations.
    * ``cameras``: ``'color'`` (cam40xxxx), ``'gray'`` (cam41xxxx), or camera names.
    * ``captures``, ``subjects``: numbers.
    * ``mano``: ``'any'`` or ``'both'`` hands must have MANO parameters.
    * ``hand_type_valid``: keep only images whose hand type is (``True``) or is not to be trusted.

    Besides the keys of :class:`BaseHandDataset` a sample has ``annotation_id``, ``capture``,
    ``camera_name``, ``frame_idx``, ``sequence``, ``subject``, ``bbox_is_crop`` (the box is squared
    and enlarged already), and ``mask_path`` and ``depth_path`` in synthetic sets.

    Args:
        data_root: folder with ``annotations`` and ``images``.
        split: ``'train'``, ``'val'`` or ``'test'``.
        subset: see above.
        fps: 5 or 30.
        ann_file, camera_file, joint_file, mano_file, id_list, img_dir: paths that replace what the
            layout would give; relative ones start at ``data_root``.
        with_mano: give MANO parameters in the camera's frame. They need ``hand_model``.
        with_vertices: give the vertices of the posed hand models too (for metrics of meshes).
        hand_model: config (without ``side``) of the model the parameters belong to: ``MANO`` for
            the real annotations; synthetic sets name theirs in ``synthetic.json``.
        joint_source: ``'joint_3d'``, or ``'mano'`` for the joints of the posed hand models.
        valid_rule: which joints count, see :func:`.interhand_validity.joint_validity`.
        rootnet_file: RootNet's results; boxes and ``root_depth`` are taken from it. Without it they
            are those of the annotation.
        kwargs: of :class:`BaseHandDataset`.

    Raises:
        HandConfigError: unknown option, or MANO parameters are asked for without a hand model.
        HandFileError, HandDataError: see :class:`BaseHandDataset`.
    """

    METAINFO: dict = dict(dataset_name='interhand26m', joint_set='canonical')

    SUBSET_KEYS = SUBSET_KEYS
    STORE_VERSION = interhand_store.VERSION

    def __init__(
        self,
        data_root: str = '',
        split: str = 'train',
        subset: Mapping[str, Any] | None = None,
        fps: int = 5,
        ann_file: str = '',
        camera_file: str = '',
        joint_file: str = '',
        mano_file: str = '',
        id_list: str = '',
        img_dir: str | None = None,
        with_mano: bool = False,
        with_vertices: bool = False,
        hand_model: Mapping | str | None = None,
        joint_source: str = 'joint_3d',
        valid_rule: str = 'both',
        rootnet_file: str | None = None,
        **kwargs: Any,
    ) -> None:
        if joint_source not in ('joint_3d', 'mano'):
            raise HandConfigError(
                f'joint_source must be "joint_3d" or "mano", not {joint_source!r}'
            )
        for name, value in (('with_mano', with_mano), ('with_vertices', with_vertices)):
            if not isinstance(value, bool):
                raise HandConfigError(f'{name} is True or False, not {value!r}')
        self.fps = fps
        self.with_mano = with_mano or with_vertices
        self.with_vertices = with_vertices
        self.joint_source = joint_source
        self.valid_rule = check_valid_rule(valid_rule)
        self._hand_model = hand_model
        self._rootnet_file = rootnet_file
        self._rootnet: RootNetResults | None = None
        self._rootnet_rows = np.zeros(0, np.int64)
        self._mano_joints: AnnotationStore | None = None
        self._cameras: list[StudioCamera] = []
        self._sequences: list[str] = []
        self._overrides = dict(
            data=ann_file,
            camera=camera_file,
            joint_3d=joint_file,
            mano=mano_file,
            id_list=id_list,
            images=img_dir,
        )
        super().__init__(data_root=data_root, split=split, subset=subset, **kwargs)

    @cached_property
    def files(self) -> InterHandFiles:
        """Files of the split."""
        source = self.subset.get('source', 'all')
        return find_interhand_files(self.data_root, self.split, source, self.fps, self._overrides)

    @cached_property
    def hands(self) -> AnnotatedPair:
        """The hand models that the parameters belong to.

        Raises:
            HandConfigError: none is given and the set names none.
        """
        config = self._hand_model or find_hand_model(self.data_root)
        if config is None:
            raise HandConfigError(
                'MANO parameters of InterHand2.6M need hand_model=dict(type="MANO", model_path=...): '
                'their translation depends on the shaped rest wrist'
            )
        return AnnotatedPair(config)

    @property
    def metainfo(self) -> dict:
        """The class's, and ``hand_model``, config of the model whose parameters or joints are given."""
        info = super().metainfo
        if self.with_mano or self.joint_source == 'mano':
            config = self._hand_model or find_hand_model(self.data_root)
            info['hand_model'] = {'type': config} if isinstance(config, str) else config
        return info

    def source_files(self) -> Mapping[str, Path | None]:
        """See :class:`BaseHandDataset`."""
        return {key: getattr(self.files, key) for key in ('data', 'camera', 'joint_3d', 'mano')}

    def build_store(
        self,
        writer: StoreWriter,
        sources: Mapping[str, Path | None],
        progress: Callable[[int], None],
    ) -> None:
        """See :func:`.interhand_store.build_interhand_store`."""
        interhand_store.build_interhand_store(writer, sources, progress)

    def full_init(self) -> None:
        """Open the store; with it RootNet's results and the joints of the hand models if wanted."""
        if self._fully_initialized:
            return
        super().full_init()
        self._cameras = studio_cameras(self.store)
        self._sequences = list(self.store['sequence']['name'])
        has_mano = 'mano_valid' in self.store['frame']
        if (self.with_mano or self.joint_source == 'mano') and not has_mano:
            raise HandDataError(
                f'{self.data_root} has no InterHand2.6M_{self.split}_MANO_NeuralAnnot.json beside '
                f'{self.files.data}: MANO parameters cannot be given'
            )
        if self.joint_source == 'mano':
            self._mano_joints = self._open_mano_joints()
        if self._rootnet_file:
            self._rootnet = RootNetResults(
                Path(self.data_root) / self._rootnet_file, self.data_root, self.cache_dir
            )
            # By position in the store, so that subsets need no care.
            self._rootnet_rows = np.full(self.store['ann'].rows, -1, dtype=np.int32)
            self._rootnet_rows[self.rows] = self._rootnet.rows(self.store['ann']['id'][self.rows])

    def select_rows(self, store: AnnotationStore) -> np.ndarray:
        """Rows of the subset, in the order of the annotation file."""
        return select_interhand_rows(store, self.subset, self.files, self.data_root)

    def read_row(self, store: AnnotationStore, row: int) -> dict:
        """See :class:`BaseHandDataset`."""
        ann, frames = store['ann'], store['frame']
        frame, camera = ann['frame'][row], ann['camera'][row]
        view = self._cameras[camera]
        joints = frames if self._mano_joints is None else self._mano_joints['frame']
        moved = joints['world'][frame].reshape(-1, 3) @ view.matrix + view.offset
        valid = joint_validity(ann['valid'][row], frames['valid'][frame], self.valid_rule)
        if self._mano_joints is not None:
            valid = valid * frames['mano_valid'][frame][:, None]
        number, file_name = int(ann['id'][row]), ann['file_name'][row]
        bbox, depth = ann['bbox'][row], None
        if self._rootnet is not None:
            bbox, depth = self._rootnet[self._rootnet_rows[row]]
        record = hand_record(
            img_path=f'{self.files.images}{os.sep}{file_name}',
            sample_id=f'{self.split}/{number}',
            dataset=self._metainfo['dataset_name'],
            bbox=bbox,
            keypoints_3d=moved[:, :3].reshape(2, -1, 3),
            keypoints_2d=perspective(moved[:, 3:]).reshape(2, -1, 2),
            keypoint_valid=valid,
            hand_type=HAND_TYPES[ann['hand_type'][row]],
            intrinsics=view.intrinsics,
            rotation=view.rotation,
            translation=view.translation,
            picture_size=(ann['width'][row], ann['height'][row]),
            hand_type_valid=np.float32(ann['hand_type_valid'][row]),
            bbox_is_crop=depth is not None,
            annotation_id=number,
            capture=int(frames['capture'][frame]),
            camera_name=view.name,
            frame_idx=int(frames['frame_idx'][frame]),
            sequence=self._sequences[ann['sequence'][row]],
            subject=int(ann['subject'][row]),
        )
        if depth is not None:
            record['root_depth'] = depth
        if self.with_mano:
            self._add_mano(record, frames, frame, view)
        for key, folder in (('mask_path', self.files.masks), ('depth_path', self.files.depth)):
            if folder is not None:
                record[key] = os.path.join(folder, f'{os.path.splitext(file_name)[0]}.png')
        return record

    def _add_mano(
        self,
        record: dict,
        frames: Mapping[str, np.ndarray],
        frame: int,
        view: StudioCamera,
    ) -> None:
        betas = np.array(frames['mano_shape'][frame])
        rest = self.hands.rest_wrists(betas)
        pose, transl = mano_to_camera(
            frames['mano_pose'][frame],
            frames['mano_trans'][frame],
            rest,
            view.rotation,
            view.center,
        )
        valid = np.array(frames['mano_valid'][frame], dtype=np.float32)
        record.update(
            mano_pose=pose * valid[:, None],
            mano_betas=betas,
            mano_trans=(transl * valid[:, None]).astype(np.float32),
            mano_rest_wrist=rest.astype(np.float32),
            mano_valid=valid,
        )
        if self.with_vertices:
            vertices = self.hands.vertices(record['mano_pose'], betas, record['mano_trans'])
            record['vertices'] = vertices * valid[:, None, None]

    def _open_mano_joints(self) -> AnnotationStore:
        """Joints (frames, 2, 21, 3) of the hand models, world, mm; computed once per model."""
        frames = self.store['frame']

        def build(writer: StoreWriter, *_: object) -> None:
            parameters = (frames[f'mano_{key}'] for key in ('pose', 'shape', 'trans'))
            writer.add('frame', 'world', self.hands.joints(*map(np.array, parameters)) * 1e3)

        sources = self.source_files()
        return open_or_build(
            f'{self.store_name}_mano_joints',
            {key: sources[key] for key in ('joint_3d', 'mano')},
            build,
            f'{self.STORE_VERSION}-{self.hands.signature}',
            self.data_root,
            self.cache_dir,
        )

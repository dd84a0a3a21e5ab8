"""HUMBI (Yu et al., CVPR 2020): right hands of hundreds of people before 107 cameras."""

import os
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mmhand.datasets.base_hand_dataset import BaseHandDataset
from mmhand.datasets.mano_params import find_hand_model, mano_to_camera, rest_wrist_regressor
from mmhand.datasets.single_hand import (
    mesh_regressor,
    model_name,
    right_hand_model,
    single_hand_record,
)
from mmhand.datasets.store.annotation_store import AnnotationStore, StoreWriter
from mmhand.hand_models.base import HandModel
from mmhand.registry import DATASETS
from mmhand.utils.errors import HandDataError

from .files import CALIBRATION, CROP_SIDE, IMAGE_FOLDER, NUM_PCA, image_name, subject_folders
from .splits import SPLITS, split_rows
from .store import VERSION, build_humbi_store


@DATASETS.register_module()
class HUMBIDataset(BaseHandDataset):
    """Crops of right hands in HUMBI's official layout, ``subject_K/hand/FRAME``.

    Pictures are the set's own crops of 250 pixels; ``camera`` is that of the crop. Joints are the
    reconstructed keypoints, meshes the reconstructed vertices, both brought to the camera;
    ``mano_trans`` is the mean difference between mesh and posed hand model, so that it holds for files
    whose own translation does not (docs/en/methods/iahm.md#humbi).

    Besides the keys of :class:`BaseHandDataset` a sample has ``subject`` (``subject_K``), ``sequence``
    (the frame), ``camera_name``, ``hand_model``, and with ``with_vertices`` ``vertices`` (2, V, 3).

    Args:
        data_root: folder with ``subject_1`` and the others, or with ``humbi`` that has them.
        split: ``'train'`` or ``'test'``.
        setup: see :func:`.splits.split_rows`.
        with_vertices: give meshes.
        hand_model: config (without ``side``) of the model that the parameters belong to. ``None``: MANO,
            or what a synthetic set names.
        kwargs: of :class:`BaseHandDataset`.

    Raises:
        HandConfigError, HandFileError, HandDataError: see :class:`BaseHandDataset`.
    """

    METAINFO: dict = dict(dataset_name='humbi', joint_set='canonical')

    SPLITS = SPLITS
    STORE_VERSION = VERSION

    def __init__(
        self,
        data_root: str = '',
        split: str = 'train',
        subset: Mapping[str, Any] | None = None,
        setup: str = 'split_5',
        with_vertices: bool = False,
        hand_model: Mapping | str | None = None,
        **kwargs: Any,
    ) -> None:
        self.setup = setup
        self.with_vertices = with_vertices
        self._hand_model = hand_model
        split_rows(setup, 'train', np.zeros(0, np.int64), np.zeros(0, np.int64))
        super().__init__(data_root=data_root, split=split, subset=subset, **kwargs)

    @property
    def store_name(self) -> str:
        """One store serves all setups and splits."""
        return 'humbi'

    @cached_property
    def folders(self) -> dict[int, Path]:
        """``hand`` folder of each subject."""
        return subject_folders(self.data_root)

    @cached_property
    def hand(self) -> HandModel:
        """The hand model, built when a pose is first needed."""
        return right_hand_model(self._hand_model, self.data_root)

    @cached_property
    def hand_model_name(self) -> str:
        """Type of the hand model that the parameters belong to."""
        return model_name(self._hand_model, self.data_root)

    @cached_property
    def _rest_wrist(self) -> tuple[np.ndarray, np.ndarray]:
        return rest_wrist_regressor(self.hand)

    @property
    def metainfo(self) -> dict:
        """Of the set; for evaluation with ``joint_regressor`` (21, V).

        The hand model's own regressor and HUMBI's tips. Training sets have none, for checkpoints would
        hold it.
        """
        info = super().metainfo
        if self.test_mode or self.split != 'train':
            info |= mesh_regressor(self._regressing_hand)
        return info

    def _regressing_hand(self) -> HandModel:
        config = self._hand_model or find_hand_model(self.data_root) or dict(type='MANO')
        config = dict(type=config) if isinstance(config, str) else dict(config)
        if config['type'].rpartition('.')[2] == 'MANO':
            config['tip_preset'] = 'humbi'
        return right_hand_model(config, self.data_root)

    def source_files(self) -> Mapping[str, Path | None]:
        """See :class:`BaseHandDataset`. Frames are not watched: touch an intrinsic.txt after changes."""
        names = (CALIBRATION['intrinsic'], CALIBRATION['extrinsic'])
        return {
            f'{folder.parent.name}/{name}': folder / name
            for folder in self.folders.values()
            for name in names
        }

    def build_store(
        self,
        writer: StoreWriter,
        sources: Mapping[str, Path | None],
        progress: Callable[[int], None],
    ) -> None:
        """See :func:`.store.build_humbi_store`."""
        build_humbi_store(writer, self.folders, progress)

    def select_rows(self, store: AnnotationStore) -> np.ndarray:
        """Images of the split."""
        frame = np.asarray(store['image']['frame'])
        return split_rows(self.setup, self.split, store['frame']['subject'][frame], frame)

    def read_row(self, store: AnnotationStore, row: int) -> dict:
        """See :class:`BaseHandDataset`."""
        image, frame, cameras = store['image'], store['frame'], store['camera']
        number, place = image['frame'][row], image['camera'][row]
        R, center = cameras['R'][place], cameras['center'][place]
        params = frame['params'][number]
        betas = params[-10:]
        pose = np.concatenate([params[3:6], params[6 : 6 + NUM_PCA] @ self._components])
        transl = self._translation(pose, betas, frame['vertices'][number])
        template, shape = self._rest_wrist
        rest = template + shape @ betas
        turned, moved = mano_to_camera(pose[None], transl[None], rest[None], R, center)
        vertices = (frame['vertices'][number] - center) @ R.T if self.with_vertices else None
        name = frame['name'][number]
        picture = image_name(image['number'][row])
        return single_hand_record(
            side='right',
            joints=(frame['keypoints'][number] - center) @ R.T,
            valid=1.0,
            intrinsics=crop_intrinsics(cameras['K'][place], image['box'][row]),
            rotation=R,
            translation=-R @ center,
            bbox=None,
            sample_id=f'{name}/{picture.removesuffix(".png")}',
            pose=turned[0],
            betas=betas,
            transl=moved[0],
            rest_wrist=rest,
            vertices=vertices,
            img_path=os.path.join(self._root, name, IMAGE_FOLDER, picture),
            dataset='humbi',
            subject=name.split('/')[0],
            sequence=name.split('/')[-1],
            camera_name=str(image['number'][row]),
            hand_model=self.hand_model_name,
        )

    @cached_property
    def _root(self) -> Path:
        return next(iter(self.folders.values())).parent.parent

    @cached_property
    def _components(self) -> np.ndarray:
        return self.hand.hand_components[:NUM_PCA].double().numpy()

    def _translation(self, pose: np.ndarray, betas: np.ndarray, vertices: np.ndarray) -> np.ndarray:
        """(3,) from the posed hand model to the mesh, world."""
        angles, shape = (torch.from_numpy(np.float32(array))[None] for array in (pose, betas))
        posed = self.hand(angles[:, :3], angles[:, 3:], shape).vertices[0].numpy()
        if posed.shape != vertices.shape:
            raise HandDataError(
                f'{self.data_root}: its meshes have {len(vertices)} vertices, {self.hand_model_name} '
                f'has {len(posed)}; give the data set the hand_model of its files'
            )
        return (vertices.astype(np.float64) - posed).mean(0)


def crop_intrinsics(K: np.ndarray, box: np.ndarray) -> np.ndarray:
    """(3, 3) of a crop.

    Args:
        K: (3, 3) of the whole picture.
        box: (4,) xmin, xmax, ymin, ymax that became :data:`.files.CROP_SIDE` pixels.
    """
    left, right, top, bottom = box
    x, y = CROP_SIDE / (right - left), CROP_SIDE / (bottom - top)
    return np.array([[x, 0.0, -x * left], [0.0, y, -y * top], [0.0, 0.0, 1.0]]) @ K

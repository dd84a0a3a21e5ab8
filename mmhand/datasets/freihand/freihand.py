"""FreiHAND (Zimmermann et al., ICCV 2019): single right hands."""

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mmhand.datasets.base_hand_dataset import BaseHandDataset
from mmhand.datasets.single_hand import model_name, right_hand_model, single_hand_record
from mmhand.datasets.store.annotation_store import AnnotationStore, StoreWriter
from mmhand.datasets.transforms.load_soft_hand_masks import MaskSource
from mmhand.hand_models.base import HandModel
from mmhand.registry import DATASETS
from mmhand.structures import CANONICAL, HAND_MASK_PLANES
from mmhand.utils.errors import HandConfigError

from .files import SPLITS, VERSIONS, FreiHANDFiles, find_freihand_files
from .store import VERSION, build_freihand_store

#: Where a hand without annotation is said to be, metres; its joints are not valid.
_NOWHERE = np.array([0.0, 0.0, 1.0])

#: Side of the central box that stands for an unknown hand's, over the picture's: 130 of 224.
_CENTRAL = 130 / 224
_SIDE = 224


def _values(plane: str) -> tuple[int, ...]:
    """Values of a synthetic set's mask bit field that have a plane's bit."""
    bit = HAND_MASK_PLANES.index(plane)
    return tuple(value for value in range(256) if value >> bit & 1)


_VISIBLE, _WHOLE = _values('right_visible'), _values('right_amodal')


@DATASETS.register_module()
class FreiHANDDataset(BaseHandDataset):
    """FreiHAND v2 in its official layout: ``SPLIT/rgb``, ``training/mask`` and lists ``SPLIT_*.json``.

    A training frame has up to four pictures, one per background; as in the official files all of a
    background follow those of the one before. The evaluation split has joints and meshes where the lists
    published later (``evaluation_xyz.json``, ``evaluation_verts.json``) lie beside the others; without
    them ``scored`` is false, no joint is valid, and ``bbox`` is the central box of 130 pixels.

    Besides the keys of :class:`BaseHandDataset` a sample has ``mask_sources`` (see
    :class:`.transforms.LoadSoftHandMasks`), ``scored``, ``hand_model``, ``toolkit_index``, its place in
    the official list, and with ``with_vertices`` ``vertices`` (2, V, 3). ``subject`` is known of
    synthetic sets only.

    ``subset`` keys: ``versions``: names of backgrounds, all that are there by default;
    ``subjects``: whose pictures (synthetic sets only), all people's by default.

    Args:
        data_root: see :func:`.files.find_freihand_files`.
        split: ``'training'`` or ``'evaluation'``.
        with_vertices: give meshes: those of ``SPLIT_verts.json``, or posed from the parameters with the
            wrist where it is annotated.
        ground_truth_dir: folder of the evaluation's published lists; ``data_root`` by default.
        whole_mask_dir: folder of whole-hand masks, relative to ``data_root``.
        hand_model: config (without ``side``) of the model that the parameters belong to. ``None``: MANO,
            or what a synthetic set names.
        kwargs: of :class:`BaseHandDataset`.

    Raises:
        HandConfigError, HandFileError, HandDataError: see :class:`BaseHandDataset`.
    """

    METAINFO: dict = dict(dataset_name='freihand', joint_set='canonical')

    SPLITS = SPLITS
    SUBSET_KEYS = ('versions', 'subjects')

    def __init__(
        self,
        data_root: str = '',
        split: str = 'training',
        subset: Mapping[str, Any] | None = None,
        with_vertices: bool = False,
        ground_truth_dir: str = '',
        whole_mask_dir: str = '',
        hand_model: Mapping | str | None = None,
        **kwargs: Any,
    ) -> None:
        self.with_vertices = with_vertices
        self._ground_truth_dir = ground_truth_dir
        self._whole_mask_dir = whole_mask_dir
        self._hand_model = hand_model
        super().__init__(data_root=data_root, split=split, subset=subset, **kwargs)

    @property
    def STORE_VERSION(self) -> str:  # noqa: N802
        """Meshes are a gigabyte of text; they are read only where they are wanted."""
        return f'{VERSION}{"-verts" if self.with_vertices else ""}'

    @cached_property
    def files(self) -> FreiHANDFiles:
        """Files of the split."""
        return find_freihand_files(self.data_root, self.split, self._ground_truth_dir)

    @cached_property
    def hand(self) -> HandModel:
        """The hand model, built when a mesh is first posed."""
        return right_hand_model(self._hand_model, self.data_root)

    @cached_property
    def hand_model_name(self) -> str:
        """Type of the hand model that the parameters belong to."""
        return model_name(self._hand_model, self.data_root)

    def source_files(self) -> Mapping[str, Path | None]:
        """See :class:`BaseHandDataset`."""
        lists = dict(self.files.lists)
        if not self.with_vertices:
            lists['verts'] = None
        people = self.files.root / f'{self.split}_subject.json'
        return {**lists, 'subject': people if people.is_file() else None}

    def build_store(
        self,
        writer: StoreWriter,
        sources: Mapping[str, Path | None],
        progress: Callable[[int], None],
    ) -> None:
        """See :func:`.store.build_freihand_store`."""
        build_freihand_store(writer, sources, progress)

    def select_rows(self, store: AnnotationStore) -> np.ndarray:
        """Numbers of pictures, versions counted, in the official order."""
        count = store['frame'].rows
        there = [
            version
            for place, version in enumerate(VERSIONS)
            if place == 0 or Path(self.files.image(place * count)).is_file()
        ]
        wanted = self.subset.get('versions', there)
        unknown = [version for version in wanted if version not in there]
        if unknown:
            raise HandConfigError(
                f'{self.files.root}/{self.split}/rgb has no version "{unknown[0]}"; it has '
                f'{", ".join(there)}'
            )
        places = [place for place, version in enumerate(VERSIONS) if version in wanted]
        frames = self._frames(store)
        numbers = [frames + place * count for place in places]
        return np.concatenate(numbers) if numbers else np.zeros(0, np.int64)

    def _frames(self, store: AnnotationStore) -> np.ndarray:
        """Numbers of the frames that show the wanted people."""
        frames = np.arange(store['frame'].rows)
        if 'subjects' not in self.subset:
            return frames
        if 'subject' not in store['frame']:
            raise HandConfigError(
                f'{self.files.root} names no subjects, so that subset.subjects cannot choose any'
            )
        people = np.array([store['frame']['subject'][frame] for frame in frames])
        wanted = [str(name) for name in self.subset['subjects']]
        unknown = sorted(set(wanted) - set(people.tolist()))
        if unknown:
            raise HandConfigError(
                f'{self.files.root} has no subject "{unknown[0]}" in {self.split}; it has '
                f'{len(set(people.tolist()))}, such as {people[0]}'
            )
        return frames[np.isin(people, wanted)]

    def read_row(self, store: AnnotationStore, row: int) -> dict:
        """See :class:`BaseHandDataset`; ``row`` is the picture's number."""
        frame = store['frame']
        number = row % frame.rows
        scored = 'joints' in frame
        joints = frame['joints'][number] if scored else np.tile(_NOWHERE, (len(CANONICAL), 1))
        values = {}
        if 'pose' in frame:
            values = dict(
                pose=np.array(frame['pose'][number]), betas=np.array(frame['betas'][number])
            )
        if self.with_vertices and scored:
            mesh = self._mesh(frame, number, joints[0])
            values |= {} if mesh is None else dict(vertices=mesh)
        if 'subject' in frame:
            values['subject'] = frame['subject'][number]
        side = _CENTRAL * _SIDE
        central = np.array([(_SIDE - side) / 2, (_SIDE - side) / 2, side, side])
        return single_hand_record(
            side='right',
            joints=joints,
            valid=float(scored),
            intrinsics=frame['K'][number],
            bbox=None if scored else central,
            sample_id=f'{self.split}/{row:08d}',
            img_path=self.files.image(row),
            dataset='freihand',
            hand_model=self.hand_model_name,
            scored=scored,
            toolkit_index=int(row),
            mask_sources=self._masks(number),
            **values,
        )

    def _mesh(self, frame: Mapping, number: int, wrist: np.ndarray) -> np.ndarray | None:
        """(V, 3) metres, camera frame."""
        if 'vertices' in frame:
            return frame['vertices'][number]
        if 'pose' not in frame:
            return None
        pose, betas = (
            torch.from_numpy(np.float32(frame[name][number]))[None] for name in ('pose', 'betas')
        )
        output = self.hand(pose[:, :3], pose[:, 3:], betas)
        return (output.vertices - output.joints[:, :1])[0].numpy() + wrist

    def _masks(self, number: int) -> dict[str, MaskSource]:
        sources = {}
        if self.split == 'training':
            sources['visible'] = MaskSource(self.files.mask(number))
        elif self._with_planes:
            sources['visible'] = MaskSource(self.files.planes(number), labels=_VISIBLE)
        if self._whole_mask_dir:
            path = Path(self.data_root) / self._whole_mask_dir / f'{number:08d}.png'
            sources['whole'] = MaskSource(str(path))
        elif self._with_planes:
            sources['whole'] = MaskSource(self.files.planes(number), labels=_WHOLE)
        return sources

    @cached_property
    def _with_planes(self) -> bool:
        # Only synthetic sets have them.
        return (self.files.root / 'masks' / self.split).is_dir()

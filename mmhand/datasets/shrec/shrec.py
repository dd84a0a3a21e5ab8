"""SHREC'17 (De Smedt et al.) and DHG-14/28: frames of gestures, for estimating their skeletons."""

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mmhand.cameras import unproject_depth
from mmhand.datasets.checks import Column, check_depth_joints
from mmhand.datasets.depth_hand_dataset import DepthHandDataset
from mmhand.datasets.store.annotation_store import AnnotationStore, StoreWriter
from mmhand.registry import DATASETS
from mmhand.utils.errors import HandConfigError, HandDataError, HandFileError

from .files import GestureSequence, find_dhg_sequences, find_shrec_sequences, read_skeletons


@DATASETS.register_module()
class SHRECDataset(DepthHandDataset):
    """SHREC'17: ``gesture_G/finger_F/subject_S/essai_E/FRAME_depth.png`` (16-bit mm) and skeletons.

    Samples are frames; ``sequence`` numbers the list's sequences, with ``label14`` and ``label28``.
    Joints are the sensor's own 22 of ``skeletons_image.txt`` at the depth of ``skeletons_world.txt``: no
    annotation by hand. Pictures, joints and centres are mirrored, as the release does for its right-hand
    model. A crop's middle is the skeleton's mean, per frame; its depth comes from an earlier estimate
    (``skeletons_world_pred.txt``, millimetres) with ``centers='published'``, from the sensor's skeleton
    with ``'joints'``, and by ``'auto'`` from the former where it is there.

    Args:
        data_root, split: see :class:`DepthHandDataset`.
        center_file, centers_y_up: of other sets, whose centres are in one file; refused here.
        kwargs: see :class:`DepthHandDataset`.

    Raises:
        HandConfigError: an argument for a file of centres.
    """

    METAINFO: dict = dict(dataset_name='shrec', joint_set='shrec22')
    SPLITS = ('train', 'test')
    NAME = CAMERA = 'shrec'
    JOINT_SET = 'shrec22'
    MIRRORED = True

    #: Files of a sequence: skeletons in the picture and in space, earlier estimates and their unit.
    IMAGE_FILE, WORLD_FILE = 'skeletons_image.txt', 'skeletons_world.txt'
    PREDICTED_FILE, PREDICTED_UNIT = 'skeletons_world_pred.txt', 0.001

    def __init__(
        self,
        data_root: str = '',
        split: str = 'train',
        center_file: str | None = None,
        centers_y_up: bool | None = None,
        **kwargs: Any,
    ) -> None:
        for name, value in (('center_file', center_file), ('centers_y_up', centers_y_up)):
            if value is not None:
                raise HandConfigError(
                    f'{name} has no effect on {type(self).__name__}: crops lie around the skeletons in '
                    "the sequences' folders; leave it out"
                )
        super().__init__(data_root=data_root, split=split, **kwargs)

    def sequences(self) -> list[GestureSequence]:
        """Sequences of the split."""
        return find_shrec_sequences(self.data_root, self.split)

    def lists(self) -> Path:
        """The file that the sequences come from."""
        return Path(self.data_root) / f'{self.split}_gestures.txt'

    def picture(self, sequence: GestureSequence, frame: int) -> str:
        """Picture of a frame, counted from 0 in its folder."""
        return f'{sequence.folder}/{frame}_depth.png'

    def predicted_rows(self, sequence: GestureSequence, rows: np.ndarray) -> np.ndarray:
        """Rows of an earlier estimate that belong to the sequence's frames."""
        return rows[sequence.first : sequence.first + sequence.length]

    @cached_property
    def center_path(self) -> Path | None:
        """Not a file for all, but one for each sequence."""
        return None

    @cached_property
    def _predicted(self) -> bool:
        if self.centers in ('depth', 'joints'):
            return False
        first = self.sequences()[0]
        path = Path(self.data_root) / first.folder / self.PREDICTED_FILE
        if self.centers == 'published' and not path.is_file():
            raise HandFileError(f"{path} is missing; take the sensor's skeletons, centers='joints'")
        return path.is_file()

    @property
    def center_source(self) -> str:
        """See :class:`DepthHandDataset`."""
        if self.centers == 'depth':
            return 'depth'
        return 'published' if self._predicted else 'joints'

    @property
    def store_name(self) -> str:
        """See :class:`BaseHandDataset`."""
        return f'{super().store_name}_{self.center_source}'

    def source_files(self) -> Mapping[str, Path | None]:
        """See :class:`BaseHandDataset`; the sequences' own files are not looked at for changes."""
        path = self.lists()
        if not path.is_file():
            raise HandFileError(
                f"{path} is missing: data_root must be the set's folder with gesture_1/ ..."
            )
        return {'sequences': path}

    def build_store(
        self,
        writer: StoreWriter,
        sources: Mapping[str, Path | None],
        progress: Callable[[int], None],
    ) -> None:
        """Table ``frame``: ``path``, ``sequence``, ``joints`` (N, 22, 3), labels, ``center``."""
        paths, joints, centers, numbers = [], [], [], []
        sequences = self.sequences()
        for number, sequence in enumerate(sequences):
            folder = Path(self.data_root) / sequence.folder
            stop = sequence.first + sequence.length
            uv, world = (
                read_skeletons(folder / name, dims)[sequence.first : stop]
                for name, dims in ((self.IMAGE_FILE, 2), (self.WORLD_FILE, 3))
            )
            if len(uv) != sequence.length or len(world) != sequence.length:
                raise HandDataError(
                    f'{folder}: skeletons of {len(uv)} frames, the list says {sequence.length}'
                )
            z = np.abs(world[..., 2:]).astype(np.float64)
            middle = z.mean(1)
            if self._predicted:
                path = folder / self.PREDICTED_FILE
                rows = self.predicted_rows(sequence, read_skeletons(path))
                if len(rows) != sequence.length:
                    raise HandDataError(
                        f'{path} has {len(rows)} frames, the list says {sequence.length}'
                    )
                middle = rows[..., 2:].mean(1) * self.PREDICTED_UNIT
            both = [np.concatenate(pair, -1) for pair in ((uv, z), (uv.mean(1), middle))]
            points, center = (
                self.mirror(unproject_depth(np.float64(uvz), self.CAMERA)) for uvz in both
            )
            joints.append(points)
            centers.append(center)
            paths += [self.picture(sequence, frame) for frame in range(sequence.first, stop)]
            numbers += [number] * sequence.length
        check_depth_joints(Column(self.data_root, 'skeletons', paths), np.concatenate(joints))
        check_depth_joints(
            Column(self.data_root, 'middle', paths), np.concatenate(centers)[:, None]
        )
        progress(sources['sequences'].stat().st_size)
        writer.add_strings('frame', 'path', paths)
        writer.add('frame', 'sequence', np.array(numbers))
        writer.add_strings('frame', 'subject', [str(sequences[n].subject) for n in numbers])
        for name in ('label14', 'label28'):
            writer.add('frame', name, np.array([getattr(sequences[n], name) for n in numbers]))
        writer.add('frame', 'joints', np.float32(np.concatenate(joints)))
        if self.center_source != 'depth':
            writer.add('frame', 'center', np.concatenate(centers))

    def cube_of(self, store: AnnotationStore, row: int) -> float:
        """See :class:`DepthHandDataset`."""
        return 0.2

    def read_row(self, store: AnnotationStore, row: int) -> dict:
        """See the class."""
        info = super().read_row(store, row)
        frame = store['frame']
        if 'center' in frame:  # not the mean of the joints in space
            info['crop_center'] = np.array(frame['center'][row])
        for name in ('sequence', 'label14', 'label28'):
            info[name] = int(frame[name][row])
        return info


@DATASETS.register_module()
class DHGDataset(SHRECDataset):
    """DHG-14/28: as SHREC'17, but ``depth_NUMBER.png`` from 1, ``skeleton_{image,world}.txt``.

    ``informations_troncage_sequences.txt`` cuts the sequences. Leave-one-person-out: ``test`` is
    ``test_subject``. Earlier estimates, ``skeletons_world_pred_normal_DSSF.txt``, are metres and have a
    row for each frame that is left.

    Args:
        test_subject: person of the test split, 1 to 20; ``split='all'`` takes everybody.
        kwargs: see :class:`DepthHandDataset`.
    """

    METAINFO: dict = dict(dataset_name='dhg', joint_set='shrec22')
    SPLITS = ('train', 'test', 'all')
    NAME = 'dhg'
    IMAGE_FILE, WORLD_FILE = 'skeleton_image.txt', 'skeleton_world.txt'
    PREDICTED_FILE, PREDICTED_UNIT = 'skeletons_world_pred_normal_DSSF.txt', 1.0

    def __init__(
        self, data_root: str = '', split: str = 'train', test_subject: int = 1, **kwargs: Any
    ) -> None:
        if isinstance(test_subject, bool) or test_subject not in range(1, 21):
            raise HandConfigError(f'test_subject is {test_subject!r}; DHG has people 1 to 20')
        self.test_subject = int(test_subject)
        super().__init__(data_root=data_root, split=split, **kwargs)

    @property
    def store_name(self) -> str:
        """See :class:`BaseHandDataset`."""
        return f'{super().store_name}_{self.test_subject}'

    def sequences(self) -> list[GestureSequence]:
        """See :class:`SHRECDataset`."""
        found = find_dhg_sequences(self.data_root)
        if self.split == 'all':
            return found
        test = self.split == 'test'
        chosen = [one for one in found if (one.subject == self.test_subject) == test]
        if not chosen:
            raise HandConfigError(
                f'{self.lists()} has no sequence of split "{self.split}" with test_subject='
                f'{self.test_subject}'
            )
        return chosen

    def lists(self) -> Path:
        """See :class:`SHRECDataset`."""
        return Path(self.data_root) / 'informations_troncage_sequences.txt'

    def picture(self, sequence: GestureSequence, frame: int) -> str:
        """See :class:`SHRECDataset`."""
        return f'{sequence.folder}/depth_{frame + 1}.png'

    def predicted_rows(self, sequence: GestureSequence, rows: np.ndarray) -> np.ndarray:
        """See :class:`SHRECDataset`."""
        return rows

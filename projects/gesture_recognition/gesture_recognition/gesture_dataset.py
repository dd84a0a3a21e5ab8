"""Skeleton sequences of SHREC'17 and DHG."""

from pathlib import Path

import numpy as np
import torch
from mmengine.logging import print_log
from torch.utils.data import Dataset

from mmhand.datasets.shrec import find_dhg_sequences, find_shrec_sequences, read_skeletons
from mmhand.datasets.transforms.random_state import worker_random_state
from mmhand.registry import DATASETS
from mmhand.structures import HandDataSample, get_joint_set
from mmhand.utils.errors import HandConfigError, HandDataError

_PALM = get_joint_set('shrec22').index('palm')

#: The sensor's own skeletons of each set.
_FILES = {'shrec': 'skeletons_world.txt', 'dhg': 'skeleton_world.txt'}


@DATASETS.register_module()
class GestureDataset(Dataset):
    """Sequences as eight frames of 22 joints about the palm of the first.

    Args:
        data_root: folder of the set.
        layout: ``'shrec'`` (official lists) or ``'dhg'`` (one person left out).
        split: ``'train'`` or ``'test'``.
        num_classes: 14 or 28.
        test_subject: of DHG, 1 to 20.
        skeletons: file of each sequence to read: the sensor's by default, or what a model exported
            (tools/export_skeletons.py).
        truncated: whether that file has the frames of the gesture only, as exported ones have.
        frames: how many are taken.
        augment: one of scale, shift, noise and time interpolation, or nothing.

    Raises:
        HandConfigError: unknown layout or number of classes.
        HandDataError: a file has fewer frames than the list says.
    """

    METAINFO: dict = dict(dataset_name='gestures', joint_set='shrec22')

    def __init__(
        self,
        data_root: str,
        layout: str = 'shrec',
        split: str = 'train',
        num_classes: int = 14,
        test_subject: int = 1,
        skeletons: str | None = None,
        truncated: bool | None = None,
        frames: int = 8,
        augment: bool = False,
    ) -> None:
        if layout not in _FILES:
            raise HandConfigError(f'layout is "{layout}", not one of {", ".join(_FILES)}')
        if num_classes not in (14, 28):
            raise HandConfigError(f'num_classes is {num_classes}, not 14 or 28')
        if split not in ('train', 'test'):
            raise HandConfigError(f'split is "{split}", not train or test')
        self.metainfo = dict(self.METAINFO)
        if layout == 'shrec':
            found = find_shrec_sequences(data_root, split)
        else:
            test = split == 'test'
            found = [
                s for s in find_dhg_sequences(data_root) if (s.subject == test_subject) == test
            ]
        if not found:
            raise HandDataError(f'{data_root} has no sequence of split "{split}"')
        name = skeletons or _FILES[layout]
        truncated = skeletons is not None if truncated is None else truncated
        self.sequences, self.labels, self.names = [], [], []
        for sequence in found:
            path = Path(data_root) / sequence.folder / name
            skeleton = read_skeletons(path)
            if not truncated:
                skeleton = skeleton[sequence.first : sequence.first + sequence.length]
            if len(skeleton) != sequence.length:
                raise HandDataError(
                    f'{path} has {len(skeleton)} frames of the gesture, the list says {sequence.length}'
                )
            self.sequences.append(skeleton)
            self.labels.append(getattr(sequence, f'label{num_classes}'))
            self.names.append(sequence.folder)
        self.frames, self.augment = frames, augment
        print_log(f'{len(self)} sequences of {layout} {split}, {name}', logger='current')

    def __len__(self) -> int:
        return len(self.sequences)

    def __getitem__(self, index: int) -> dict:
        skeleton = self.sequences[index]
        if self.augment:
            skeleton = augment_skeletons(skeleton, worker_random_state())
        skeleton = sample_frames(skeleton, self.frames)
        skeleton = skeleton - skeleton[0, _PALM]
        sample = HandDataSample(
            metainfo=dict(label=self.labels[index], sample_id=self.names[index])
        )
        return dict(inputs=torch.from_numpy(np.float32(skeleton)), data_samples=sample)


def sample_frames(skeleton: np.ndarray, count: int) -> np.ndarray:
    """(count, J, 3): frames at even distances; the last is repeated where there are fewer."""
    if len(skeleton) < count:
        rest = np.repeat(skeleton[-1:], count - len(skeleton), axis=0)
        return np.concatenate([skeleton, rest])
    return skeleton[np.linspace(0, len(skeleton) - 1, count).round().astype(int)]


def augment_skeletons(skeleton: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
    """One change of a sequence (T, J, 3), metres: scale, shift, noise on four joints, or time."""
    kind = rng.randint(4)
    if kind == 0:
        return skeleton * rng.uniform(0.8, 1.2)
    if kind == 1:
        return skeleton + rng.uniform(-0.1, 0.1, 3)
    if kind == 2:
        moved = skeleton.copy()
        joints = rng.permutation(skeleton.shape[1])[:4]
        moved[:, joints] += rng.uniform(-0.1, 0.1, (len(skeleton), 4, 3))
        return moved
    # Between every two frames anywhere.
    share = rng.uniform(0, 1, (len(skeleton) - 1, 1, 1))
    if not len(share):
        return skeleton
    return skeleton[:-1] + share * (skeleton[1:] - skeleton[:-1])

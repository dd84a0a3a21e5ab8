"""FreiHAND's folders and lists."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mmhand.utils.errors import HandFileError

SPLITS = ('training', 'evaluation')

#: Backgrounds of a training picture in the order of their files: as recorded before the green screen,
#: and three ways of composing another one.
VERSIONS = ('gs', 'hom', 'sample', 'auto')

#: Lists of a split; of evaluation only the first two come with the pictures, the rest came later.
LISTS = ('K', 'scale', 'xyz', 'mano', 'verts')

#: Lists that a split cannot be without.
NEEDED = {'training': ('K', 'xyz'), 'evaluation': ('K',)}

#: Pictures of the official splits without versions.
OFFICIAL_COUNTS = {'training': 32560, 'evaluation': 3960}


@dataclass(frozen=True)
class FreiHANDFiles:
    """Where a split's files lie.

    Attributes:
        root: folder of the lists.
        split: ``'training'`` or ``'evaluation'``.
        lists: path of each list of :data:`LISTS`; ``None`` where there is none.
    """

    root: Path
    split: str
    lists: Mapping[str, Path | None]

    def image(self, number: int) -> str:
        """Picture of a number, versions counted."""
        return os.path.join(self.root, self.split, 'rgb', f'{number:08d}.jpg')

    def mask(self, number: int) -> str:
        """Official mask of the visible hand."""
        return os.path.join(self.root, self.split, 'mask', f'{number:08d}.jpg')

    def planes(self, number: int) -> str:
        """All mask planes of a synthetic set."""
        return os.path.join(self.root, 'masks', self.split, 'rgb', f'{number:08d}.png')


def find_freihand_files(data_root: str | Path, split: str, ground_truth: str = '') -> FreiHANDFiles:
    """Look for a split's files.

    Args:
        data_root: folder of ``training``, ``evaluation`` and the lists, or one that has it as
            ``FreiHAND_pub_v2``.
        split: one of :data:`SPLITS`.
        ground_truth: folder of the evaluation's published lists; ``data_root`` by default.

    Raises:
        HandFileError: a list that the split needs is missing, or ``ground_truth`` is no folder.
    """
    base = Path(data_root)
    inner = base / 'FreiHAND_pub_v2'
    root = inner if not (base / split).is_dir() and (inner / split).is_dir() else base
    folders = [base / ground_truth] if ground_truth else []
    lists: dict[str, Path | None] = {}
    for name in LISTS:
        published = folders if split == 'evaluation' and name not in ('K', 'scale') else []
        paths = [folder / f'{split}_{name}.json' for folder in [*published, root]]
        lists[name] = next((path for path in paths if path.is_file()), None)
    if ground_truth and not folders[0].is_dir():
        raise HandFileError(f'ground_truth_dir {folders[0]} is not a folder')
    for name in NEEDED[split]:
        if lists[name] is None:
            raise HandFileError(
                f'{root}/{split}_{name}.json is missing: data_root must be the folder of FreiHAND '
                f'(FreiHAND_pub_v2) with {split}/rgb and the lists'
            )
    return FreiHANDFiles(root, split, lists)

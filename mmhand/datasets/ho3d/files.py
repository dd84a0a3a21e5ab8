"""HO3D's folders: where pictures, annotations, masks and published ground truth lie."""

import os
from dataclasses import dataclass
from pathlib import Path

from mmhand.datasets.checks import shorten
from mmhand.utils.errors import HandConfigError, HandDataError, HandFileError

VERSIONS = ('v2', 'v3')

#: Names of the sequences' folders below a split, and of the whole-hand masks' folder.
_WHOLE_MASKS = 'whole_masks'

#: What a frame's name ends in, in pictures and in visible masks; and the masks' BGR channel.
_RGB_SUFFIX = {'v2': '.png', 'v3': '.jpg'}
_MASK_SUFFIX = {'v2': '.jpg', 'v3': '.png'}
MASK_CHANNEL = {'v2': 2, 'v3': 0}


@dataclass(frozen=True)
class HO3DFiles:
    """Files of one split.

    Attributes:
        root: folder that holds the split's folder.
        split: ``'train'`` or ``'evaluation'``.
        version: ``'v2'`` or ``'v3'``.
        frames: the official list (``train.txt``): one ``SEQUENCE/FRAME`` a line.
        annotations: HandOccNet's JSON in place of the official pickles, or ``None``.
        joints: published ``evaluation_xyz.json``, or ``None``.
        vertices: published ``evaluation_verts.json``, or ``None``.
        whole_masks: folder of whole-hand masks of the split.
    """

    root: Path
    split: str
    version: str
    frames: Path | None
    annotations: Path | None
    joints: Path | None
    vertices: Path | None
    whole_masks: Path

    def meta(self, frame: str) -> Path:
        """Annotation pickle of ``SEQUENCE/FRAME``."""
        sequence, name = frame.split('/')
        return self.root / self.split / sequence / 'meta' / f'{name}.pkl'

    def image(self, frame: str, suffix: str | None = None) -> str:
        """Picture of ``SEQUENCE/FRAME``."""
        sequence, _, name = frame.partition('/')
        suffix = suffix or _RGB_SUFFIX[self.version]
        return os.path.join(self.root, self.split, sequence, 'rgb', name + suffix)

    def visible_mask(self, frame: str) -> str:
        """Mask of the visible hand, by the data set's authors (training split only)."""
        sequence, _, name = frame.partition('/')
        suffix = _MASK_SUFFIX[self.version]
        return os.path.join(self.root, self.split, sequence, 'seg', name + suffix)

    def whole_mask(self, frame: str) -> str:
        """Mask of the whole hand, made by ``tools/dataset_converters/whole_hand_masks.py``."""
        return os.path.join(self.whole_masks, f'{frame}.png')


def find_ho3d_files(
    data_root: str | Path,
    split: str,
    version: str,
    ann_file: str = '',
    whole_masks: str = '',
    ground_truth: str = '',
) -> HO3DFiles:
    """Look for HO3D's files.

    Args:
        data_root: the official folder (with ``train``, ``evaluation`` and their ``.txt`` lists), or
            HandOccNet's (with these in ``data``).
        split: ``'train'`` or ``'evaluation'``.
        version: ``'v2'`` or ``'v3'``.
        ann_file: HandOccNet's JSON; relative to ``data_root``.
        whole_masks: folder of the split's whole-hand masks; default ``whole_masks/SPLIT``.
        ground_truth: folder of ``evaluation_xyz.json`` and ``evaluation_verts.json``; default
            ``data_root``.

    Raises:
        HandConfigError: unknown version.
        HandFileError: the list or the JSON is missing, or ``ground_truth`` is no folder.
    """
    if version not in VERSIONS:
        raise HandConfigError(f'HO3D has versions {", ".join(VERSIONS)}, not {version!r}')
    base = Path(data_root)
    root = (
        base if (base / split).is_dir() or not (base / 'data' / split).is_dir() else base / 'data'
    )
    frames = root / f'{split}.txt'
    annotations = base / ann_file if ann_file else None
    needed = annotations or frames
    if not needed.is_file():
        raise HandFileError(
            f'{needed} is missing: data_root must be the folder of HO3D with {split}/ and '
            f"{split}.txt, or ann_file must name HandOccNet's JSON"
        )
    truth = base / ground_truth
    published = [truth / f'evaluation_{kind}.json' for kind in ('xyz', 'verts')]
    joints, vertices = (
        path if split == 'evaluation' and path.is_file() else None for path in published
    )
    if not truth.is_dir():
        raise HandFileError(f'ground_truth_dir {truth} is not a folder')
    return HO3DFiles(
        root,
        split,
        version,
        frames if frames.is_file() else None,
        annotations,
        joints,
        vertices,
        base / whole_masks if whole_masks else root / _WHOLE_MASKS / split,
    )


def read_frame_list(path: Path) -> list[str]:
    """``SEQUENCE/FRAME`` entries of an official list, in its order.

    Raises:
        HandDataError: a line is something else; names it.
    """
    try:
        lines = path.read_text().split()
    except (OSError, UnicodeDecodeError) as error:
        raise HandFileError(f'cannot read {path}: {error}') from None
    for number, line in enumerate(lines, 1):
        parts = line.split('/')
        if len(parts) != 2 or not all(parts) or '..' in parts:
            raise HandDataError(
                f'{path}: line {number} is {shorten(line)}, expected SEQUENCE/FRAME; correct the line'
            )
    if not lines:
        raise HandDataError(f'{path} lists no frame')
    return lines

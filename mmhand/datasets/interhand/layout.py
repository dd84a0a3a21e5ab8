"""Where InterHand2.6M's releases keep their files."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mmengine.logging import print_log

from mmhand.utils.errors import HandConfigError, HandFileError

SPLITS = ('train', 'val', 'test')

#: Who annotated the joints: people, a network, or either.
SOURCES = ('all', 'human', 'machine')

FPS = (5, 30)


@dataclass(frozen=True)
class InterHandFiles:
    """Files of one split.

    Attributes:
        data: images and annotations, COCO style.
        camera: cameras of every capture.
        joint_3d: joints of every frame in the world.
        mano: MANO parameters of every frame, or ``None``.
        id_list: annotation ids of the wanted source, one a line, or ``None`` for all.
        exclude: the list names the annotations that are *not* wanted.
        images: folder that the ``file_name`` of the images is relative to.
        masks: folder with masks under the same names (synthetic sets), or ``None``.
        depth: folder with depth maps under the same names (synthetic sets), or ``None``.
    """

    data: Path
    camera: Path
    joint_3d: Path
    mano: Path | None
    id_list: Path | None
    exclude: bool
    images: Path
    masks: Path | None
    depth: Path | None


def find_interhand_files(
    data_root: str | Path,
    split: str = 'train',
    source: str = 'all',
    fps: int = 5,
    overrides: Mapping[str, str | Path | None] | None = None,
) -> InterHandFiles:
    """Find the files of a split, in whichever released layout the folder has.

    v1.0 keeps ``annotations/{split}/InterHand2.6M_{split}_*.json`` for both sources, with the
    annotation ids of each in ``aid_{human,machine}_annot_{split}.txt``; v0.0 (and mmpose's
    re-packed archive) has ``annotations/{all,human_annot,machine_annot}/`` instead. Both may sit in
    ``InterHand2.6M_{fps}fps_batch1`` below the root, as the official archives unpack; 30 fps
    annotations may also be in ``annotations_30fps`` and ``images_30fps``.

    Args:
        data_root: the data set's folder.
        split: ``'train'``, ``'val'`` or ``'test'``.
        source: ``'all'``, ``'human'`` or ``'machine'``.
        fps: 5 or 30.
        overrides: paths that replace what the layout would give: ``data``, ``camera``,
            ``joint_3d``, ``mano``, ``id_list``, ``images``, ``masks``, ``depth``; relative ones
            start at ``data_root``.

    Raises:
        HandConfigError: unknown split, source or frame rate.
        HandFileError: a file or folder is missing; the message says where it was looked for.
    """
    for name, value, known in (
        ('split', split, SPLITS),
        ('source', source, SOURCES),
        ('fps', fps, FPS),
    ):
        if value not in known:
            raise HandConfigError(f'unknown {name} {value!r}; known: {", ".join(map(str, known))}')
    root = Path(data_root)
    if not root.is_dir():
        raise HandFileError(f'data_root {root} is not a folder')
    given = {key: root / path for key, path in (overrides or {}).items() if path not in (None, '')}
    bases = [root / f'InterHand2.6M_{fps}fps_batch1', root]
    suffixes = [f'_{fps}fps', ''] if fps != FPS[0] else ['']
    found = {key: given[key] for key in ('data', 'camera', 'joint_3d') if key in given}
    annotations, needs_list = root, False
    if len(found) < 3 or (source != 'all' and 'id_list' not in given):
        annotations, needs_list = _annotation_folder(bases, suffixes, split, source, given)
    for key in ('data', 'camera', 'joint_3d'):
        path = found.setdefault(key, annotations / f'InterHand2.6M_{split}_{key}.json')
        if not path.is_file():
            raise HandFileError(f'cannot read {key} file {path}: no such file')
    mano = given.get('mano')
    if mano is None:
        beside = annotations / f'InterHand2.6M_{split}_MANO_NeuralAnnot.json'
        mano = beside if beside.is_file() else None
    elif not mano.is_file():
        raise HandFileError(f'cannot read mano file {mano}: no such file')
    id_list, exclude = _id_list(given, annotations, split, source, needs_list)
    images = given.get('images') or _first_folder(
        [base / f'images{suffix}' / split for base in bases for suffix in suffixes], 'image'
    )
    if not images.is_dir():
        raise HandFileError(f'image folder {images} does not exist')
    planes = {}
    for key in ('masks', 'depth'):
        beside = images.parent.with_name(images.parent.name.replace('images', key)) / images.name
        usable = beside != images and beside.is_dir()
        planes[key] = given.get(key) or (beside if usable else None)
    return InterHandFiles(
        **found, mano=mano, id_list=id_list, exclude=exclude, images=images, **planes
    )


def _annotation_folder(
    bases: list[Path], suffixes: list[str], split: str, source: str, given: Mapping[str, Path]
) -> tuple[Path, bool]:
    """Folder of a split's annotations, and whether an id list must pick the source's."""
    old = {
        'all': ('all', 'machine_annot'),
        'human': ('human_annot',),
        'machine': ('machine_annot',),
    }
    tried = []
    for base in bases:
        for suffix in suffixes:
            folder = base / f'annotations{suffix}'
            tried.append(folder)
            if (folder / split / f'InterHand2.6M_{split}_data.json').is_file():
                return folder / split, source != 'all'
            for name in old[source]:
                # v0.0's val was annotated by the machine only and has no folder in `all`.
                if (folder / name / f'InterHand2.6M_{split}_data.json').is_file():
                    return folder / name, False
    raise HandFileError(
        f'no InterHand2.6M annotations of split "{split}" ({source}): looked for '
        f'{split}/InterHand2.6M_{split}_data.json and {old[source][0]}/InterHand2.6M_{split}_data.json '
        f'in {", ".join(map(str, tried))}'
    )


def _id_list(
    given: Mapping[str, Path], annotations: Path, split: str, source: str, needed: bool
) -> tuple[Path | None, bool]:
    """List of annotation ids that picks a source, and whether it lists the unwanted ones."""
    if 'id_list' in given:
        if not given['id_list'].is_file():
            raise HandFileError(f'cannot read id list {given["id_list"]}: no such file')
        return given['id_list'], False
    if source == 'all' or not needed:
        return None, False
    other = 'machine' if source == 'human' else 'human'
    for listed, exclude in ((source, False), (other, True)):
        name = f'aid_{listed}_annot_{split}.txt'
        for folder in (annotations, annotations.parent, annotations.parent.parent):
            path = folder / name
            if path.is_file():
                if exclude:
                    print_log(
                        f'{split} annotations by {source} taken as those not in {path}; frames '
                        'that both annotated are left out',
                        logger='current',
                        level=logging.WARNING,
                    )
                return path, exclude
    if split == 'val' and source == 'machine':
        return None, False  # all of val was annotated by the machine
    raise HandFileError(
        f'no list of {source} annotations of split "{split}": put aid_{source}_annot_{split}.txt '
        f'into {annotations} or give id_list'
    )


def _first_folder(folders: list[Path], what: str) -> Path:
    for folder in folders:
        if folder.is_dir():
            return folder
    raise HandFileError(f'no {what} folder: looked for {", ".join(map(str, folders))}')

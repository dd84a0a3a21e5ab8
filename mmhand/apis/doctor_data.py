"""Which data sets lie in folders, in which version, and what is missing from them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple


class Need(NamedTuple):
    """A part of a data set.

    Attributes:
        patterns: globs, any of which is enough.
        remedy: what is lacking without it, and where it is from.
        optional: training and testing work without.
    """

    patterns: tuple[str, ...]
    remedy: str
    optional: bool = False


@dataclass(frozen=True)
class KnownSet:
    """How a data set is told by its files (docs/en/datasets.md).

    Attributes:
        name: the set's.
        marks: globs, any of which tells it.
        needs: its other parts.
        version: words about a folder's version and layout.
    """

    name: str
    marks: tuple[str, ...]
    needs: tuple[Need, ...] = ()
    version: Callable[[Path], str] = lambda root: ''


class FoundSet(NamedTuple):
    """A data set in a folder.

    Attributes:
        root: the folder.
        name: the set's, with its version where it has several, and whether it is synthetic.
        missing: parts that are not there.
    """

    root: Path
    name: str
    missing: list[Need]


def _interhand(root: Path) -> str:
    old = any((root / 'annotations' / name).is_dir() for name in ('all', 'human_annot'))
    return 'v0.0' if old else 'v1.0'


def _ho3d(root: Path) -> str:
    return 'v3' if _any(root, ('train/*/rgb/*.jpg', 'evaluation/*/rgb/*.jpg')) else 'v2'


def _icvl(root: Path) -> str:
    return '(Training/, Testing/)' if (root / 'Training').is_dir() else ''


def _msra(root: Path) -> str:
    people = sum((root / f'P{person}').is_dir() for person in range(9))
    return f'({people} of 9 people)'


_CENTERS = 'published crop centres; without them centres are found in the depth'
_SCORING = 'ground truth published apart; without it tests write a submission and score nothing'

#: More telling ones first: a folder is the first that fits.
KNOWN_SETS = (
    KnownSet(
        'InterHand2.6M',
        ('annotations/*/InterHand2.6M_*_data.json',),
        (
            Need(('images/*/Capture*',), 'pictures: images/SPLIT/Capture*, from its site'),
            Need(('annotations/*/InterHand2.6M_*_camera.json',), 'cameras, from its site'),
            Need(('annotations/*/InterHand2.6M_*_joint_3d.json',), 'joints, from its site'),
            Need(
                ('annotations/*/InterHand2.6M_*_MANO_NeuralAnnot.json',),
                'meshes: the NeuralAnnot MANO fits, from its site; needed by HDR and Two-Hand',
                True,
            ),
        ),
        _interhand,
    ),
    KnownSet('AIH', ('AIH_syn', 'AIH_render')),
    KnownSet(
        'HO3D',
        ('train/*/meta', 'evaluation/*/meta'),
        (
            Need(('train.txt',), 'list of the training split, from its repository'),
            Need(('evaluation.txt',), 'list of the test split, from its repository'),
            Need(
                ('evaluation_xyz.json',),
                f'evaluation_xyz.json, evaluation_verts.json: {_SCORING}',
                True,
            ),
        ),
        _ho3d,
    ),
    KnownSet('ObMan', ('*/meta/????????.pkl',), (Need(('*/rgb',), 'pictures: SPLIT/rgb'),)),
    KnownSet(
        'DexYCB',
        ('*-subject-*', 'data/*-subject-*'),
        (
            Need(
                ('calibration/mano_*', 'data/calibration/mano_*'),
                "calibration/: the people's shapes and the cameras, from its site",
            ),
        ),
    ),
    KnownSet(
        'FreiHAND',
        ('training_K.json', 'evaluation_K.json'),
        (
            Need(('training/rgb',), 'training pictures: training/rgb'),
            Need(('training_mano.json',), 'shapes and poses: training_mano.json'),
            Need(
                ('evaluation_xyz.json',),
                f'evaluation_xyz.json, evaluation_verts.json: {_SCORING}',
                True,
            ),
        ),
    ),
    KnownSet('HUMBI', ('subject_*/hand',)),
    KnownSet(
        'NYU',
        ('*/depth_?_*.png',),
        (
            Need(('train/joint_data.mat',), 'train/joint_data.mat: the joints, from its site'),
            Need(('test/joint_data.mat',), 'test/joint_data.mat: the joints, from its site'),
            Need(('center_*_refined.txt',), _CENTERS, True),
        ),
    ),
    KnownSet(
        'ICVL',
        ('test_seq_1.txt', 'Testing/test_seq_1.txt', 'Training/labels.txt'),
        (
            Need(('Depth', 'Training/Depth'), 'depth pictures: Depth/ or Training/Depth'),
            Need(('center_*_refined.txt',), _CENTERS, True),
        ),
        _icvl,
    ),
    KnownSet(
        'MSRA', ('P?/*/joint.txt',), (Need(('center_*_refined.txt',), _CENTERS, True),), _msra
    ),
    KnownSet(
        'HANDS 2017',
        ('training/Training_Annotation.txt',),
        (Need(('training/images',), 'depth pictures: training/images'),),
    ),
    KnownSet('DHG', ('informations_troncage_sequences.txt',)),
    KnownSet(
        "SHREC'17",
        ('train_gestures.txt', 'gesture_*/finger_*'),
        (
            Need(('train_gestures.txt',), 'train_gestures.txt: the training split'),
            Need(('test_gestures.txt',), 'test_gestures.txt: the test split'),
        ),
    ),
)


def find_data(folders: Sequence[Path]) -> Iterator[FoundSet]:
    """The data sets in folders and right below them.

    Nothing is opened; only whether files are there is looked at.

    Args:
        folders: existing ones.
    """
    for folder in folders:
        # Like a glob, which passes over folders that may not be read.
        below = sorted(path for path in folder.glob('*') if path.is_dir())
        for root in (folder, *below):
            if (found := identify(root)) is not None:
                yield found


def identify(root: Path) -> FoundSet | None:
    """The data set of a folder, or ``None``."""
    for known in KNOWN_SETS:
        if _any(root, known.marks):
            missing = [need for need in known.needs if not _any(root, need.patterns)]
            words = [known.name, known.version(root)]
            if (root / 'synthetic.json').is_file():
                words.append('(synthetic)')
            return FoundSet(root, ' '.join(filter(None, words)), missing)
    return None


def _any(root: Path, patterns: Sequence[str]) -> bool:
    """Whether a glob finds something; unreadable folders hold nothing."""
    try:
        return any(next(islice(root.glob(pattern), 1), None) for pattern in patterns)
    except OSError:
        return False

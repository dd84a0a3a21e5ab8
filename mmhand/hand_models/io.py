"""Safe reader of hand model files: the official MANO pickle and mmhand's ``.npz``.

The official pickles were written by Python 2 and hold chumpy arrays and a scipy sparse matrix.
Nothing in them is ever imported or called here: the unpickler turns every global into an inert
record of its name, arguments and state, refuses names outside a short list, and the records of
arrays are then evaluated by this module. Neither chumpy nor scipy is needed.
"""

import io
import os
import pickle
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from mmhand.structures.joint_sets import get_joint_set
from mmhand.utils.atomic_io import atomic_write
from mmhand.utils.errors import HandDataError, HandFileError, UnsafeFileError
from mmhand.utils.pickle_records import Record, evaluate
from mmhand.utils.plain_file import read_plain
from mmhand.utils.safe_npz import load_npz

#: Environment variable with the folder that holds ``MANO_RIGHT.pkl`` and ``MANO_LEFT.pkl``.
MANO_ROOT_VARIABLE = 'MMHAND_MANO_ROOT'

#: Where the files lie below a root in the official archive and in other libraries' layouts.
_MANO_FOLDERS = ('', 'models', 'mano', 'mano_v1_2/models')

NUM_VERTS = 778
NUM_FACES = 1538

#: Arrays of a MANO file and their shapes; ``None`` is free.
MANO_SHAPES: dict[str, tuple[int | None, ...]] = {
    'v_template': (NUM_VERTS, 3),
    'shapedirs': (NUM_VERTS, 3, None),
    'posedirs': (NUM_VERTS, 3, 135),
    'weights': (NUM_VERTS, 16),
    'J_regressor': (16, NUM_VERTS),
    'f': (NUM_FACES, 3),
    'hands_mean': (45,),
    'hands_components': (None, 45),
}

_CHUMPY = 'chumpy'
_ALLOWED = frozenset(
    {
        # Chumpy keeps sets of changed variables; like all else they only become records.
        *product(('builtins',), ('object', 'set', 'frozenset', 'slice', 'bytearray')),
        ('copyreg', '_reconstructor'),
        ('_codecs', 'encode'),
        ('numpy', 'ndarray'),
        ('numpy', 'dtype'),
        *product(('numpy.core.multiarray', 'numpy._core.multiarray'), ('_reconstruct', 'scalar')),
        *product(('numpy.core.numeric', 'numpy._core.numeric'), ('_frombuffer',)),
        *(
            (f'scipy.sparse{module.format(kind)}', f'{kind}_{suffix}')
            for module, kind, suffix in product(
                ('', '.{}', '._{}'), ('csc', 'csr', 'coo'), ('matrix', 'array')
            )
        ),
    }
)
#: Modules under which a platform or Python 2 pickles what is known from another.
_KNOWN_AS = {'posix': 'os', 'nt': 'os', '__builtin__': 'builtins', 'copy_reg': 'copyreg'}


class _RecordUnpickler(pickle.Unpickler):
    """Unpickler whose every global is an inert :class:`Record` subclass."""

    def __init__(self, stream: io.BufferedIOBase, path: str) -> None:
        # Python 2 strings hold raw bytes of arrays; latin1 keeps each byte.
        super().__init__(stream, encoding='latin1')
        self.path = path
        self.classes: dict[tuple[str, str], type[Record]] = {}

    def find_class(self, module: str, name: str) -> type[Record]:
        """Record the global under its name, or refuse it."""
        known = _KNOWN_AS.get(module, module)
        chumpy = known.partition('.')[0] == _CHUMPY and name.isidentifier()
        if not chumpy and (known, name) not in _ALLOWED:
            also = f' (stored as {module}.{name})' if known != module else ''
            raise UnsafeFileError(
                f'{self.path}: refused, it asks for "{known}.{name}"{also}, which a hand model '
                'file has no use for; get the file from its official source'
            )
        key = (known, name)
        if key not in self.classes:
            qualified = f'{known}.{name}'
            self.classes[key] = type('Record', (Record,), {'__slots__': (), 'origin': qualified})
        return self.classes[key]


def load_pickle(path: str | Path) -> Any:
    """Read a pickle of numpy, scipy.sparse and chumpy arrays without running anything in it.

    Args:
        path: the file.

    Returns:
        What was pickled; arrays stay :class:`~mmhand.utils.pickle_records.Record` objects
        until :func:`~mmhand.utils.pickle_records.evaluate` turns them into numpy arrays.

    Raises:
        UnsafeFileError: the pickle asks for any other class or function, named in the message.
        HandFileError: missing, unreadable, truncated or not a pickle.
    """
    path = Path(path)
    try:
        content = read_plain(path)
    except OSError as error:
        raise HandFileError(f'{path}: cannot be read ({error.strerror or error})') from None
    return load_pickle_stream(io.BytesIO(content), str(path))


def load_pickle_stream(stream: io.BufferedIOBase, name: str) -> Any:
    """:func:`load_pickle` of what is left of an open file, called ``name`` in messages.

    Raises:
        UnsafeFileError, HandFileError: see :func:`load_pickle`.
    """
    try:
        return _RecordUnpickler(stream, name).load()
    except (UnsafeFileError, MemoryError):
        raise
    except Exception as error:  # a broken pickle can fail in any way
        raise HandFileError(
            f'{name}: truncated or not a pickle ({type(error).__name__}: {error}); '
            'copy or download it again'
        ) from None


def _load_npz(path: Path) -> dict[str, np.ndarray]:
    return load_npz(path, {*MANO_SHAPES, 'kintree_table', 'side'})


def load_mano_file(path: str | Path) -> dict[str, np.ndarray]:
    """Read ``MANO_{RIGHT,LEFT}.pkl`` as published, or an ``.npz`` of ``mano_to_npz``.

    Args:
        path: the file; a name that ends in ``.npz`` is read as such, any other as a pickle.

    Returns:
        Arrays by MANO's names, metres: those of :data:`MANO_SHAPES` (the joint regressor dense),
        floats as float64 and faces as int64, plus ``side`` (a 0-d string array) where an ``.npz``
        states it.

    Raises:
        UnsafeFileError: a pickle that asks for foreign classes.
        HandFileError: missing, unreadable or truncated.
        HandDataError: a key is missing, or an array has a wrong shape, type or non-finite values.
    """
    path = Path(path)
    raw = _load_npz(path) if path.suffix == '.npz' else load_pickle(path)
    if not isinstance(raw, Mapping):
        raise HandDataError(f'{path}: holds a {type(raw).__name__}, not the dict of a MANO model')
    return mano_arrays(raw, str(path))


def mano_arrays(raw: Mapping[str, Any], where: str) -> dict[str, np.ndarray]:
    """Check the entries of a MANO model and bring them to plain arrays.

    Args:
        raw: entries by MANO's names: arrays, anything with ``toarray`` or an ``r`` property, or
            the records of :func:`load_pickle`.
        where: what to call the source in messages.

    Returns:
        As :func:`load_mano_file`.

    Raises:
        HandDataError: see :func:`load_mano_file`.
    """
    missing = [key for key in MANO_SHAPES if key not in raw]
    if missing:
        raise HandDataError(f'{where}: lacks key {", ".join(missing)}; is it a MANO model?')
    arrays = {key: _array(raw[key], where, key, MANO_SHAPES[key]) for key in MANO_SHAPES}
    if arrays['f'].min() < 0 or arrays['f'].max() >= NUM_VERTS:
        raise HandDataError(f'{where}: key f names vertices outside 0 to {NUM_VERTS - 1}')
    if 'kintree_table' in raw:
        table = _array(raw['kintree_table'], where, 'kintree_table', (2, 16))
        # The root's parent is stored as -1 or, in uint32, as 2 ** 32 - 1.
        parents = (-1, *table[0, 1:].astype(int).tolist())
        if parents != get_joint_set('mano16').parents:
            raise HandDataError(f"{where}: key kintree_table is not MANO's tree: {parents}")
    if 'side' in raw:
        arrays['side'] = np.asarray(str(evaluate(raw['side'])))
    return arrays


def _array(value: Any, where: str, key: str, shape: tuple[int | None, ...]) -> np.ndarray:
    """One entry as a float64 (faces: int64) array of the given shape."""
    try:
        value = evaluate(value)
        if hasattr(value, 'toarray'):
            value = value.toarray()
        value = getattr(value, 'r', value)  # a live chumpy array
        array = np.asarray(value).astype(np.int64 if key == 'f' else np.float64)
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError) as error:
        raise HandDataError(f'{where}: key {key} is no numeric array ({error})') from None
    except (MemoryError, ValueError) as error:
        raise HandDataError(f'{where}: key {key} is no usable array ({error})') from None
    fits = array.ndim == len(shape) and all(
        want is None or want == got for want, got in zip(shape, array.shape, strict=True)
    )
    if not fits:
        text = ', '.join('?' if want is None else str(want) for want in shape)
        raise HandDataError(f'{where}: key {key} has shape {array.shape}, expected ({text})')
    if not np.isfinite(array).all():
        raise HandDataError(f'{where}: key {key} holds NaN or infinite numbers')
    return array


def save_mano_npz(arrays: Mapping[str, np.ndarray], path: str | Path, side: str) -> None:
    """Write a MANO model in mmhand's ``.npz`` form: plain arrays, no pickle, and its side.

    Args:
        arrays: as :func:`load_mano_file` returns them.
        path: the file to write; appears whole or not at all.
        side: ``'right'`` or ``'left'``.

    Raises:
        HandFileError: the file cannot be written.
    """
    path = Path(path)
    content = {key: arrays[key] for key in MANO_SHAPES}
    with atomic_write(path, parents=False) as file:
        np.savez_compressed(file, side=np.asarray(side), **content)


def find_mano_file(model_path: str | Path | None, side: str) -> Path:
    """Find the MANO file of one hand.

    Args:
        model_path: a file, a folder that holds ``MANO_RIGHT`` / ``MANO_LEFT`` as ``.npz`` or
            ``.pkl`` (also in its ``models``, ``mano`` or ``mano_v1_2/models``), or ``None`` for
            the folder or file that the environment variable ``MMHAND_MANO_ROOT`` names.
        side: ``'right'`` or ``'left'``.

    Returns:
        An existing file.

    Raises:
        HandFileError: nothing given, nothing found, or the file's name says the other hand.
    """
    given = model_path if model_path is not None else os.environ.get(MANO_ROOT_VARIABLE)
    if not given:
        raise HandFileError(
            f'no MANO model: give model_path or set {MANO_ROOT_VARIABLE} to the folder with '
            f'MANO_{side.upper()}.pkl (licensed, from https://mano.is.tue.mpg.de); or use '
            'type="OpenHand", which needs no file'
        )
    path = Path(given).expanduser()
    if path.is_dir():
        name = f'MANO_{side.upper()}'
        tried = [path / f / (name + ext) for f in _MANO_FOLDERS for ext in ('.npz', '.pkl')]
        found = next((file for file in tried if file.is_file()), None)
        if found is None:
            raise HandFileError(f'{path}: holds neither {name}.pkl nor {name}.npz')
        return found
    if not path.is_file():
        raise HandFileError(f'{path}: no such MANO file or folder')
    other = 'LEFT' if side == 'right' else 'RIGHT'
    stem = path.stem.upper()
    if other in stem and side.upper() not in stem:
        raise HandFileError(f'{path}: its name says {other.lower()} hand, but side="{side}"')
    return path

"""Stand-ins for MANO files in the official pickle's forms, made without chumpy or MANO."""

import contextlib
import importlib.util
import pickle
import struct
import sys
import types

import numpy as np
import pytest
import scipy.sparse

from mmhand.hand_models import synthetic_mano


class Python2Pickler(pickle._Pickler):
    """Writes what Python 2 wrote: byte strings for text and for the content of arrays."""

    dispatch = dict(pickle._Pickler.dispatch)

    def save_string(self, text):
        data = text if isinstance(text, bytes) else text.encode('latin1')
        self.write(b'T' + struct.pack('<i', len(data)) + data)
        self.memoize(text)

    dispatch[bytes] = save_string
    dispatch[str] = save_string


@contextlib.contextmanager
def fake_chumpy():
    """Modules named like chumpy's while a pickle is written; gone when it is read."""

    def module_class(module, name):
        return type(name, (), {'__module__': module, '__qualname__': name})

    modules = {
        name: types.ModuleType(name) for name in ('chumpy', 'chumpy.ch', 'chumpy.reordering')
    }
    for module, name in (
        ('chumpy.ch', 'Ch'),
        ('chumpy.ch', 'add'),
        ('chumpy.ch', 'MatVecMult'),
        ('chumpy.reordering', 'Select'),
        ('chumpy.reordering', 'Reshape'),
        ('chumpy.reordering', 'transpose'),
        ('chumpy.reordering', 'Ravel'),
    ):
        setattr(modules[module], name, module_class(module, name))
    sys.modules.update(modules)
    try:
        yield modules
    finally:
        for name in modules:
            del sys.modules[name]


def chumpy_object(cls, **state):
    obj = cls()
    obj.__dict__.update(state)
    return obj


def official(arrays, modules):
    """The entries as the published file holds them: chumpy objects and a sparse matrix."""
    ch, reordering = modules['chumpy.ch'], modules['chumpy.reordering']
    out = {k: v for k, v in arrays.items() if k != 'right_shapedirs'}

    def plain(array):
        return chumpy_object(ch.Ch, x=array, _dirty_vars=set(), _itr=None)

    # shapedirs is a selection of the first ten of more components.
    wide = np.concatenate(
        (arrays['shapedirs'], np.full((*arrays['shapedirs'].shape[:2], 3), 9.0)), 2
    )
    keep = np.arange(wide.size).reshape(wide.shape)[..., : arrays['shapedirs'].shape[2]]
    out['shapedirs'] = chumpy_object(
        reordering.Select,
        a=plain(wide),
        idxs=keep.ravel(),
        preferred_shape=arrays['shapedirs'].shape,
    )
    out['v_template'] = plain(arrays['v_template'])
    out['J_regressor'] = scipy.sparse.csc_matrix(arrays['J_regressor'])
    out.update(bs_style='lbs', bs_type='lrotmin', hands_coeffs=np.zeros((4, 45)))
    return out


def write_official(path, arrays, protocol=2, pickler=None):
    with fake_chumpy() as modules, open(path, 'wb') as stream:
        content = official(arrays, modules)
        (pickler or pickle.Pickler)(stream, protocol).dump(content)
    return path


@pytest.fixture(scope='session')
def mano_root(tmp_path_factory):
    """Folder with both hands as official-looking pickles."""
    root = tmp_path_factory.mktemp('mano_v1_2') / 'models'
    root.mkdir()
    for side in ('right', 'left'):
        write_official(root / f'MANO_{side.upper()}.pkl', synthetic_mano(side))
    return root


@pytest.fixture(scope='session')
def recipe(repo):
    """The deterministic fills behind the two-hand golden numbers."""
    spec = importlib.util.spec_from_file_location(
        'twohand_recipe', repo / 'tests' / 'data' / 'twohand_recipe.py'
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope='session')
def pickles():
    """Writers of pickles in the official form."""
    return types.SimpleNamespace(
        write_official=write_official,
        fake_chumpy=fake_chumpy,
        chumpy_object=chumpy_object,
        official=official,
        Python2Pickler=Python2Pickler,
    )

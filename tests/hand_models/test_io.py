"""The safe reader: every form of pickle it must read, and every one it must refuse."""

import collections
import os
import pickle
import runpy
import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse

from mmhand.hand_models import MANO, load_mano_file, synthetic_mano
from mmhand.hand_models.io import find_mano_file, load_pickle, save_mano_npz
from mmhand.utils.errors import HandDataError, HandFileError, UnsafeFileError
from mmhand.utils.pickle_records import Record, evaluate

KEYS = ('v_template', 'shapedirs', 'posedirs', 'weights', 'J_regressor', 'f', 'hands_mean')


def assert_same(arrays, expected):
    for key in KEYS:
        np.testing.assert_array_equal(arrays[key], np.asarray(expected[key], arrays[key].dtype))


def dump(path, value, protocol=2):
    path.write_bytes(pickle.dumps(value, protocol))
    return path


class TestReads:
    @pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
    def test_official_form_in_every_protocol(self, tmp_path, pickles, protocol):
        data = synthetic_mano()
        path = pickles.write_official(tmp_path / 'MANO_RIGHT.pkl', data, protocol)
        arrays = load_mano_file(path)
        assert_same(arrays, data)
        assert arrays['v_template'].dtype == np.float64
        assert arrays['f'].dtype == np.int64
        assert 'chumpy' not in sys.modules

    @pytest.mark.parametrize('protocol', [0, 2])
    def test_python_2_pickle(self, tmp_path, pickles, protocol):
        data = synthetic_mano('left')
        path = pickles.write_official(
            tmp_path / 'MANO_LEFT.pkl', data, protocol, pickles.Python2Pickler
        )
        assert b'copy_reg' in path.read_bytes() or protocol == 2
        assert_same(load_mano_file(path), data)

    def test_plain_arrays_and_other_layouts(self, tmp_path):
        data = synthetic_mano()
        data['v_template'] = np.asfortranarray(data['v_template'].astype('>f8'))
        data['hands_mean'] = data['hands_mean'].tolist()
        data['J_regressor'] = scipy.sparse.coo_matrix(data['J_regressor'])
        assert_same(
            load_mano_file(dump(tmp_path / 'a.pkl', data)),
            data | {'J_regressor': data['J_regressor'].toarray()},
        )
        data['J_regressor'] = data['J_regressor'].tocsr()
        arrays = load_mano_file(dump(tmp_path / 'b.pkl', data, 4))
        np.testing.assert_array_equal(arrays['J_regressor'], data['J_regressor'].toarray())
        data['J_regressor'] = scipy.sparse.csc_array(data['J_regressor'])
        arrays = load_mano_file(dump(tmp_path / 'c.pkl', data, 5))
        np.testing.assert_array_equal(arrays['J_regressor'], data['J_regressor'].toarray())

    def test_chumpy_expressions(self, tmp_path, pickles):
        base = np.arange(6.0).reshape(2, 3)
        with pickles.fake_chumpy() as modules:
            ch, re = modules['chumpy.ch'], modules['chumpy.reordering']
            make = pickles.chumpy_object
            leaf = make(ch.Ch, x=base)
            content = {
                'ch': leaf,
                'select': make(re.Select, a=leaf, idxs=np.array([5, 0]), preferred_shape=(2, 1)),
                'flat': make(re.Select, a=leaf, idxs=np.array([1, 2])),
                'reshape': make(re.Reshape, a=leaf, newshape=(3, 2)),
                'transpose': make(re.transpose, a=leaf, axes=None),
                'ravel': make(re.Ravel, a=leaf),
                'add': make(ch.add, a=leaf, b=make(ch.Ch, x=np.float64(10))),
                'other': make(ch.MatVecMult, a=leaf, mtx=base),
                'empty': make(ch.MatVecMult),
                'scalar': np.float32(2.5),
            }
            path = dump(tmp_path / 'x.pkl', content)
        got = load_pickle(path)
        want = {
            'ch': base,
            'select': [[5], [0]],
            'flat': [1, 2],
            'reshape': base.reshape(3, 2),
            'transpose': base.T,
            'ravel': base.ravel(),
            'add': base + 10,
            'scalar': 2.5,
        }
        for key, value in want.items():
            np.testing.assert_array_equal(evaluate(got[key]), value)
        assert repr(got['ch']) in ('<record of copyreg._reconstructor>', '<record of chumpy.ch.Ch>')
        for key in ('other', 'empty'):
            with pytest.raises(ValueError, match=r'chumpy\.ch\.MatVecMult'):
                evaluate(got[key])

    def test_chumpy_with_slots_or_arguments(self, tmp_path, pickles):
        with pickles.fake_chumpy() as modules:
            ch = modules['chumpy.ch']
            ch.Ch = type('Ch', (), {'__slots__': ('x',), '__module__': 'chumpy.ch'})
            slotted = ch.Ch()
            slotted.x = np.arange(3.0)
            ch.add = type(
                'add',
                (),
                {'__module__': 'chumpy.ch', '__reduce__': lambda self: (ch.add, (np.arange(2.0),))},
            )
            path = dump(tmp_path / 'x.pkl', [slotted, ch.add()])
        first, second = (evaluate(value) for value in load_pickle(path))
        assert first.tolist() == [0, 1, 2]
        assert second.tolist() == [0, 1]

    def test_live_arrays_given_in_memory(self):
        class Live:
            def __init__(self, value):
                self.r = value

        data = synthetic_mano()
        data['shapedirs'] = Live(data['shapedirs'])
        data['J_regressor'] = scipy.sparse.csc_matrix(data['J_regressor'])
        got = MANO(data=data)
        np.testing.assert_allclose(got.shapedirs, data['shapedirs'].r, atol=1e-8)


class Runs:
    """Pickles into a call."""

    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


def global_pickle(module, name, protocol=2):
    """A pickle that asks for ``module.name`` and calls it, whether or not it exists here."""
    if protocol == 2:
        return b'\x80\x02}U\x01ac' + f'{module}\n{name}\n'.encode() + b'U\x02id\x85Rs.'
    stack = b''.join(b'\x8c' + bytes([len(t)]) + t.encode() for t in (module, name))
    return b'\x80\x04}\x8c\x01a' + stack + b'\x93\x8c\x02id\x85Rs.'


class TestRefuses:
    @pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
    def test_os_system_by_name_before_it_runs(self, tmp_path, protocol):
        mark = tmp_path / 'ran'
        path = dump(tmp_path / 'MANO_RIGHT.pkl', {'f': Runs(os.system, f'touch {mark}')}, protocol)
        with pytest.raises(UnsafeFileError, match=r'MANO_RIGHT\.pkl: refused.*"os\.system"'):
            MANO(path)
        assert not mark.exists()

    @pytest.mark.parametrize('protocol', [2, 4])
    @pytest.mark.parametrize(
        ('module', 'name'),
        [
            ('builtins', 'eval'),
            ('builtins', 'getattr'),
            ('builtins', '__import__'),
            ('subprocess', 'Popen'),
            ('numpy', 'load'),
            ('numpy', 'fromfile'),
            ('numpy.testing._private.utils', 'runstring'),
            ('numpy.core.multiarray', 'fromfile'),
            ('numpy.f2py.crackfortran', 'myeval'),
            ('numpy', 'ndarray.tofile'),
            ('scipy.sparse', 'load_npz'),
            ('chumpy', 'os.system'),
            ('chumpy.ch', 'os.system'),
            ('chumpyx', 'Ch'),
            ('torch', 'load'),
            ('collections', 'OrderedDict'),
            ('mmhand.hand_models.io', 'load_pickle'),
        ],
    )
    def test_anything_else(self, tmp_path, module, name, protocol):
        path = tmp_path / 'bad.pkl'
        path.write_bytes(global_pickle(module, name, protocol))
        shown = name.replace('.', r'\.')
        with pytest.raises(UnsafeFileError, match=rf'refused.*"{module}\.{shown}"'):
            load_pickle(path)

    def test_even_unused_and_after_good_content(self, tmp_path):
        data = synthetic_mano()
        data['extra'] = collections.Counter
        with pytest.raises(UnsafeFileError, match=r'collections\.Counter'):
            load_mano_file(dump(tmp_path / 'x.pkl', data))

    def test_names_that_pass_import_and_call_nothing(self, tmp_path):
        path = tmp_path / 'x.pkl'
        path.write_bytes(global_pickle('chumpy.ch', 'Anything', 4))
        value = load_pickle(path)['a']
        assert isinstance(value, Record)
        assert (value.origin, value.args) == ('chumpy.ch.Anything', ('id',))

    def test_state_cannot_reach_classes(self, tmp_path):
        # BUILD on the class itself instead of an instance.
        path = tmp_path / 'x.pkl'
        path.write_bytes(b'\x80\x02cnumpy\nndarray\n}U\x06originU\x04evilsb.')
        with pytest.raises(HandFileError):
            load_pickle(path)
        assert Record.origin == ''

    def test_persistent_ids_and_extension_codes(self, tmp_path):
        path = tmp_path / 'x.pkl'
        for content in (b'\x80\x02U\x01aQ.', b'\x80\x02\x82\x01.'):
            path.write_bytes(content)
            with pytest.raises(HandFileError):
                load_pickle(path)

    def test_self_reference(self, tmp_path, pickles):
        with pickles.fake_chumpy() as modules:
            loop = modules['chumpy.reordering'].Ravel()
            loop.a = loop
            path = dump(tmp_path / 'x.pkl', {**synthetic_mano(), 'v_template': loop})
        with pytest.raises(HandDataError, match='key v_template'):
            load_mano_file(path)

    @pytest.mark.parametrize('dtype', ['O', 'f8,f8', 'M8[s]'])
    def test_arrays_of_objects_structures_and_dates(self, tmp_path, dtype):
        data = {**synthetic_mano(), 'weights': np.zeros((778, 16), dtype)}
        with pytest.raises(HandDataError, match=r'key weights is no usable array.*not numeric'):
            load_mano_file(dump(tmp_path / 'x.pkl', data))


class TestBadFiles:
    @pytest.fixture
    def path(self, tmp_path):
        return dump(tmp_path / 'MANO_RIGHT.pkl', synthetic_mano())

    def test_missing(self, tmp_path):
        with pytest.raises(HandFileError, match=r'nothing\.pkl: no such MANO file'):
            MANO(tmp_path / 'nothing.pkl')
        with pytest.raises(HandFileError, match=r'nothing\.pkl: cannot be read'):
            load_mano_file(tmp_path / 'nothing.pkl')
        with pytest.raises(
            HandFileError, match=r'holds neither MANO_RIGHT\.pkl nor MANO_RIGHT\.npz'
        ):
            MANO(tmp_path)

    @pytest.mark.parametrize('keep', [0.0, 0.001, 0.5, 0.99])
    def test_truncated(self, path, keep):
        content = path.read_bytes()
        path.write_bytes(content[: int(keep * len(content))])
        with pytest.raises(HandFileError, match=r'MANO_RIGHT\.pkl: truncated or not a pickle'):
            MANO(path)

    def test_not_a_pickle(self, path):
        path.write_text('<html>404</html>')
        with pytest.raises(HandFileError, match='truncated or not a pickle'):
            MANO(path)

    def test_not_a_dict(self, path):
        with pytest.raises(HandDataError, match='holds a list'):
            MANO(dump(path, [1, 2]))

    @pytest.mark.parametrize('key', ['posedirs', 'J_regressor', 'hands_mean'])
    def test_missing_key(self, path, key):
        data = synthetic_mano()
        del data[key]
        with pytest.raises(HandDataError, match=rf'MANO_RIGHT\.pkl: lacks key {key}'):
            MANO(dump(path, data))

    @pytest.mark.parametrize(
        ('key', 'value', 'message'),
        [
            ('v_template', np.zeros((777, 3)), r'key v_template has shape \(777, 3\), expected'),
            ('shapedirs', np.zeros((778, 30)), r'key shapedirs has shape \(778, 30\)'),
            ('weights', np.full((778, 16), np.nan), 'key weights holds NaN'),
            ('f', np.full((1538, 3), 778), 'key f names vertices outside 0 to 777'),
            ('hands_mean', 'flat', 'key hands_mean is no'),
            ('hands_mean', None, r'key hands_mean has shape \(\), expected'),
            ('kintree_table', np.zeros((2, 16)), "key kintree_table is not MANO's tree"),
        ],
    )
    def test_wrong_content(self, path, key, value, message):
        with pytest.raises(HandDataError, match=message):
            MANO(dump(path, {**synthetic_mano(), key: value}))

    def test_wrong_side_by_name(self, path):
        left = path.rename(path.with_name('MANO_LEFT.pkl'))
        with pytest.raises(HandFileError, match='its name says left hand, but side="right"'):
            MANO(left, side='right')
        neutral = left.rename(path.with_name('my_hand.pkl'))
        assert find_mano_file(neutral, 'right') == neutral

    def test_messages_are_one_line(self, path):
        data = synthetic_mano()
        data['weights'] = data['weights'][1:]
        with pytest.raises(HandDataError) as caught:
            MANO(dump(path, data))
        assert '\n' not in str(caught.value)


class TestNpz:
    def test_round_trip_and_side(self, tmp_path):
        arrays = load_mano_file(dump(tmp_path / 'a.pkl', synthetic_mano('left')))
        path = tmp_path / 'hand.npz'
        save_mano_npz(arrays, path, 'left')
        again = load_mano_file(path)
        assert_same(again, arrays)
        assert str(again['side']) == 'left'
        with pytest.raises(HandDataError, match='holds the left hand, but side="right"'):
            MANO(path, side='right')
        assert not list(tmp_path.glob('.*'))

    def test_objects_and_rubbish_are_refused(self, tmp_path):
        path = tmp_path / 'x.npz'
        np.savez(path, v_template=np.array([Runs(os.system, 'true')], dtype=object))
        with pytest.raises(HandFileError, match='cannot be read as .npz'):
            load_mano_file(path)
        np.savez(path, **synthetic_mano(), other=np.array([None], dtype=object))
        assert_same(load_mano_file(path), synthetic_mano())
        path.write_bytes(b'PK\x03\x04 cut off')
        with pytest.raises(HandFileError, match='cannot be read as .npz'):
            load_mano_file(path)
        with pytest.raises(HandFileError, match='cannot be read as .npz'):
            load_mano_file(tmp_path / 'none.npz')

    def test_unwritable(self, tmp_path):
        arrays = load_mano_file(dump(tmp_path / 'a.pkl', synthetic_mano()))
        with pytest.raises(HandFileError, match='cannot be written'):
            save_mano_npz(arrays, tmp_path / 'no' / 'folder.npz', 'right')


def run_converter(repo, *args):
    return subprocess.run(
        [sys.executable, repo / 'tools/model_converters/mano_to_npz.py', *map(str, args)],
        capture_output=True,
        text=True,
        env={**os.environ, 'PYTHONPATH': str(repo), 'MMHAND_DEBUG': ''},
    )


class TestConverter:
    def test_folder_beside_and_elsewhere(self, repo, mano_root, tmp_path):
        done = run_converter(repo, mano_root.parent, tmp_path / 'out')
        assert done.returncode == 0, done.stderr
        assert sorted(p.name for p in (tmp_path / 'out').iterdir()) == [
            'MANO_LEFT.npz',
            'MANO_RIGHT.npz',
        ]
        assert done.stdout.count('MB') == 2
        assert_same(load_mano_file(tmp_path / 'out' / 'MANO_LEFT.npz'), synthetic_mano('left'))
        assert MANO(tmp_path / 'out', side='left').side == 'left'

    def test_a_refusal_ends_in_one_line(self, repo, tmp_path):
        bad = dump(tmp_path / 'MANO_RIGHT.pkl', {'f': Runs(os.system, 'true')})
        done = run_converter(repo, bad)
        assert done.returncode == 2
        assert done.stderr.startswith('error: ')
        assert '"os.system"' in done.stderr
        assert done.stderr.count('\n') == 1

    def test_wrong_calls(self, repo, mano_root, tmp_path, monkeypatch, capsys):
        monkeypatch.delenv('MMHAND_DEBUG', raising=False)
        main = runpy.run_path(str(repo / 'tools/model_converters/mano_to_npz.py'))['main']
        unnamed = dump(tmp_path / 'hand.pkl', synthetic_mano())
        (tmp_path / 'empty').mkdir()
        for args, message in (
            ((tmp_path / 'gone.pkl',), 'no such MANO file'),
            ((tmp_path / 'empty',), 'holds no MANO_RIGHT.pkl'),
            ((unnamed,), 'give --side'),
            ((mano_root, tmp_path / 'one.npz'), 'give a folder'),
            ((mano_root, unnamed / 'below'), 'cannot be made'),
        ):
            with pytest.raises(SystemExit) as stopped:
                main([str(arg) for arg in args])
            assert stopped.value.code == 2
            assert message in capsys.readouterr().err
        with pytest.raises(SystemExit) as stopped:
            main([str(unnamed), '--side', 'right'])
        assert not stopped.value.code
        assert (tmp_path / 'hand.npz').is_file()


def test_evaluate_rejects_what_is_no_array():
    record = type('R', (Record,), {'__slots__': (), 'origin': 'numpy.ndarray'})
    with pytest.raises(ValueError, match='bare class numpy.ndarray'):
        evaluate(record)
    with pytest.raises(ValueError, match='numpy ndarray is no array'):
        evaluate(record())
    reconstruct = type(
        'R', (Record,), {'__slots__': (), 'origin': 'numpy.core.multiarray._reconstruct'}
    )
    with pytest.raises(ValueError, match='without content'):
        evaluate(reconstruct())
    sparse = type('R', (Record,), {'__slots__': (), 'origin': 'scipy.sparse.csc_matrix'})()
    sparse.state = {'shape': (2,), 'data': np.ones(1)}
    with pytest.raises(ValueError, match='sparse matrix of shape'):
        evaluate(sparse)
    assert evaluate(3) == 3

"""Crafted checkpoints end in one line: no crash, no memory, no code."""

import io
import pickle
import pickletools
import struct
import zipfile

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer

from mmhand.utils.checkpoint import check_state_dict, load_checkpoint, load_weights
from mmhand.utils.errors import HandFileError, UnsafeFileError


def _repack(path, change, keep_crc=False):
    """Write a checkpoint anew with some records changed: ``change(name, content)``."""
    source = zipfile.ZipFile(io.BytesIO(path.read_bytes()))
    with zipfile.ZipFile(path, 'w') as target:
        for info in source.infolist():
            target.writestr(info.filename, change(info.filename, source.read(info)))


def _with_pickle(path, content):
    """A checkpoint whose pickle is ``content``."""
    torch.save({'w': torch.zeros(2)}, path)
    _repack(path, lambda name, data: content if name.endswith('data.pkl') else data)


def _global(name):
    module, _, attribute = name.rpartition('.')
    return f'c{module}\n{attribute}\n'.encode()


def _text(value):
    return b'X' + struct.pack('<I', len(value)) + value.encode()


DTYPE = _global('numpy.dtype')
#: dtype('V8') with a state that gives it Python objects at offset 0.
_STATE = b'(K\x03' + _text('|') + b'N(' + _text('a') + b't}' + b'K\x08K\x01K\x10t'

HOSTILE_PICKLES = {
    'object dtype': DTYPE + b'(' + _text('O') + b'tR',
    'void dtype': DTYPE + b'(' + _text('V100') + b'tR',
    'dtype with fields': DTYPE + b'(' + _text('f8') + b'tR' + _STATE + b'b',
    'long text': DTYPE + b'(' + _text('U9999999') + b'tR',
    'array without state': _global('numpy._core.multiarray._reconstruct')
    + b'('
    + _global('numpy.ndarray')
    + b'(K\x00tU\x01btR',
    'array of addresses': _global('numpy._core.multiarray._reconstruct')
    + b'('
    + _global('numpy.ndarray')
    + b'(K\x00tU\x01btR(K\x01(J\xff\xff\xff\x7ft'
    + DTYPE
    + b'('
    + _text('f8')
    + b'tR\x89U\x04aaaatb',
    'scalar of nothing': _global('numpy._core.multiarray.scalar')
    + b'('
    + DTYPE
    + b'('
    + _text('f8')
    + b'tRU\x02aatR',
    'ndarray called': _global('numpy.ndarray') + b'(J\x00\x00\x00\x40tR',
    'buffer of text': _global('mmengine.logging.history_buffer.HistoryBuffer')
    + b')\x81}'
    + _text('_log_history')
    + _text('no')
    + b'sb',
}


@pytest.mark.parametrize('case', list(HOSTILE_PICKLES))
def test_crafted_arrays_are_refused(tmp_path, case):
    path = tmp_path / 'evil.pth'
    _with_pickle(path, b'\x80\x02}' + _text('x') + HOSTILE_PICKLES[case] + b's.')
    with pytest.raises(HandFileError) as caught:
        load_checkpoint(path)
    assert '\n' not in str(caught.value)
    assert str(path) in str(caught.value)


def test_memory_for_the_asking_is_refused(tmp_path):
    path = tmp_path / 'bomb.pth'
    content = b'\x80\x02}' + _text('x') + b'c__builtin__\nbytearray\n(J\xff\xff\xff\x7ftRs.'
    _with_pickle(path, content)
    with pytest.raises(UnsafeFileError, match='bytearray'):
        load_checkpoint(path)


def test_a_storage_larger_than_its_record_is_refused(tmp_path):
    path = tmp_path / 'oob.pth'
    torch.save({'w': torch.zeros(2)}, path)

    def enlarge(name, data):
        if not name.endswith('data.pkl'):
            return data
        # The number of elements of the storage, and the tensor's size with it.
        count = max(
            (position for op, value, position in pickletools.genops(data) if value == 2),
            default=None,
        )
        assert count is not None
        return data.replace(b'K\x02', b'M\x00\xff')

    _repack(path, enlarge)
    with pytest.raises(HandFileError, match='storage .* said to hold'):
        load_checkpoint(path)


def test_bit_rot_is_seen(tmp_path):
    path = tmp_path / 'rot.pth'
    torch.save({'w': torch.arange(1000.0)}, path)
    content = bytearray(path.read_bytes())
    content[content.find(struct.pack('<f', 500.0))] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(HandFileError, match='does not match its checksum'):
        load_checkpoint(path)


def test_what_inflates_is_refused(tmp_path):
    path = tmp_path / 'inflate.pth'
    torch.save({'w': torch.zeros(2)}, path)
    with zipfile.ZipFile(path, 'a', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('archive/data/9', bytes(100 << 20))
    with pytest.raises(HandFileError, match='would grow'):
        load_checkpoint(path)


def test_a_buffer_cannot_bring_its_own_methods(tmp_path):
    path = tmp_path / 'hub.pth'
    buffer = HistoryBuffer([1.0, 3.0], [1, 1])
    buffer._statistics_methods = {'mean': HistoryBuffer.max}
    torch.save({'log': buffer}, path)
    table = dict(HistoryBuffer._statistics_methods)
    loaded = load_checkpoint(path)['log']
    assert loaded.statistics('mean') == 2.0
    assert HistoryBuffer._statistics_methods == table


def test_shared_nests_are_walked_once(tmp_path):
    path, nest = tmp_path / 'nest.pth', [np.ones(1)]
    for _ in range(60):
        nest = [nest, nest]
    torch.save({'nest': nest}, path)
    assert isinstance(load_checkpoint(path)['nest'], list)


def test_deep_nests_are_refused(tmp_path):
    path = tmp_path / 'deep.pth'
    depth = 5000
    _with_pickle(
        path, b'\x80\x02}' + _text('x') + b'(' * 0 + b']' * depth + b'a' * (depth - 1) + b's.'
    )
    with pytest.raises(HandFileError, match='nested'):
        load_checkpoint(path)


def test_foreign_registrations_stay_as_they_were(tmp_path):
    path = tmp_path / 'w.pth'
    torch.save({'x': np.ones(3)}, path)
    before = torch.serialization.get_safe_globals()
    load_checkpoint(path)
    assert torch.serialization.get_safe_globals() == before


@pytest.mark.parametrize('dtype', ['>f4', '<i8', '?', 'c8', 'U5', 'S3', 'f2'])
def test_plain_arrays_come_back_to_the_bit(tmp_path, dtype):
    path = tmp_path / 'x.pth'
    array = np.arange(12).reshape(3, 4).astype(dtype)
    torch.save({'x': array, 'f': np.asfortranarray(array), 'e': array[:0], 's': array[0, 1]}, path)
    loaded = load_checkpoint(path)
    for key, value in {'x': array, 'f': array, 'e': array[:0], 's': array[0, 1]}.items():
        np.testing.assert_array_equal(loaded[key], value)
        assert loaded[key].dtype == value.dtype


def test_weights_must_be_plain_tensors():
    model = torch.nn.Linear(2, 1, bias=False)
    good = torch.ones(1, 2)
    for value in ('text', good.to_sparse(), good.to('meta'), good.to(torch.complex64), None):
        with pytest.raises(HandFileError, match='"weight"'):
            check_state_dict(model, {'weight': value}, 'w.pth')
    check_state_dict(model, {'weight': good}, 'w.pth')


def test_pickles_of_ordinary_runs_need_no_numpy_code():
    """What mmengine saves names nothing beyond the stand-ins."""
    names = {
        argument.replace(' ', '.')
        for opcode, argument, _ in pickletools.genops(pickle.dumps(np.ones(2), protocol=2))
        if opcode.name == 'GLOBAL'
    }
    assert any(name.endswith('_reconstruct') for name in names)


@pytest.mark.parametrize(
    ('weights', 'said'),
    [
        (None, 'has a NoneType as its weights'),
        ([{'weight': torch.zeros(2, 2)}], 'has a list as its weights'),
        ('weights.pth', 'has a str as its weights'),
        ({1: torch.zeros(2, 2)}, 'names a weight 1, a int and not a text'),
        (
            {'weight': torch.nested.nested_tensor([torch.zeros(2), torch.zeros(1)])},
            'has a nested tensor under "weight"',
        ),
    ],
)
def test_weights_that_are_none(tmp_path, weights, said):
    torch.save({'state_dict': weights}, tmp_path / 'a.pth')
    with pytest.raises(HandFileError, match=said):
        load_weights(torch.nn.Linear(2, 2), tmp_path / 'a.pth')


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16, torch.float64, torch.float8_e5m2])
def test_weights_of_other_precision_load(tmp_path, dtype):
    state = {'weight': torch.eye(2).to(dtype), 'bias': torch.ones(2).to(dtype)}
    torch.save(
        {'state_dict': {f'module.{key}': value for key, value in state.items()}}, tmp_path / 'a'
    )
    layer = torch.nn.Linear(2, 2)
    load_weights(layer, tmp_path / 'a')
    assert torch.equal(layer.weight, torch.eye(2))

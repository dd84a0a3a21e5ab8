"""Reading .tflite files: what is in them, and files that are none."""

import os
import struct
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from mmhand.converters.blaze import convert_tflite
from mmhand.converters.tflite_file import read_tflite
from mmhand.models.blaze import OPEN_WEIGHTS
from mmhand.utils.errors import HandDataError, HandFileError


class Builder:
    """Writes the few things of FlatBuffers that a small file needs, each object after its user."""

    def __init__(self):
        self.data = bytearray(b'\0\0\0\0TFL3')
        self.data[:4] = struct.pack('<I', 0)

    def table(self, *fields):
        """A table; a field is ``None``, (format, number), or a function that writes an object."""
        places, body = [], 4
        for field in fields:
            places.append(0 if field is None else body)
            body += 0 if field is None else 4
        vtable = len(self.data)
        self.data += struct.pack(f'<HH{len(places)}H', 4 + 2 * len(places), body, *places)
        self.data += b'\0' * (-len(self.data) % 4)
        start = len(self.data)
        self.data += struct.pack('<i', start - vtable) + b'\0' * (body - 4)
        for field, place in zip(fields, places, strict=True):
            if callable(field):
                target = field()
                struct.pack_into('<I', self.data, start + place, target - start - place)
            elif field is not None:
                struct.pack_into(field[0], self.data, start + place, field[1])
        return start

    def raw(self, content, count=None):
        start = len(self.data)
        self.data += struct.pack('<I', len(content) if count is None else count) + content
        self.data += b'\0' * (-len(self.data) % 4)
        return start

    def integers(self, *numbers):
        return self.raw(struct.pack(f'<{len(numbers)}i', *numbers), len(numbers))

    def tables(self, *writers):
        start = self.integers(*[0] * len(writers))
        for row, write in enumerate(writers):
            place = start + 4 + 4 * row
            struct.pack_into('<I', self.data, place, write() - place)
        return start


def small_file():
    """One convolution whose float16 weights are made float32 first."""
    b = Builder()
    kernel = np.arange(12, dtype='<f2').reshape(2, 1, 2, 3)

    def tensor(name, shape, kind, buffer):
        return lambda: b.table(
            lambda: b.integers(*shape),
            ('<b', kind),
            ('<I', buffer),
            lambda: b.raw(name.encode()),
        )

    def operator(code, inputs, outputs):
        return lambda: b.table(
            ('<I', code), lambda: b.integers(*inputs), lambda: b.integers(*outputs)
        )

    graph = lambda: b.table(  # noqa: E731
        lambda: b.tables(
            tensor('picture', (1, 4, 4, 3), 0, 0),
            tensor('kernel', (2, 1, 2, 3), 1, 1),
            tensor('kernel32', (2, 1, 2, 3), 0, 0),
            tensor('result', (1, 4, 4, 2), 0, 0),
        ),
        None,
        None,
        lambda: b.tables(operator(0, (1,), (2,)), operator(1, (0, 2, -1), (3,))),
    )
    root = b.table(
        None,
        lambda: b.tables(lambda: b.table(('<b', 6)), lambda: b.table(('<b', 3), None, None)),
        lambda: b.tables(graph),
        None,
        lambda: b.tables(lambda: b.table(None), lambda: b.table(lambda: b.raw(kernel.tobytes()))),
    )
    struct.pack_into('<I', b.data, 0, root)
    return bytes(b.data), kernel


def test_a_small_file_is_read(tmp_path):
    data, kernel = small_file()
    (tmp_path / 'x.tflite').write_bytes(data)
    graph = read_tflite(tmp_path / 'x.tflite')
    assert [op.kind for op in graph.operators] == ['DEQUANTIZE', 'CONV_2D']
    assert graph.operators[1].inputs == (0, 2, -1)
    assert [tensor.name for tensor in graph.tensors] == ['picture', 'kernel', 'kernel32', 'result']
    assert np.array_equal(graph.tensors[1].data, kernel)
    assert graph.tensors[0].data is None


def test_damaged_files_end_in_one_line(tmp_path):
    """Cut anywhere, or with any byte changed, a file is read or refused; nothing else happens."""
    data, _ = small_file()
    path, refused = tmp_path / 'x.tflite', []
    broken = [data[:size] for size in range(0, len(data), 7)]
    for place in range(8, len(data), 3):
        broken += [
            data[:place] + bytes([value]) + data[place + 1 :] for value in (0x00, 0x7F, 0xFF)
        ]
    for content in broken:
        path.write_bytes(content)
        try:
            read_tflite(path)
        except HandFileError as error:
            refused.append(str(error))
    assert len(refused) > 100
    assert not [message for message in refused if '\n' in message]
    with pytest.raises(HandFileError, match='cannot be read'):
        read_tflite(tmp_path / 'absent.tflite')
    path.write_bytes(b'PK\3\4 no such thing')
    with pytest.raises(HandFileError, match='is no TensorFlow Lite file'):
        read_tflite(path)


def test_another_network_is_refused(tmp_path):
    (tmp_path / 'x.tflite').write_bytes(small_file()[0])
    with pytest.raises(HandDataError, match='neither the hand landmark network nor the palm'):
        convert_tflite(tmp_path / 'x.tflite', tmp_path / 'x.safetensors')
    assert not (tmp_path / 'x.safetensors').exists()


@pytest.mark.parametrize(
    ('source', 'product'),
    [('hand_landmark_full', 'blaze_hand'), ('palm_detection_full', 'blaze_palm')],
)
def test_shipped_weights_are_what_the_converter_makes(tmp_path, source, product):
    path = Path(os.environ.get('MMHAND_TFLITE_DIR', 'absent')) / f'{source}.tflite'
    if not path.is_file():
        pytest.skip('MMHAND_TFLITE_DIR names no folder with the published files')
    report = convert_tflite(path, tmp_path / 'new.safetensors')
    assert {reason for _, reason in report.dropped} <= {
        'a bias that is zero',
        'a shape that the code states',
    }
    new, shipped = load_file(tmp_path / 'new.safetensors'), load_file(OPEN_WEIGHTS[product])
    assert set(new) == set(shipped)
    assert all(np.array_equal(new[key], shipped[key]) for key in new)

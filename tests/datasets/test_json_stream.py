"""The streaming JSON reader against the standard library's."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmhand.datasets.store.json_stream import JsonStream
from mmhand.utils.errors import HandFileError

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(LEAVES, lambda v: st.lists(v) | st.dictionaries(st.text(), v), max_leaves=15)


def read_array(path, chunk):
    with JsonStream(path, chunk) as stream:
        values = list(stream.elements())
        stream.finish()
    return values


def read_object(path):
    with JsonStream(path) as stream:
        return {key: stream.value() for key in stream.members()}


@pytest.fixture(scope='module')
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp('json') / 'file.json'


@settings(max_examples=80, deadline=None)
@given(records=st.lists(VALUES), chunk=st.integers(1, 40), ascii_only=st.booleans())
def test_elements_equal_json_load_at_any_chunk_size(scratch, records, chunk, ascii_only):
    scratch.write_text(json.dumps(records, ensure_ascii=ascii_only), encoding='utf-8')
    read = []
    with JsonStream(scratch, chunk_size=chunk, progress=read.append) as stream:
        assert list(stream.elements()) == records
        stream.finish()
    assert sum(read) == scratch.stat().st_size


def test_members_may_be_walked_or_taken_whole(tmp_path):
    path = tmp_path / 'nested.json'
    path.write_text('{"a": {"x": 1, "y": [1, 2]}, "b" : [] , "c":{}}')
    with JsonStream(path, chunk_size=3) as stream:
        seen = {}
        for key in stream.members():
            if key == 'a':
                seen[key] = {inner: stream.value() for inner in stream.members()}
            elif key == 'b':
                seen[key] = list(stream.elements())
            else:
                seen[key] = list(stream.members())
    assert seen == {'a': {'x': 1, 'y': [1, 2]}, 'b': [], 'c': []}


@pytest.mark.parametrize('chunk', [1, 7, 1 << 20])
@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('[1, 2', 'truncated'),
        ('[{"a": 1}, {"a"', 'truncated'),
        ('["abc', 'truncated'),
        ('[1 2]', 'expected "," or "]"'),
        ('{"a": 1}', r'expected "\["'),
        ('[1] x', 'extra data'),
        ('[nope]', 'Expecting value'),
        ('', 'ends too early'),
    ],
)
def test_broken_files_are_named_in_one_line(tmp_path, text, message, chunk):
    path = tmp_path / 'broken.json'
    path.write_text(text)
    with pytest.raises(HandFileError, match=message) as raised:
        read_array(path, chunk)
    assert str(path) in str(raised.value)
    assert '\n' not in str(raised.value)


def test_syntax_error_far_from_the_end_does_not_read_the_rest(tmp_path):
    path = tmp_path / 'broken.json'
    path.write_text('[{"a": oops}, ' + '{"b": 1}, ' * 100000 + '1]')
    read = []
    with pytest.raises(HandFileError), JsonStream(path, 4096, read.append) as stream:
        list(stream.elements())
    assert sum(read) < 20000


def test_not_text_and_not_there(tmp_path):
    path = tmp_path / 'binary.json'
    path.write_bytes(b'["\xff\xfe\x00"]')
    with pytest.raises(HandFileError, match='not UTF-8'), JsonStream(path) as stream:
        list(stream.elements())
    with pytest.raises(HandFileError, match='No such file'):
        JsonStream(tmp_path / 'absent.json')
    path.write_text('{"a": 1, 2: 3}')
    with pytest.raises(HandFileError, match='expected a key'):
        read_object(path)

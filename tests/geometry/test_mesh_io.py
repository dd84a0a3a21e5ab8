import os

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from mmhand.geometry import load_mesh, save_mesh, save_meshes
from mmhand.utils.errors import HandDataError, HandFileError

FORMATS = ['obj', 'ply', 'glb']


@pytest.mark.parametrize('kind', FORMATS)
@pytest.mark.parametrize('colored', [False, True])
def test_what_is_written_is_read_back_exactly(tmp_path, kind, colored):
    rng = np.random.default_rng(0)
    vertices = rng.uniform(-0.2, 0.2, (50, 3)).astype(np.float32)
    faces = rng.permuted(np.tile(np.arange(50), (90, 1)), axis=1)[:, :3]
    colors = rng.integers(0, 256, (50, 3)).astype(np.uint8) if colored else None
    path = save_mesh(tmp_path / 'made' / f'hand.{kind}', vertices, faces, colors)
    mesh = load_mesh(path)
    np.testing.assert_array_equal(mesh.vertices.astype(np.float32), vertices)
    np.testing.assert_array_equal(mesh.faces, faces)
    if colored:
        np.testing.assert_array_equal(mesh.vertex_colors[:, :3], colors)
    else:
        assert mesh.vertex_colors is None
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    umask = os.umask(0)
    os.umask(umask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask


@given(st.lists(st.floats(-10, 10, width=32), min_size=9, max_size=9))
@settings(max_examples=40, deadline=None)
def test_obj_keeps_every_bit_of_float32(tmp_path_factory, numbers):
    vertices = np.array(numbers, np.float32).reshape(3, 3)
    vertices[np.abs(vertices) < 1e-7] = 0
    path = save_mesh(tmp_path_factory.mktemp('obj') / 'face.obj', vertices, np.array([[0, 1, 2]]))
    np.testing.assert_array_equal(load_mesh(path).vertices.astype(np.float32), vertices)


def test_both_hands_in_one_file(tmp_path, box, ball):
    meshes = [('right', *box, None), ('left', ball[0] + 3, ball[1], None)]
    scene = trimesh.load(save_meshes(tmp_path / 'hands.glb', meshes), process=False)
    assert set(scene.geometry) == {'right', 'left'}
    for kind in FORMATS:
        mesh = load_mesh(save_meshes(tmp_path / f'hands.{kind}', meshes))
        assert len(mesh.vertices) == len(box[0]) + len(ball[0])
        assert len(mesh.faces) == len(box[1]) + len(ball[1])
        assert mesh.vertices.max() == pytest.approx(4, abs=1e-6)


def test_upper_case_endings(tmp_path, box):
    assert load_mesh(save_mesh(tmp_path / 'A.PLY', *box)).vertices.shape == box[0].shape


@pytest.mark.parametrize(
    ('name', 'vertices', 'faces', 'colors', 'message'),
    [
        ('a.stl', np.zeros((3, 3)), [[0, 1, 2]], None, 'not "stl"'),
        ('a', np.zeros((3, 3)), [[0, 1, 2]], None, 'obj, ply, glb'),
        ('a.obj', np.zeros((3, 2)), [[0, 1, 2]], None, r'vertices \(3, 2\)'),
        ('a.obj', np.zeros((3, 3)), [0, 1, 2], None, r'faces \(3,\)'),
        ('a.obj', np.zeros((3, 3)), [[0, 1, 3]], None, 'name vertices 0 to 3'),
        ('a.obj', np.full((3, 3), np.inf), [[0, 1, 2]], None, 'not finite'),
        ('a.obj', np.zeros((3, 3)), [[0, 1, 2]], np.zeros((2, 3), np.uint8), '2 colours for 3'),
    ],
)
def test_bad_meshes_are_refused_and_leave_no_file(tmp_path, name, vertices, faces, colors, message):
    with pytest.raises(HandDataError, match=message):
        save_mesh(tmp_path / name, vertices, np.array(faces), colors)
    assert not list(tmp_path.iterdir())


def test_an_unwritable_place_is_named_and_nothing_is_left(tmp_path, box, monkeypatch):
    (tmp_path / 'file').write_text('')
    with pytest.raises(HandFileError, match='a.obj: cannot be written'):
        save_mesh(tmp_path / 'file' / 'a.obj', *box)
    target = save_mesh(tmp_path / 'a.obj', *box)
    before = target.read_bytes()

    def full(*_):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(os, 'replace', full)
    with pytest.raises(HandFileError, match='No space left'):
        save_mesh(target, box[0] * 2, box[1])
    assert target.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ['a.obj', 'file']


def test_unreadable_files_are_named(tmp_path):
    with pytest.raises(HandFileError, match='no such mesh'):
        load_mesh(tmp_path / 'absent.obj')
    for name, content in (('a.glb', b'glTFxxxx'), ('b.ply', b'ply\nnonsense'), ('c.xyz1', b'1')):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(HandFileError, match=name):
            load_mesh(tmp_path / name)
    (tmp_path / 'points.obj').write_text('v 0 0 0\nv 1 0 0\n')
    with pytest.raises(HandFileError, match='points.obj'):
        load_mesh(tmp_path / 'points.obj')

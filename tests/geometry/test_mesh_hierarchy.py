"""Mesh hierarchies: HandMesh's from its template, and those of other hands."""

import hashlib
import io
import pickle

import numpy as np
import pytest
import scipy.sparse
import torch

from mmhand.geometry import MeshHierarchy
from mmhand.geometry.mesh_hierarchy import CMR_TEMPLATE
from mmhand.geometry.mesh_spirals import mesh_spirals
from mmhand.geometry.mesh_upsampling import nearest_on_mesh
from mmhand.hand_models import OpenHand, synthetic_mano
from mmhand.utils.errors import HandDataError, HandFileError, UnsafeFileError

SPIRALS = (
    '72ff9e52a1724feb9ae8a0f2a2f710bd79eb1869',
    '8b5ed7feeef2e59043ac8d4311a1a80f901497cb',
    '480e9c137bd5b42d4b4cbe7cc4605427fbe8121b',
    '64fd97c8e47fa971b1e652eb38993f3625a64ee4',
)
SURVIVORS = (
    'ee4fa81a7f4bf0bf5052b05a72c93030bbce265a',
    'ec60d3308929eb14484b4cc87dda0fd6b5e22c11',
    '41104895f64bd4a26fce9389b23f47f8d1ced97f',
    '69a85c1fc58336a611d70f0a435b5169e5017d3c',
)


def sha1(array):
    return hashlib.sha1(np.ascontiguousarray(array).astype('<i8').tobytes()).hexdigest()


@pytest.fixture(scope='module')
def template():
    return MeshHierarchy.load(CMR_TEMPLATE)


def test_template_gives_the_released_hierarchy(template):
    assert template.sizes == (778, 389, 195, 98, 49)
    assert [len(faces) for faces in template.faces] == [1538, 761, 374, 183, 86]
    assert tuple(map(sha1, template.spirals)) == SPIRALS
    assert tuple(map(sha1, template.survivors)) == SURVIVORS
    assert template.spirals[0][0][:10].tolist() == [0, 27, 94, 61, 3, 2, 1, 26, 24, 68]
    sums = [matrix.sum() for matrix in template.up]
    assert sums == pytest.approx([778.4944, 389.3236, 194.9283, 97.8720], abs=1e-4)


def test_levels_are_selections(template):
    vertices = np.random.default_rng(0).normal(size=(2, 778, 3))
    levels = template.select(vertices)
    assert [level.shape[1] for level in levels] == list(template.sizes)
    assert (levels[1] == vertices[:, template.survivors[0]]).all()
    tensors = template.select(torch.from_numpy(vertices))
    assert all((a == b.numpy()).all() for a, b in zip(levels, tensors, strict=True))
    with pytest.raises(HandDataError, match='777 vertices'):
        template.select(vertices[:, 1:])


@pytest.mark.parametrize('affine', [False, True])
def test_any_hand_has_one(affine):
    hand = OpenHand(side='right')
    made = MeshHierarchy.from_mesh(hand.v_template, hand.faces, affine=affine)
    assert made.sizes == tuple(-(-hand.num_verts // 2**k) for k in range(5))
    for k, matrix in enumerate(made.up):
        assert ((matrix != 0).sum(1) <= 3).all()
        back = np.linalg.norm(matrix @ made.vertices[k + 1] - made.vertices[k], axis=1)
        assert back.mean() < 1e-3
        if affine:
            assert matrix.sum(1) == pytest.approx(1)
        assert (made.spirals[k][:, 0] == np.arange(made.sizes[k])).all()
        assert max(len(set(row)) for row in made.spirals[k].tolist()) == 27
    assert MeshHierarchy.from_mesh(hand.v_template, hand.faces, affine=affine) is made


def test_open_and_broken_meshes_have_one():
    mano = synthetic_mano()
    assert MeshHierarchy.from_mesh(mano['v_template'], mano['f']).sizes[-1] == 49
    rng = np.random.default_rng(0)
    strip = np.stack([(np.arange(300) + d) % 200 for d in (0, 1, 2)], 1)  # three faces at an edge
    made = MeshHierarchy.from_mesh(rng.normal(size=(200, 3)), strip, levels=2)
    assert made.sizes[:2] == (200, 100)
    assert made.sizes[2] <= 50  # a collapse may take a vertex more


def test_spirals_of_a_small_part_are_its_nearest_vertices():
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [5, 5, 5], [6, 5, 5]], float)
    spirals = mesh_spirals(vertices, np.array([[0, 1, 2]]), length=4)
    assert spirals[0].tolist()[0] == 0
    assert set(spirals[0, :3]) == {0, 1, 2}
    assert spirals[3, 0] == 3
    assert spirals[3, 1] == 4


def test_nearest_on_mesh_names_the_feature():
    triangle = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], float)
    points = np.array([[0.2, 0.3, 1], [0.5, -1, 0], [2, -1, 0], [1, 1, 0]], float)
    face, bary = nearest_on_mesh(points, triangle, np.array([[0, 1, 2]]))
    assert (face == 0).all()
    wanted = [[0.5, 0.2, 0.3], [0.5, 0.5, 0], [0, 1, 0], [0, 0.5, 0.5]]
    assert bary == pytest.approx(np.array(wanted))
    assert (bary[1:] == 0).sum() == 4


def transform_file(template, **changes):
    def selection(kept, fine):
        rows = np.arange(len(kept))
        return scipy.sparse.csc_matrix((np.ones(len(kept)), (rows, kept)), (len(kept), fine))

    return (
        dict(
            vertices=list(template.vertices),
            face=list(template.faces),
            adj=[scipy.sparse.csc_matrix(np.eye(3))],
            down_transform=[
                selection(kept, size)
                for kept, size in zip(template.survivors, template.sizes, strict=False)
            ],
            up_transform=[scipy.sparse.csc_matrix(matrix) for matrix in template.up],
        )
        | changes
    )


def test_released_pickle_and_own_file_give_the_same(template, tmp_path):
    (tmp_path / 'transform.pkl').write_bytes(pickle.dumps(transform_file(template)))
    template.save(tmp_path / 'hierarchy.npz')
    for name in ('transform.pkl', 'hierarchy.npz'):
        read = MeshHierarchy.load(tmp_path / name)
        for field in ('faces', 'survivors', 'up', 'spirals'):
            pairs = zip(getattr(read, field), getattr(template, field), strict=True)
            assert all((a == b).all() for a, b in pairs)


class Evil:
    def __reduce__(self):
        return print, ('run',)


@pytest.mark.parametrize(
    ('name', 'content', 'error'),
    [
        ('a.pkl', pickle.dumps(Evil()), UnsafeFileError),
        ('b.pkl', pickle.dumps([1]), HandDataError),
        ('c.pkl', b'nothing', HandFileError),
        ('d.pkl', pickle.dumps({'vertices': []}), HandDataError),
        ('e.npz', b'nothing', HandFileError),
        ('f.ply', b'nothing', HandFileError),
    ],
)
def test_bad_files_end_in_one_line(tmp_path, name, content, error, capsys):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(error) as caught:
        MeshHierarchy.load(tmp_path / name)
    assert name in str(caught.value)
    assert '\n' not in str(caught.value)
    assert 'run' not in capsys.readouterr().out


def test_files_whose_parts_do_not_fit_are_refused(template, tmp_path):
    path = tmp_path / 'transform.pkl'
    for changes in (
        dict(up_transform=[np.eye(3)] * 4),
        dict(face=template.faces[:2]),
        dict(vertices=[np.zeros((2, 2))] * 5),
    ):
        path.write_bytes(pickle.dumps(transform_file(template, **changes)))
        with pytest.raises(HandDataError):
            MeshHierarchy.load(path)
    archive = io.BytesIO()
    np.savez(archive, vertices_0=np.zeros((3, 3)))
    (tmp_path / 'h.npz').write_bytes(archive.getvalue())
    with pytest.raises((HandFileError, HandDataError)):
        MeshHierarchy.load(tmp_path / 'h.npz')
    with pytest.raises(HandDataError, match='names vertex'):
        MeshHierarchy.from_mesh(np.zeros((3, 3)), [[0, 1, 7]])

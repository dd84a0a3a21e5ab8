"""Values that are no crime against JSON and yet wrong, pipes in the place of pictures, odd arguments."""

import os

import numpy as np
import pytest

from mmhand.datasets import InterHand26MDataset, NYUDataset
from mmhand.datasets.store.annotation_store import AnnotationStore, StoreWriter
from mmhand.utils.errors import HandConfigError, HandDataError, HandFileError
from mmhand.utils.plain_file import read_plain

PIPELINE = [dict(type=name) for name in ('LoadHandImage', 'HandBBoxCrop', 'PackHandInputs')]


def half_valid(mini):
    mini.data['annotations'][0]['joint_valid'] = [[0.5]] * 42


def metres(mini):
    for frames in mini.joints.values():
        for record in frames.values():
            record['world_coord'] = (np.array(record['world_coord']) / 1000).tolist()


def one_point(mini):
    for frames in mini.joints.values():
        for record in frames.values():
            record['world_coord'] = [[0, 0, 600]] * 42


@pytest.mark.parametrize(
    ('change', 'said'),
    [
        (half_valid, r'annotation 11: "joint_valid"\[0\] 0\.5 is neither 0 nor 1'),
        (
            metres,
            r'the middle hand of "world_coord" measures 0\.\d+ mm: the file is in another unit',
        ),
        (one_point, r'the middle hand of "world_coord" measures 0 mm'),
    ],
)
def test_values_that_mean_nothing_are_refused(mini_interhand, change, said):
    change(mini_interhand)
    mini_interhand.write()
    with pytest.raises(HandDataError, match=said):
        InterHand26MDataset(data_root=mini_interhand.root, strict=True)[0]


def test_pictures_of_another_size_are_mentioned(mini_interhand, monkeypatch):
    said = []
    monkeypatch.setattr(
        'mmhand.datasets.transforms.load_hand_image.print_log', lambda text, **_: said.append(text)
    )
    data = InterHand26MDataset(data_root=mini_interhand.root, pipeline=PIPELINE)
    assert len(data[0])
    assert not said
    for image in mini_interhand.data['images']:
        image['width'] += 1
    mini_interhand.write()
    data = InterHand26MDataset(data_root=mini_interhand.root, pipeline=PIPELINE)
    assert len([data[0], data[1]]) == 2
    assert len(said) == 1
    assert 'has 96 x 64 pixels, its annotation says 97 x 64' in said[0]


@pytest.mark.parametrize('kind', ['pipe', 'endless', 'sparse'])
def test_a_picture_that_has_no_end(mini_interhand, kind):
    path = mini_interhand.image(0)
    path.unlink()
    if kind == 'pipe':
        os.mkfifo(path)
    elif kind == 'endless':
        path.symlink_to('/dev/zero')
    else:
        with path.open('wb') as file:
            file.truncate(1 << 33)
    data = InterHand26MDataset(data_root=mini_interhand.root, pipeline=PIPELINE, strict=True)
    with pytest.raises(HandFileError, match=r'it (is no ordinary file|has 8\.6 GB)'):
        data[0]


def test_a_link_to_a_file_is_one(tmp_path):
    (tmp_path / 'a').write_bytes(b'abc')
    (tmp_path / 'b').symlink_to('a')
    assert read_plain(tmp_path / 'b') == b'abc'


@pytest.mark.parametrize(
    ('kwargs', 'said'),
    [
        (dict(pipeline='LoadHandImage'), 'a pipeline is a dictionary of named steps or a list'),
        (dict(pipeline=[dict(to_float32=True)]), 'pipeline step 0 has no type'),
        (dict(subset=['hand_type']), 'subset is a dictionary'),
        (dict(metainfo='canonical'), 'metainfo is a dictionary'),
        (dict(max_refetch='many'), 'max_refetch is a whole number'),
        (dict(with_mano='no'), "with_mano is True or False, not 'no'"),
        (dict(with_mano=True, hand_model=3), 'hand_model is a name or a dictionary'),
        (dict(subset=dict(hand_type_valid='False')), 'hand_type_valid must be True or False'),
    ],
)
def test_odd_arguments_end_in_one_line(mini_interhand, kwargs, said):
    with pytest.raises(HandConfigError, match=said):
        InterHand26MDataset(data_root=mini_interhand.root, **kwargs)[0]


@pytest.mark.parametrize('cube', ['big', 0, -0.2, float('nan'), [0.2, 0.2], True])
def test_cubes_have_an_edge(tmp_path, cube):
    with pytest.raises(HandConfigError, match='cube is the edge of a cube in metres'):
        NYUDataset(data_root=tmp_path, cube=cube)


def test_a_header_that_ends_in_the_middle_of_a_statement(tmp_path):
    """NumPy reads a header as Python text; what that raises is no ``ValueError``."""
    with StoreWriter(tmp_path) as writer:
        writer.add('frame', 'number', np.arange(3))
        folder = writer.folder
    file = next(folder.glob('*.npy'))
    content = file.read_bytes()
    file.write_bytes(content.replace(b"False, 'shape'", b"False, ('hape'"))
    with pytest.raises(HandFileError, match='no usable annotation store') as caught:
        AnnotationStore(folder)
    assert '\n' not in str(caught.value)

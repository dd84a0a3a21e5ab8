"""Every row of docs/en/errors.md: a mistake of a user's, and the one line it ends in."""

import json
import os
import pickle
import re
import shutil
import struct
import zlib

import numpy as np
import pytest
import torch

from mmhand.apis import init_model
from mmhand.converters import convert_file
from mmhand.datasets.interhand import InterHand26MDataset
from mmhand.evaluation.protocols import get_protocol
from mmhand.geometry import save_mesh
from mmhand.hand_models import MANO, synthetic_mano
from mmhand.renderers import overlay_mesh
from mmhand.structures import bbox_from_points, convert_joints, crop_affine
from mmhand.synthesis import count_splits, generate_dataset, get_writer
from mmhand.utils import MMHandError
from mmhand.utils.checkpoint import load_checkpoint
from mmhand.utils.config import load_config, merge_options
from mmhand.utils.setup_env import ensure_writable

CASES = {}


def case(name, message):
    """A bad input; the test gets a scratch folder and a small InterHand2.6M copy to spoil."""

    def register(function):
        CASES[name] = (function, message)
        return function

    return register


class Malicious:
    """Writes a file when unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.fixture(scope='module')
def clean_interhand(tmp_path_factory):
    folder = tmp_path_factory.mktemp('bad_inputs') / 'interhand'
    kind = get_writer('interhand')
    config = kind.make_config(captures=1, views=1, hands='interacting', image_size=(96, 64))
    writer = kind(folder, config, seed=1)
    generate_dataset(writer, count_splits(2, {'train': 1.0}), progress=False)
    return folder


@pytest.fixture
def interhand(clean_interhand, tmp_path):
    folder = tmp_path / 'interhand'
    shutil.copytree(clean_interhand, folder)
    return folder


def annotation(folder, kind):
    return folder / 'annotations' / 'train' / f'InterHand2.6M_train_{kind}.json'


def edit(path, change):
    """Load JSON, let ``change`` spoil it, write it back."""
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def first_joints(content):
    capture = next(iter(content.values()))
    return next(iter(capture.values()))


def open_interhand(folder, **kwargs):
    dataset = InterHand26MDataset(str(folder), split=kwargs.pop('split', 'train'), **kwargs)
    return dataset[0]


LOAD = [dict(type='mmhand.LoadHandImage')]


@case('missing data set folder', 'is not a folder')
def _(tmp, data):
    open_interhand(tmp / 'nowhere')


@case('missing annotation file', 'data.json')
def _(tmp, data):
    annotation(data, 'data').unlink()
    open_interhand(data)


@case('missing camera file', 'camera')
def _(tmp, data):
    annotation(data, 'camera').unlink()
    open_interhand(data)


@case('truncated annotation file', 'data.json')
def _(tmp, data):
    path = annotation(data, 'data')
    path.write_text(path.read_text()[:-40])
    open_interhand(data)


@case('annotation file of another kind', 'array; is it a data.json')
def _(tmp, data):
    annotation(data, 'data').write_text('{"info": {}}')
    open_interhand(data)


@case('record without a key', 'bbox')
def _(tmp, data):
    edit(annotation(data, 'data'), lambda c: c['annotations'][0].pop('bbox'))
    open_interhand(data)


@case('unknown hand type in a record', 'unknown hand_type')
def _(tmp, data):
    edit(annotation(data, 'joint_3d'), lambda c: first_joints(c).update(hand_type='foot'))
    open_interhand(data)


@case('NaN joint marked valid', 'is marked valid but lies')
def _(tmp, data):
    def spoil(content):
        record = first_joints(content)
        record['world_coord'][3][0] = float('nan')
        record['joint_valid'][3] = [1]

    edit(annotation(data, 'joint_3d'), spoil)
    open_interhand(data)


@case('too few joints in a record', 'world_coord')
def _(tmp, data):
    edit(annotation(data, 'joint_3d'), lambda c: first_joints(c)['world_coord'].pop())
    open_interhand(data)


@case('picture of a camera that is not in the camera file', 'which is not in')
def _(tmp, data):
    edit(annotation(data, 'data'), lambda c: c['images'][0].update(camera='999999'))
    open_interhand(data)


@case('annotation of a picture that is not listed', 'which is not in the file')
def _(tmp, data):
    edit(annotation(data, 'data'), lambda c: c['annotations'][0].update(image_id=10**6))
    open_interhand(data)


@case('focal length of zero', 'is no focal length')
def _(tmp, data):
    edit(
        annotation(data, 'camera'),
        lambda c: next(iter(c['0']['focal'].items()))[1].__setitem__(0, 0),
    )
    open_interhand(data)


@case('camera whose rotation is none', 'is no rotation')
def _(tmp, data):
    edit(annotation(data, 'camera'), lambda c: next(iter(c['0']['camrot'].values()))[0].reverse())
    open_interhand(data)


@case('record twice under one number', 'was there before')
def _(tmp, data):
    edit(annotation(data, 'data'), lambda c: c['annotations'].append(c['annotations'][0]))
    open_interhand(data)


@case('key twice in one record', 'is twice in one object')
def _(tmp, data):
    path = annotation(data, 'data')
    path.write_text(path.read_text().replace('"bbox":', '"bbox": [0, 0, 9, 9], "bbox":'))
    open_interhand(data)


@case('lists nested without end', 'nested too deeply')
def _(tmp, data):
    edit(annotation(data, 'data'), lambda c: c['annotations'][0].update(bbox='@'))
    path = annotation(data, 'data')
    path.write_text(path.read_text().replace('"@"', '[' * 100000 + ']' * 100000))
    open_interhand(data)


@case('number out of all bounds', 'lies beyond 1e+06 pixels')
def _(tmp, data):
    edit(annotation(data, 'data'), lambda c: c['annotations'][0].update(bbox=[0, 0, 1e30, 9]))
    open_interhand(data)


@case('text in place of a number', 'expected 4 numbers')
def _(tmp, data):
    edit(annotation(data, 'data'), lambda c: c['annotations'][0].update(bbox=['1', 2, 3, 4]))
    open_interhand(data)


@case('box beside the picture', 'lies beside the picture')
def _(tmp, data):
    edit(annotation(data, 'data'), lambda c: c['annotations'][0].update(bbox=[500, 5, 9, 9]))
    open_interhand(data, strict=True)


@case('picture that was cut and given an end', 'with an end put to it')
def _(tmp, data):
    path = next((data / 'images').rglob('image0.jpg'))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2] + b'\xff\xd9')
    open_interhand(data, pipeline=LOAD, strict=True)


@case('picture that would fill the memory', 'pixels, expected 1 to 120 million')
def _(tmp, data):
    path = next((data / 'images').rglob('image0.jpg'))
    header = struct.pack('>IIBBBBB', 60000, 60000, 8, 2, 0, 0, 0)
    chunk = b'IHDR' + header
    picture = struct.pack('>I', 13) + chunk + struct.pack('>I', zlib.crc32(chunk))
    path.write_bytes(b'\x89PNG\r\n\x1a\n' + picture)
    open_interhand(data, pipeline=LOAD, strict=True)


@case('box without area', 'has no area or is not finite')
def _(tmp, data):
    edit(annotation(data, 'data'), lambda c: c['annotations'][0].update(bbox=[1, 2, 0, 5]))
    open_interhand(data, strict=True)


@case('missing picture', 'image')
def _(tmp, data):
    shutil.rmtree(data / 'images')
    (data / 'images' / 'train').mkdir(parents=True)
    open_interhand(data, strict=True, pipeline=LOAD)


@case('unreadable picture', 'jpg')
def _(tmp, data):
    for path in (data / 'images').rglob('*.jpg'):
        path.write_bytes(path.read_bytes()[:100])
    open_interhand(data, strict=True, pipeline=LOAD)


@case('nothing but unreadable pictures', 'in a row')
def _(tmp, data):
    for path in (data / 'images').rglob('*.jpg'):
        path.write_bytes(b'')
    open_interhand(data, pipeline=LOAD, max_refetch=3)


@case('unknown split', 'unknown split "testing"; known: train, val, test')
def _(tmp, data):
    open_interhand(data, split='testing')


@case('unknown subset key', 'unknown subset key')
def _(tmp, data):
    open_interhand(data, subset=dict(hand='right'))


@case('subset that leaves nothing', 'is left by subset')
def _(tmp, data):
    open_interhand(data, subset=dict(hand_type='left'))


@case('index out of range', 'is out of range')
def _(tmp, data):
    open_interhand(data, indices=[10**6])


@case('RootNet file of another split', 'has no result for annotation')
def _(tmp, data):
    results = [dict(annot_id=10**7, bbox=[0, 0, 9, 9], abs_depth=[500.0, 500.0])]
    (tmp / 'rootnet.json').write_text(json.dumps(results))
    open_interhand(data, rootnet_file=str(tmp / 'rootnet.json'))


@case('box of points of which none is valid', 'none is valid')
def _(tmp, data):
    bbox_from_points(np.zeros((21, 2)), np.zeros(21))


@case('crop of a box that is not finite', 'is not finite')
def _(tmp, data):
    crop_affine(np.array([0, 0, np.inf, 5]), (256, 256))


@case('unknown joint order', 'unknown joint set "openpose25"')
def _(tmp, data):
    convert_joints(np.zeros((21, 3)), 'openpose25', 'canonical')


@case('MANO folder not given', 'MMHAND_MANO_ROOT')
def _(tmp, data):
    MANO()


@case('missing MANO file', 'MANO')
def _(tmp, data):
    MANO(str(tmp / 'MANO_RIGHT.pkl'))


def write_mano(path, **changes):
    content = {**synthetic_mano('right'), **changes}
    path.write_bytes(pickle.dumps({k: v for k, v in content.items() if v is not None}, protocol=2))
    return path


@case('truncated MANO file', 'MANO_RIGHT.pkl')
def _(tmp, data):
    path = write_mano(tmp / 'MANO_RIGHT.pkl')
    path.write_bytes(path.read_bytes()[:2000])
    MANO(str(path))


@case('MANO file that would run code', 'posix.mkdir')
def _(tmp, data):
    MANO(str(write_mano(tmp / 'MANO_RIGHT.pkl', betas=Malicious(tmp / 'pwned'))))


@case('MANO file without a key', 'weights')
def _(tmp, data):
    MANO(str(write_mano(tmp / 'MANO_RIGHT.pkl', weights=None)))


@case('MANO file of the other hand', 'left')
def _(tmp, data):
    MANO(str(write_mano(tmp / 'MANO_LEFT.pkl')), side='right')


@case('config that does not exist', 'does not exist')
def _(tmp, data):
    load_config('configs/internet/internet_r51_interhand.py')


@case('option that the config does not have', 'model')
def _(tmp, data):
    merge_options(load_config('internet_r18_cpu_interhand'), {'modle.backbone.depth': 50})


@case('missing checkpoint', 'latest.pth')
def _(tmp, data):
    load_checkpoint(tmp / 'latest.pth')


@case('truncated checkpoint', 'epoch_1.pth')
def _(tmp, data):
    torch.save({'state_dict': {'w': torch.zeros(1000)}}, tmp / 'epoch_1.pth')
    content = (tmp / 'epoch_1.pth').read_bytes()
    (tmp / 'epoch_1.pth').write_bytes(content[: len(content) // 2])
    load_checkpoint(tmp / 'epoch_1.pth')


@case('checkpoint that would run code', 'posix.mkdir')
def _(tmp, data):
    torch.save({'state_dict': Malicious(tmp / 'pwned')}, tmp / 'epoch_1.pth')
    load_checkpoint(tmp / 'epoch_1.pth')


@case('checkpoint of another model', 'weights.pth')
def _(tmp, data):
    torch.save({'state_dict': {'other.weight': torch.zeros(3)}}, tmp / 'weights.pth')
    init_model('internet_r18_cpu_interhand', str(tmp / 'weights.pth'))


@case('conversion by an unknown method', 'unknown method')
def _(tmp, data):
    convert_file('handnet', tmp / 'a.pth', tmp / 'b.pth')


@case('work folder that cannot be written', 'work')
def _(tmp, data):
    (tmp / 'file').write_text('')
    ensure_writable(str(tmp / 'file' / 'work'))


@case('unknown synthetic format', 'unknown format')
def _(tmp, data):
    get_writer('coco')


@case('unknown evaluation protocol', 'unknown evaluation protocol')
def _(tmp, data):
    get_protocol('pa-mpjpe')


@case('mesh file of an unknown kind', 'stl')
def _(tmp, data):
    save_mesh(tmp / 'hand.stl', np.zeros((3, 3)), np.array([[0, 1, 2]]))


@case('overlay on something that is no picture', 'image')
def _(tmp, data):
    hand = np.eye(3) + [0, 0, 1]
    overlay_mesh(np.zeros((8, 8)), hand, np.array([[0, 1, 2]]), np.eye(3))


@pytest.mark.parametrize('name', CASES)
def test_ends_in_one_line_that_names_the_cause(name, interhand, tmp_path, monkeypatch):
    monkeypatch.delenv('MMHAND_MANO_ROOT', raising=False)
    function, message = CASES[name]
    with pytest.raises(MMHandError, match=re.escape(message)) as info:
        function(tmp_path, interhand)
    text = ' '.join(map(str, info.value.args))
    assert '\n' not in text
    assert not (tmp_path / 'pwned').exists(), 'the file ran code'


def test_documentation_lists_every_case(repo):
    """Its messages are held to the tests by tests/tools/test_errors_doc.py."""
    table = (repo / 'docs' / 'en' / 'errors.md').read_text()
    rows = re.findall(r'^\| ([^|]+?) \|', table, re.M)
    assert set(CASES) <= set(rows)
    assert len(CASES) >= 35

"""Data sets on disk: the official fields, resuming, and independence of the number of workers."""

import json
import os
import signal
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest
import torch

from mmhand.hand_models import OpenHand
from mmhand.structures import convert_joints, get_joint_set
from mmhand.synthesis import (
    DEPTH_UNIT,
    build_config,
    count_splits,
    generate_dataset,
    get_writer,
    parse_splits,
    render_sample,
)
from mmhand.utils.errors import HandConfigError, HandDataError, HandFileError

COUNTS = {'train': 5, 'test': 2}


def _writer(out, name='interhand', seed=4, **settings):
    small = dict(image_size='96x64' if name == 'interhand' else '64x64', occluder_prob=0.3)
    if name == 'interhand':
        small.update(views=2, cameras=3, captures=2)
    size = small.pop('image_size')
    config = build_config(name, settings.pop('hands', None), size, **{**small, **settings})
    return get_writer(name)(out, config, seed)


def _contents(root):
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob('*'))
        if path.is_file()
    }


@pytest.fixture(scope='module')
def interhand(tmp_path_factory):
    out = tmp_path_factory.mktemp('interhand') / 'set'
    writer = _writer(out, hands='both')
    done = generate_dataset(writer, COUNTS, progress=False)
    assert done == {'made': 7, 'kept': 0}
    return writer


def _annotations(writer, split):
    folder = writer.out / 'annotations' / split
    keys = ('data', 'camera', 'joint_3d', 'MANO_NeuralAnnot')
    return [json.loads((folder / f'InterHand2.6M_{split}_{key}.json').read_text()) for key in keys]


def test_interhand_has_the_official_fields(interhand, realdata):
    """Every key of the real files is there with the same kind of value."""
    official = [
        json.loads((realdata / 'interhand2.6m' / f'test_interhand2.6m_{key}.json').read_text())
        for key in ('data', 'camera', 'joint_3d')
    ]
    made = _annotations(interhand, 'train')[:3]

    def same(real, ours, depth=0):
        if isinstance(real, dict) and not all(key.isdigit() for key in real):
            assert set(real) == set(ours)
            for key in real:
                same(real[key], ours[key], depth + 1)
        elif isinstance(real, dict):
            same(next(iter(real.values())), next(iter(ours.values())), depth + 1)
        elif isinstance(real, list):
            if depth > 2:
                assert len(real) == len(ours)
            same(real[0], ours[0], depth + 1)
        elif isinstance(real, str):
            assert isinstance(ours, str)
        else:
            assert isinstance(ours, int | float)

    for real, ours in zip(official, made, strict=True):
        same(real, ours)


def test_interhand_numbers_agree_with_each_other(interhand):
    data, camera, joint_3d, mano = _annotations(interhand, 'train')
    assert len(data['images']) == len(data['annotations']) == 5
    order = get_joint_set('interhand21')
    for image, annotation in zip(data['images'], data['annotations'], strict=True):
        capture, frame = str(image['capture']), str(image['frame_idx'])
        picture = cv2.imread(str(interhand.out / 'images/train' / image['file_name']))
        assert picture.shape[:2] == (image['height'], image['width'])
        assert image['file_name'].startswith(
            f'Capture{capture}/{image["seq_name"]}/cam{image["camera"]}/image{frame}'
        )
        joints = joint_3d[capture][frame]
        world = np.array(joints['world_coord'])
        valid = np.array(joints['joint_valid'])[:, 0].astype(bool)
        assert valid[:21].all() == (annotation['hand_type'] != 'left')
        assert valid[21:].all() == (annotation['hand_type'] != 'right')
        calibration = {key: np.array(camera[capture][key][image['camera']]) for key in camera['0']}
        local = (world - calibration['campos']) @ calibration['camrot'].T
        pixel = local[:, :2] / local[:, 2:] * calibration['focal'] + calibration['princpt']
        seen = np.array(annotation['joint_valid'])[:, 0].astype(bool)
        assert not (seen & ~valid).any()
        x, y, w, h = annotation['bbox']
        inside = (pixel[seen] >= [x - 0.01, y - 0.01]) & (
            pixel[seen] <= [x + w + 0.01, y + h + 0.01]
        )
        assert inside.all()
        mask = cv2.imread(
            str(interhand.out / 'masks/train' / image['file_name'].replace('.jpg', '.png')),
            cv2.IMREAD_UNCHANGED,
        )
        depth = cv2.imread(
            str(interhand.out / 'depth/train' / image['file_name'].replace('.jpg', '.png')),
            cv2.IMREAD_UNCHANGED,
        )
        assert mask.dtype == np.uint8
        assert depth.dtype == np.uint16
        assert 0.4 < depth[mask & 0b1010 > 0].mean() * DEPTH_UNIT < 2
        for number, side in enumerate(('right', 'left')):
            parameters = mano[capture][frame][side]
            assert (parameters is not None) == valid[number * 21]
            if parameters is None:
                continue
            assert [len(parameters[key]) for key in ('pose', 'shape', 'trans')] == [48, 10, 3]
            pose, shape, trans = (
                torch.tensor([parameters[key]]) for key in ('pose', 'shape', 'trans')
            )
            with torch.no_grad():
                out = OpenHand(side)(pose[:, :3], pose[:, 3:], shape, trans)
            ours = convert_joints(out.joints[0].numpy(), 'canonical', 'interhand21') * 1000
            assert np.abs(ours - world[number * 21 : number * 21 + 21]).max() < 5e-3
            root = order.index('wrist')
            assert np.linalg.norm(ours[root] - [0, 0, 1000]) < 400


def test_interhand_side_files(interhand):
    rows = [
        line.split()
        for line in (interhand.out / 'annotations/skeleton.txt').read_text().splitlines()
        if not line.startswith('#')
    ]
    assert len(rows) == 42
    assert rows[20] == ['right_wrist', '20', '-1']
    assert rows[0] == ['right_thumb4', '0', '1']
    meta = json.loads((interhand.out / 'synthetic.json').read_text())
    assert meta['hand_model'] == {'type': 'OpenHand', 'flat_hand_mean': False}
    assert meta['complete'] is True
    assert meta['samples'] == COUNTS
    assert meta['mask_planes'][:4] == [
        'right_amodal',
        'right_visible',
        'left_amodal',
        'left_visible',
    ]
    human = (interhand.out / 'annotations/aid_human_annot_train.txt').read_text().split()
    assert 0 < len(human) < 5
    rootnet = json.loads(
        (interhand.out / 'rootnet_output/rootnet_interhand2.6m_output_test.json').read_text()
    )
    assert [entry['annot_id'] for entry in rootnet] == [0, 1]
    assert rootnet[0]['bbox'][2] == pytest.approx(rootnet[0]['bbox'][3])
    assert not list(interhand.out.rglob('*.partial'))


def test_splits_have_scenes_of_their_own(interhand):
    train, test = _annotations(interhand, 'train'), _annotations(interhand, 'test')
    assert train[1]['0'] != test[1]['0']
    assert train[3]['0']['0'] != test[3]['0']['0']


def test_two_workers_write_the_same_bytes(interhand, tmp_path):
    out = tmp_path / 'set'
    generate_dataset(_writer(out, hands='both'), COUNTS, workers=2, progress=False)
    one, two = _contents(interhand.out), _contents(out)
    assert one.keys() == two.keys()
    assert [name for name in one if one[name] != two[name]] == []


def test_resuming_keeps_finished_frames_and_mends_the_rest(interhand, tmp_path):
    out = tmp_path / 'set'
    writer = _writer(out, hands='both')
    generate_dataset(writer, {'train': 3, 'test': 2}, progress=False)
    stamps = {path: path.stat().st_mtime_ns for path in out.rglob('*.jpg')}
    victim = sorted(stamps)[0]
    victim.unlink()
    # More samples than before, one picture lost, a half-written file of a killed run.
    (victim.parent / '.image0.jpg.1.partial').write_bytes(b'half')
    done = generate_dataset(writer, COUNTS, progress=False)
    assert done['kept'] > 0
    assert done['made'] + done['kept'] == 7
    assert _contents(out) == _contents(interhand.out)
    kept = [path for path in stamps if path.stat().st_mtime_ns == stamps[path]]
    assert len(kept) == done['kept']
    assert generate_dataset(writer, COUNTS, progress=False) == {'made': 0, 'kept': 7}


def test_a_killed_run_leaves_a_folder_to_resume(interhand, tmp_path):
    out = tmp_path / 'set'
    code = (
        'from tests_helper import writer; from mmhand.synthesis import generate_dataset;'
        f'generate_dataset(writer({str(out)!r}), {COUNTS!r}, workers=2, progress=False)'
    )
    (tmp_path / 'tests_helper.py').write_text(
        'from mmhand.synthesis import build_config, get_writer\n'
        'def writer(out):\n'
        "    config = build_config('interhand', 'both', '96x64', views=2, cameras=3, captures=2,\n"
        '                          occluder_prob=0.3)\n'
        "    return get_writer('interhand')(out, config, 4)\n"
    )
    environment = {**os.environ, 'PYTHONPATH': str(tmp_path), 'OMP_NUM_THREADS': '1'}
    process = subprocess.Popen([sys.executable, '-c', code], env=environment)
    deadline = time.monotonic() + 60
    while not list(out.rglob('*.jpg')) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert list(out.rglob('*.jpg'))
    assert not (out / 'annotations').exists()
    assert json.loads((out / 'synthetic.json').read_text())['complete'] is False
    # The workers notice that they are orphans.
    time.sleep(1.2)
    generate_dataset(_writer(out, hands='both'), COUNTS, progress=False)
    assert _contents(out) == _contents(interhand.out)


def test_freihand_layout(tmp_path):
    out = tmp_path / 'set'
    writer = _writer(out, 'freihand')
    counts = {'training': 3, 'evaluation': 1}
    generate_dataset(writer, counts, progress=False)
    lists = {
        key: json.loads((out / f'training_{key}.json').read_text())
        for key in ('K', 'xyz', 'verts', 'mano', 'scale')
    }
    assert {len(entries) for entries in lists.values()} == {3}
    model = OpenHand('right')
    for index in range(3):
        picture = cv2.imread(str(out / f'training/rgb/{index:08d}.jpg'))
        assert picture.shape == (64, 64, 3)
        mask = cv2.imread(str(out / f'training/mask/{index:08d}.jpg'), cv2.IMREAD_UNCHANGED)
        planes = cv2.imread(str(out / f'masks/training/rgb/{index:08d}.png'), cv2.IMREAD_UNCHANGED)
        assert np.mean((mask > 127) != (planes & 2 > 0)) < 0.01
        xyz, K = np.array(lists['xyz'][index]), np.array(lists['K'][index])
        theta = torch.tensor(lists['mano'][index])
        assert theta.shape == (1, 61)
        with torch.no_grad():
            posed = model(theta[:, :3], theta[:, 3:48], theta[:, 48:58])
        # FreiHAND's own way to place the hand: the middle knuckle at its pixel and scale.
        pixel, scale = theta[0, 58:60].numpy(), float(theta[0, 60])
        focal = 0.5 * (K[0, 0] + K[1, 1])
        root = np.append(pixel - K[:2, 2], focal) / scale
        joints = posed.joints[0].numpy()
        assert np.abs(joints - joints[9] + root - xyz).max() < 1e-5
        vertices = posed.vertices[0].numpy() - joints[9] + root
        assert np.abs(vertices - lists['verts'][index]).max() < 1e-5
        assert lists['scale'][index] == pytest.approx(np.linalg.norm(xyz[9] - xyz[10]), abs=1e-6)
        projected = xyz @ K.T
        projected = projected[:, :2] / projected[:, 2:]
        assert ((projected > -3) & (projected < 67)).all()
    assert (out / 'evaluation/rgb/00000000.jpg').is_file()
    assert not (out / 'evaluation/mask').exists()


def test_written_samples_are_the_rendered_ones(interhand):
    sample = render_sample(interhand.split_seed('test'), 1, interhand.config)
    path = interhand.out / interhand.sample_files('test', sample)['mask']
    assert np.array_equal(cv2.imread(str(path), cv2.IMREAD_UNCHANGED), sample.mask)


@pytest.mark.parametrize(
    ('total', 'shares', 'counts'),
    [
        (10, {'train': 0.8, 'val': 0.1, 'test': 0.1}, {'train': 8, 'val': 1, 'test': 1}),
        (3, {'train': 0.8, 'val': 0.1, 'test': 0.1}, {'train': 1, 'val': 1, 'test': 1}),
        (1, {'train': 0.8, 'val': 0.2}, {'train': 1}),
        (7, {'test': 1.0}, {'test': 7}),
    ],
)
def test_count_splits(total, shares, counts):
    assert count_splits(total, shares) == counts


def test_bad_requests_say_what_is_wrong(tmp_path):
    interhand_type = get_writer('interhand')
    with pytest.raises(HandConfigError, match='unknown format "kinect"; known: .*freihand'):
        get_writer('kinect')
    with pytest.raises(HandConfigError, match='no split "trian"; it has train, val, test'):
        parse_splits('trian:1', interhand_type)
    with pytest.raises(HandConfigError, match='is no number: "many"'):
        parse_splits('train:many', interhand_type)
    with pytest.raises(HandConfigError, match='must be positive'):
        parse_splits('train:0', interhand_type)
    with pytest.raises(HandConfigError, match='at least 1, not 0'):
        count_splits(0, {'train': 1.0})
    with pytest.raises(HandConfigError, match='single right hands only'):
        build_config('freihand', 'interacting', None)
    with pytest.raises(HandConfigError, match='one calibration a capture'):
        build_config('interhand', None, None, framing='crop')
    with pytest.raises(HandConfigError, match='must be WxH'):
        build_config('interhand', None, 'large')
    writer = _writer(tmp_path / 'set')
    with pytest.raises(HandConfigError, match='workers must be at least 1'):
        generate_dataset(writer, COUNTS, workers=0)
    (tmp_path / 'file').write_text('')
    with pytest.raises(HandFileError, match='is a file'):
        generate_dataset(_writer(tmp_path / 'file'), COUNTS)
    with pytest.raises(HandFileError, match='cannot be made'):
        generate_dataset(_writer(tmp_path / 'file' / 'set'), COUNTS)
    (tmp_path / 'full').mkdir()
    (tmp_path / 'full' / 'thesis.tex').write_text('')
    with pytest.raises(HandDataError, match='is not empty'):
        generate_dataset(_writer(tmp_path / 'full'), COUNTS)


def test_another_seed_or_setting_does_not_mix_in(interhand):
    with pytest.raises(HandConfigError, match='with seed 4, not 5'):
        generate_dataset(_writer(interhand.out, seed=5, hands='both'), COUNTS)
    with pytest.raises(HandConfigError, match="{'hands': 'both'}, not {'hands': 'single'}"):
        generate_dataset(_writer(interhand.out, hands='single'), COUNTS)
    damaged = interhand.meta_path.read_text()
    try:
        old = json.loads(damaged)
        del old['config']['turn'], old['config']['gestures']
        interhand.meta_path.write_text(json.dumps(old))
        assert generate_dataset(interhand, COUNTS)['made'] == 0, 'settings added since are default'
        interhand.meta_path.write_text(damaged[:40])
        with pytest.raises(HandFileError, match='cannot be read as JSON'):
            generate_dataset(interhand, COUNTS)
    finally:
        interhand.meta_path.write_text(damaged)

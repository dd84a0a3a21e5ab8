"""What the mean guesses score, from commands on small synthetic sets."""

import json
import re
import runpy

import cv2
import numpy as np
import pytest

from mmhand.synthesis import generate_dataset, get_writer


def synthesise(kind, out, counts, **settings):
    writer_type = get_writer(kind)
    settings = {'image_size': (96, 64), **settings}
    writer = writer_type(out, writer_type.make_config(**settings), 0)
    generate_dataset(writer, counts, progress=False)
    return out


@pytest.fixture
def run(repo, tmp_path, monkeypatch):
    """Test the mean hand in a config's place; gives the command's status."""
    main = runpy.run_path(str(repo / 'tools/test.py'))['main']

    def call(config, data_root):
        options = ('--data-root', str(data_root), '--work-dir', str(tmp_path / 'work'))
        monkeypatch.setattr('sys.argv', ['test.py', config, 'mean', *options])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code

    return call


def scores(text):
    """Metric name to value of what a command printed."""
    return {name: float(value) for name, value in re.findall(r'^(\S+/\S+) +([\d.]+)$', text, re.M)}


def test_mean_joints_beside_their_definition(run, tmp_path, capsys):
    root = synthesise('interhand', tmp_path / 'set', {'train': 6, 'test': 4}, hands='interacting')
    assert not run('hdr_cpu_interhand', root)
    printed = scores(capsys.readouterr().out)
    from mmhand.datasets.interhand import InterHand26MDataset

    units, truth = [], []
    for split, place in (('train', units), ('test', truth)):
        data = InterHand26MDataset(data_root=str(root), split=split, pipeline=[])
        for row in range(len(data)):
            joints = data.get_data_info(row)['keypoints_3d']
            place.append(joints - joints[:, :1])
    units = np.stack([u / np.linalg.norm(u[:, 9:10], axis=-1, keepdims=True) for u in units])
    truth = np.stack(truth)
    bone = np.linalg.norm(truth[:, :, 9:10], axis=-1, keepdims=True)
    mean = units.mean(0)
    # The protocol brings the guess to the annotated bone length.
    mean = mean / np.linalg.norm(mean[:, 9:10], axis=-1, keepdims=True)
    expected = 1000 * np.linalg.norm(mean * bone - truth, axis=-1).mean()
    assert printed['hdr/MPJPE_interacting'] == pytest.approx(expected, rel=2e-3)


def test_contacts_are_not_asked_of_mean_joints(run, tmp_path, capsys):
    root = synthesise('interhand', tmp_path / 'set', {'train': 3, 'test': 2}, hands='interacting')
    assert not run('twohand_cpu_interhand', root)
    assert scores(capsys.readouterr().out)['twohand/MPJPE'] > 10


def test_the_selected_hand_is_scored_as_a_right_one(run, tmp_path, capsys):
    root = synthesise('interhand', tmp_path / 'set', {'train': 14, 'test': 10}, views=1)
    assert not run('hdr_shpe_cpu_interhand', root)
    printed = scores(capsys.readouterr().out)
    assert printed['hdr/MPJPE_right'] == printed['hdr/MPJPE_all'] > 0
    assert 'hdr/MPJPE_left' not in printed
    assert run('hdr_hasm_mitb0_cpu_interhand', root) == 2
    assert 'no test_evaluator that a mean hand can answer to' in capsys.readouterr().err


def test_which_hands_are_there_is_answered_alike_for_all_pictures(run, tmp_path, capsys):
    root = synthesise('interhand', tmp_path / 'set', {'train': 10, 'test': 9}, views=1)
    assert not run('internet_r18_cpu_interhand', root)
    printed = scores(capsys.readouterr().out)
    from mmhand.datasets.interhand import InterHand26MDataset

    sets = [InterHand26MDataset(data_root=str(root), split=split) for split in ('train', 'test')]
    train, test = ([data.get_data_info(k) for k in range(len(data))] for data in sets)
    types = [info['hand_type'] for info in train]
    most = max(set(types), key=types.count)
    assert types.count(most) > max(types.count(t) for t in {*types} - {most})
    share = np.mean([info['hand_type'] == most for info in test])
    assert printed['internet/HandednessAcc'] == pytest.approx(share, abs=1e-4)

    def offsets(infos):
        both = [info for info in infos if info['hand_type'] == 'interacting']
        return np.stack([np.subtract(*info['keypoints_3d'][::-1, 0]) for info in both])

    off = np.linalg.norm(offsets(train).mean(0) - offsets(test), axis=-1)
    assert printed['internet/MRRPE'] == pytest.approx(1000 * off.mean(), rel=1e-3)


def test_errors_in_the_hand_models_own_frame_do_not_count_the_cameras_distance(
    run, tmp_path, capsys
):
    root = synthesise('humbi', tmp_path / 'set', {'train': 1, 'test': 2})
    assert not run('iahm_r18_cpu_humbi', root)
    printed = scores(capsys.readouterr().out)
    assert 20 < printed['iahm/MPJPE'] < 400
    # The shape of a mean hand is no shape.
    assert 0 < printed['shape/betas'] < 3


def test_stages_are_not_asked_of_a_mean_hand(run, tmp_path, capsys):
    root = synthesise('nyu', tmp_path / 'set', {'train': 1, 'test': 2}, image_size=(640, 480))
    assert not run('dsf_r18_cpu_nyu', root)
    printed = scores(capsys.readouterr().out)
    assert printed['nyu/MPJPE'] > 5
    assert not any('stages' in name for name in printed)


def test_mean_mesh_is_scored_after_alignment(run, tmp_path, capsys):
    root = synthesise('ho3d', tmp_path / 'set', {'train': 1, 'evaluation': 2})
    assert not run('handoccnet_r18_cpu_ho3d', root)
    printed = scores(capsys.readouterr().out)
    assert 1 < printed['ho3d_v2/PA-MPJPE'] < 60 < printed['ho3d_v2/MPJPE']


def test_a_mean_hand_is_pasted_into_the_box(run, tmp_path, capsys):
    rng = np.random.default_rng(0)
    images, hands = [], []
    for number in range(4):
        left = number % 2
        cv2.imwrite(str(tmp_path / f'{number}.png'), np.full((90, 120, 3), 80, np.uint8))
        images.append(dict(id=number, file_name=f'{number}.png', width=120, height=90))
        x, y, w, h = box = [10 + number, 5, 50 + 10 * number, 60]
        points = rng.uniform(0, 1, (21, 2)) * (w, h) + (x, y)
        hands.append(
            dict(
                id=number,
                image_id=number,
                bbox=box,
                keypoints=np.c_[points, np.ones(21)].tolist(),
                hand_type='left' if left else 'right',
            )
        )
    (tmp_path / 'hands.json').write_text(json.dumps(dict(images=images, annotations=hands)))
    config = tmp_path / 'own.py'
    config.write_text(
        "_base_ = ['mmhand::handoccnet/handoccnet_r18_2d_cpu_onehand10k.py']\n"
        "mine = dict(type='CocoHandDataset', ann_file='hands.json')\n"
        'loader = dict(dataset=mine, batch_size=2, num_workers=0, persistent_workers=False)\n'
        'train_dataloader = loader\ntest_dataloader = loader\nval_dataloader = loader\n'
    )
    (tmp_path / 'work').mkdir()
    (tmp_path / 'work' / 'own.py').write_text('of the training')
    assert not run(str(config), tmp_path)
    printed = scores(capsys.readouterr().out)
    boxes = np.array([hand['bbox'] for hand in hands])
    points = np.array([hand['keypoints'] for hand in hands])[..., :2]
    places = (points - boxes[:, None, :2]) / boxes[:, None, 2:]
    places[1::2, :, 0] = 1 - places[1::2, :, 0]
    guess = np.repeat(places.mean(0, keepdims=True), 4, 0)
    guess[1::2, :, 0] = 1 - guess[1::2, :, 0]
    off = np.linalg.norm(guess * boxes[:, None, 2:] + boxes[:, None, :2] - points, axis=-1)
    assert printed['keypoints/EPE'] == pytest.approx(off.mean(), rel=1e-3)
    near = (off / boxes[:, None, 2:].max(-1) < 0.2).mean()
    assert printed['keypoints/PCK@0.2'] == pytest.approx(near, abs=1e-4)
    # Kept where mmhand report finds it, and the trained network's config is left alone.
    (kept,) = (tmp_path / 'work').glob('*/results.json')
    content = json.loads(kept.read_text())
    assert content['checkpoint']['weights'] == 'mean hand'
    assert content['metrics']['keypoints/EPE'] == pytest.approx(printed['keypoints/EPE'], abs=1e-4)
    assert (tmp_path / 'work' / 'own.py').read_text() == 'of the training'

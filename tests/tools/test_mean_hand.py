"""What the mean guesses score, from commands on small synthetic sets."""

import re
import runpy

import numpy as np
import pytest

from mmhand.synthesis import generate_dataset, get_writer


def synthesise(kind, out, counts, **settings):
    writer_type = get_writer(kind)
    writer = writer_type(out, writer_type.make_config(image_size=(96, 64), **settings), 0)
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
    assert run('internet_r18_cpu_interhand', root) == 2
    assert 'no test_evaluator that a mean hand can answer to' in capsys.readouterr().err


def test_mean_mesh_is_scored_after_alignment(run, tmp_path, capsys):
    root = synthesise('ho3d', tmp_path / 'set', {'train': 1, 'evaluation': 2})
    assert not run('handoccnet_r18_cpu_ho3d', root)
    printed = scores(capsys.readouterr().out)
    assert 1 < printed['ho3d_v2/PA-MPJPE'] < 60 < printed['ho3d_v2/MPJPE']

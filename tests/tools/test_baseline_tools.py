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


def run(repo, name, *args):
    """Status of a command, run in this process."""
    tool = runpy.run_path(str(repo / 'tools/analysis_tools' / name))
    with pytest.raises(SystemExit) as ended:
        tool['main'](list(args))
    return ended.value.code


def scores(text):
    """Metric name to value of what a command printed."""
    return {name: float(value) for name, value in re.findall(r'^(\S+/\S+) +([\d.]+)$', text, re.M)}


def test_mean_joints_beside_their_definition(repo, tmp_path, capsys):
    root = synthesise('interhand', tmp_path / 'set', {'train': 6, 'test': 4}, hands='interacting')
    assert not run(repo, 'mean_joints_baseline.py', 'hdr_cpu_interhand', '--data-root', str(root))
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


def test_the_selected_hand_is_scored_as_a_right_one(repo, tmp_path, capsys):
    root = synthesise('interhand', tmp_path / 'set', {'train': 14, 'test': 10}, views=1)
    where = ('--data-root', str(root))
    assert not run(repo, 'mean_joints_baseline.py', 'hdr_shpe_cpu_interhand', *where)
    printed = scores(capsys.readouterr().out)
    assert printed['hdr/MPJPE_right'] == printed['hdr/MPJPE_all'] > 0
    assert 'hdr/MPJPE_left' not in printed
    assert run(repo, 'mean_joints_baseline.py', 'internet_r18_cpu_interhand', *where) == 2
    assert 'no InterHandMetric of protocol "hdr"' in capsys.readouterr().err


def test_mean_mesh_is_scored_after_alignment(repo, tmp_path, capsys):
    root = synthesise('ho3d', tmp_path / 'set', {'train': 1, 'evaluation': 2})
    option = f'test_dataloader.dataset.data_root={root}'
    args = ('handoccnet_r18_cpu_ho3d', '--cfg-options', option)
    assert not run(repo, 'mean_pose_baseline.py', *args)
    printed = scores(capsys.readouterr().out)
    assert 1 < printed['ho3d_v2/PA-MPJPE'] < 60 < printed['ho3d_v2/MPJPE']

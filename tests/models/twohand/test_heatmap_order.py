"""The tool that tells a checkpoint's heat-map order."""

import runpy

import cv2
import numpy as np
import pytest
import torch

from mmhand.apis import init_model
from mmhand.hand_models import OpenHand
from mmhand.structures import HandEstimate, convert_joints

NAME = 'twohand_cpu_interhand'


@pytest.fixture(scope='module')
def tool(repo):
    return runpy.run_path(str(repo / 'tools/twohand/check_heatmap_order.py'))


@pytest.fixture
def model(monkeypatch):
    """A network whose hands are right, and whose volumes have their joints in InterHand's order."""
    torch.manual_seed(0)
    model = init_model(NAME)
    pose, zero = 0.4 * torch.randn(2, 48), torch.zeros(2, 10)
    joints = torch.cat(
        [
            OpenHand(side)(pose[i : i + 1, :3], pose[i : i + 1, 3:], zero[:1]).joints
            for i, side in enumerate(('right', 'left'))
        ]
    )
    places = 12 + 90 * (joints - joints.mean(1, keepdim=True))[..., :2]
    grid = torch.arange(24.0)

    def bands(feature, side, rows=None):
        place = convert_joints(places[side], 'canonical', 'interhand21', axis=0)
        x, y = (torch.exp(-0.5 * (grid - place[:, i, None]) ** 2) for i in (0, 1))
        volume = 10 * (y[:, :, None] * x[:, None])[:, None].expand(-1, 24, -1, -1)
        yield volume.expand(len(feature), -1, -1, -1, -1)

    def head(feats, peaks, attention):
        both = joints.expand(len(peaks), -1, -1, -1)
        stage = HandEstimate(both, both, pose=pose, betas=zero, rest_joints=both)
        return [stage, stage], torch.zeros(len(peaks), 4)

    monkeypatch.setattr(model.heatmap.head, 'hand_volume_bands', bands)
    monkeypatch.setattr(model.head, 'forward', head)
    return model


def test_only_the_right_order_fits(tool, model):
    found = tool['order_residuals'](model, torch.rand(2, 3, 96, 96))
    assert found['interhand21'] < 0.5  # whole pixels
    assert min(found['mano21'], found['canonical']) > 3 * found['interhand21']
    assert model.volume_set == 'mano21'


def test_command(tool, model, monkeypatch, tmp_path, capsys):
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((40, 40, 3), np.uint8))
    monkeypatch.setitem(tool['main'].__wrapped__.__globals__, 'init_model', lambda *_: model)

    def run():
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            tool['main']([NAME, 'some.pth', str(tmp_path)])
        assert stop.value.code in (None, 0)
        return capsys.readouterr().out.splitlines()

    said = run()
    assert said[0].split()[0] == 'interhand21'
    assert said[-1].endswith('set model.heatmap.head.codec.joint_set=interhand21')
    model.heatmap.head.codec.joint_set = 'interhand21'
    assert run()[-1].endswith('in the order that the config states, interhand21')


def test_no_verdict_without_a_clear_one(tool):
    means = {'mano21': 2.0, 'interhand21': 2.5, 'canonical': 2.6}
    assert tool['verdict'](means, 'mano21', 3).startswith('undecided over 3 picture(s)')

"""Recordings for the Rerun viewer."""

import numpy as np
import pytest
import torch

from mmhand.apis.picture_result import PictureResult, ResultViews
from mmhand.apis.sinks import RerunFile
from mmhand.hand_models import OpenHand
from mmhand.structures import HandCamera, HandDataSample, HandInstances
from mmhand.utils.errors import HandConfigError


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.hand_model = OpenHand(side='right')


@pytest.fixture
def views():
    return ResultViews(Model(), 'none', None)


def frame(number, hands=1):
    sample = HandDataSample(metainfo=dict(camera=HandCamera(np.eye(3, dtype=np.float32) * 50)))
    mesh = Model().hand_model.v_template.numpy()[None].repeat(hands, 0) + [0, 0, 0.5]
    sample.pred_hands = HandInstances(
        side=np.zeros(hands, int), vertices=mesh.astype(np.float32), keypoints_3d=mesh[:, :21]
    )
    image = np.full((48, 64, 3), 90, np.uint8)
    samples = [sample] if hands else []
    return PictureResult(str(number), image, np.zeros((hands, 4)), samples, number=number, time=0.1)


def test_frames_are_written_and_the_file_is_whole_at_the_end(tmp_path, views):
    rerun = pytest.importorskip('rerun')
    recording = RerunFile(tmp_path / 'out' / 'video.rrd', views)
    for number, hands in enumerate((1, 2, 0)):
        recording.add(frame(number, hands))
    assert not recording.path.exists()
    assert recording.close() == tmp_path / 'out' / 'video.rrd'
    found = rerun.dataframe.load_recording(recording.path)

    def frames(entity):
        return found.view(index='frame', contents=entity).select('frame').read_all()[0].to_pylist()

    assert frames('/world/camera/picture') == [0, 1, 2]
    assert frames('/world/hands/0_right') == [0, 1, 2]  # in the last one to clear it
    assert frames('/world/hands/1_right') == [1, 2]
    assert [path.name for path in recording.path.parent.iterdir()] == ['video.rrd']


def test_without_the_package_one_line_says_what_to_install(tmp_path, views, monkeypatch):
    monkeypatch.setitem(__import__('sys').modules, 'rerun', None)
    with pytest.raises(HandConfigError, match=r'pip install "mmhand\[viewer\]"'):
        RerunFile(tmp_path / 'video.rrd', views)

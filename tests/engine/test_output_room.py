"""A full disk ends a test before it has begun, or after its first batch."""

import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from mmengine.evaluator import DumpResults

from mmhand.engine.output_room import OutputRoom
from mmhand.evaluation.metrics import DexYCBMetric, HandPoseMetric, HO3DMetric
from mmhand.utils.errors import HandFileError


def run(*metrics, samples=100):
    loader = SimpleNamespace(dataset=range(samples))
    return SimpleNamespace(test_evaluator=SimpleNamespace(metrics=metrics), test_dataloader=loader)


def left(monkeypatch, free):
    monkeypatch.setattr(shutil, 'disk_usage', lambda path: SimpleNamespace(free=free))


def metrics(folder):
    return (
        HandPoseMetric('ho3d_v2', dump_path=str(folder / 'a' / 'records.npz')),
        HO3DMetric(submission=str(folder / 'b' / 'pred.zip')),
        HO3DMetric(scores_file=str(folder / 'c' / 'scores.txt')),
        DexYCBMetric(result_file=str(folder / 'd' / 'results.txt')),
        DumpResults(str(folder / 'e' / 'all.pkl')),
    )


def test_folders_are_made_and_looked_at_first(tmp_path, monkeypatch):
    OutputRoom().before_test(run(*metrics(tmp_path)))
    assert sorted(path.name for path in tmp_path.iterdir()) == list('abcde')
    left(monkeypatch, 1000)
    for metric in metrics(tmp_path):
        with pytest.raises(HandFileError, match='make room or name another folder'):
            OutputRoom().before_test(run(metric))
    OutputRoom().before_test(run(HandPoseMetric('ho3d_v2')))


def test_a_file_in_the_way_is_named(tmp_path):
    (tmp_path / 'a').write_text('')
    with pytest.raises(HandFileError, match=f'cannot write to {tmp_path}/a'):
        OutputRoom().before_test(run(metrics(tmp_path)[0]))


@pytest.mark.parametrize('number', [0, 1, 3, 4])
def test_what_all_samples_take_is_known_after_the_first(tmp_path, monkeypatch, number):
    metric = metrics(tmp_path)[number]
    metric.results = [np.zeros(50_000, np.uint8)] * 2
    room, each = OutputRoom(), 2.5e4  # NumPy's pickle of one array, which both entries are
    for batch, samples, enough in ((0, 1000, False), (0, 10, True), (1, 1000, True)):
        left(monkeypatch, 2 * 6 * each * 10)
        if enough:
            room.after_test_iter(run(metric, samples=samples), batch)
            continue
        with pytest.raises(HandFileError, match='MB are needed; make room'):
            room.after_test_iter(run(metric, samples=samples), batch)

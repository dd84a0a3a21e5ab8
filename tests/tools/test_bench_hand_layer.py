"""The hand layer benchmark runs, agrees with smplx and writes its numbers."""

import json
import runpy

import pytest


@pytest.fixture
def bench(repo):
    return runpy.run_path(str(repo / 'tools/benchmark/bench_hand_layer.py'))


def run(bench, *args):
    with pytest.raises(SystemExit) as stopped:
        bench['main']([*args, '--seconds', '0.02', '--batch-sizes', '2'])
    assert not stopped.value.code


def test_both_sides(bench, tmp_path, capsys):
    pytest.importorskip('smplx')
    out = tmp_path / 'bench.json'
    run(bench, '--out', str(out))
    rows = json.loads(out.read_text())
    assert [(row['batch'], row['backward']) for row in rows] == [(2, False), (2, True)]
    for row in rows:
        assert row['smplx_max_difference_m'] <= 1e-6
        assert row['smplx_ratio_median'] == pytest.approx(
            row['smplx_median_ms'] / row['mmhand_median_ms']
        )
    assert 'ratio' in capsys.readouterr().out


def test_without_smplx(bench, mano_file_root, tmp_path, capsys):
    bench['main'].__wrapped__.__globals__['smplx_lbs'] = None
    out = tmp_path / 'bench.json'
    run(bench, '--mano-root', str(mano_file_root), '--out', str(out))
    for row in json.loads(out.read_text()):
        assert row['textbook_max_difference_m'] <= 1e-6
        assert row['textbook_ratio_median'] > 0
    assert 'smplx is not installed' in capsys.readouterr().out


@pytest.fixture
def mano_file_root(tmp_path):
    from mmhand.hand_models import synthetic_mano
    from mmhand.hand_models.io import mano_arrays, save_mano_npz

    save_mano_npz(mano_arrays(synthetic_mano(), 'made up'), tmp_path / 'MANO_RIGHT.npz', 'right')
    return tmp_path

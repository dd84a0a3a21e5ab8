"""The benchmarks of HO3D's metric and of inference: run small, and their own comparisons hold."""

import importlib.util
import json
import sys
from unittest import mock

import pytest


def run(repo, name, argv):
    folder = repo / 'tools/benchmark'
    spec = importlib.util.spec_from_file_location(name, folder / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    # As for a script, whose neighbours are found.
    with mock.patch.object(sys, 'path', [str(folder), *sys.path]):
        spec.loader.exec_module(module)
    with pytest.raises(SystemExit) as stop:
        module.main(argv)
    assert stop.value.code in (None, 0)


def test_ho3d_metric_is_the_official_structures(repo, tmp_path):
    out = tmp_path / 'bench.json'
    small = ['--samples', '6', '--official-samples', '6', '--vertices', '120', '--threads', '1']
    run(repo, 'bench_ho3d_metric', [*small, '--out', str(out)])
    facts = json.loads(out.read_text())
    assert facts['largest_difference'] < 1e-6
    assert facts['official_seconds'] > facts['seconds']


def test_forms_of_a_network_agree(repo, tmp_path):
    out = tmp_path / 'bench.json'
    configs = ['spmhand_r18_cpu_ho3d', 'handoccnet_r18_cpu_ho3d', 'cmr_r18_pg_cpu_freihand']
    run(repo, 'bench_inference', [*configs, '--seconds', '0.1', '--out', str(out)])
    rows = json.loads(out.read_text())
    assert [row['config'] for row in rows] == configs
    for row in rows:
        assert row['batch_norms_folded'] > 20
        assert row['gflop_per_sample'] > 0.1
        for facts in row['forms'].values():
            assert facts['largest_relative_difference'] < 1e-3
            assert facts['share_of_matmul_rate'] > 0


def test_forms_of_the_heatmap_branch(repo, tmp_path):
    out = tmp_path / 'bench.json'
    run(repo, 'bench_inference', ['twohand_cpu_interhand', '--seconds', '0.1', '--out', str(out)])
    (row,) = json.loads(out.read_text())
    branch = row['heatmap_branch']
    assert list(branch) == ['straightforward', 'as built', 'deployed']
    for facts in branch.values():
        assert facts['largest_relative_difference'] < 1e-5
        assert facts['peak_mb'] > 0
    assert branch['straightforward']['speed_up'] == 1
    assert branch['straightforward']['copies'] > 2
    assert branch['as built']['copies'] < branch['straightforward']['copies']


def test_hdr_is_timed_stage_by_stage(repo, tmp_path, capsys):
    out = tmp_path / 'bench.json'
    arguments = ['hdr_cpu_interhand', '--seconds', '0.1', '--batch-sizes', '2', '--out', str(out)]
    run(repo, 'bench_inference', arguments)
    (row,) = json.loads(out.read_text())
    # Both hands of both pictures are one batch.
    assert row['hands_per_call'] == {'HDRM': [4], 'SHPE': [4]}
    assert set(row['stages']) == {'as built', 'deployed'}
    for stages in row['stages'].values():
        parts = [stages[name]['min_ms'] for name in ('HASM', 'HDRM', 'SHPE', 'between')]
        assert min(parts) > 0
        assert sum(parts) <= 1.001 * stages['total']['min_ms']
    assert row['difference'] < 1e-3
    table = capsys.readouterr().out
    assert all(name in table for name in ('HASM', 'HDRM', 'SHPE', 'between', 'total'))

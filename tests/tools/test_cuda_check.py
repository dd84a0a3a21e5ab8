"""The GPU check says so where there is none, and its parts hold a device against the CPU."""

import json
import os
import subprocess
import sys

import pytest
import torch

CPU = torch.device('cpu')


@pytest.fixture(scope='module')
def parts(repo):
    """The modules of the tool."""
    import importlib

    folder = str(repo / 'tools' / 'misc' / 'cuda_checks')
    sys.path.insert(0, folder)
    try:
        yield {
            name: importlib.import_module(name)
            for name in ('measures', 'layers', 'networks', 'processes')
        }
    finally:
        sys.path.remove(folder)


def run(repo, *arguments, timeout=400):
    command = [sys.executable, str(repo / 'tools/misc/cuda_check.py'), *map(str, arguments)]
    env = {**os.environ, 'CUDA_VISIBLE_DEVICES': '-1'}
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, env=env)


def test_without_a_gpu_it_says_so_in_one_line(repo):
    done = run(repo)
    assert done.returncode == 0
    assert done.stdout.startswith('no GPU is visible to torch')
    assert done.stdout.count('\n') == 1
    assert done.stderr == ''


def test_differences(parts):
    difference = parts['measures'].largest_difference
    one = {'a': [torch.tensor([1.0, 2.0])], 'b': torch.zeros(200)}
    other = {'a': [torch.tensor([1.0, 2.5])], 'b': torch.zeros(200)}
    assert difference(one, other) == {'max': 0.5, 'p99': 0.0, 'scale': 2.0}
    assert difference(torch.tensor([1.0]), torch.tensor([float('nan')]))['max'] == float('inf')
    for wrong in ({'a': []}, {'a': [torch.zeros(2)], 'b': torch.zeros(3)}, [torch.zeros(1)]):
        with pytest.raises((ValueError, TypeError)):
            difference(one, wrong)
    with pytest.raises(ValueError, match='nothing to compare'):
        difference({}, {})


def test_layers_agree_with_themselves_and_faults_are_seen(parts, monkeypatch):
    layers = parts['layers']
    monkeypatch.setattr(layers, 'seconds_of', lambda *args: 1.0)
    rows = [*layers.check_hand_layers(CPU, 2), *layers.check_rasterizer(CPU, 1, 32)]
    assert [row['ok'] for row in rows] == [True, True, True]
    real, calls = layers.rasterize, []

    def faulty(*args):
        calls.append(1)
        seen = real(*args)
        return seen._replace(depth=seen.depth + 1e-3 * (len(calls) == 2))

    monkeypatch.setattr(layers, 'rasterize', faulty)
    (row,) = layers.check_rasterizer(CPU, 1, 32)
    assert row['ok'] is False


def test_processes_agree(parts):
    assert parts['processes'].check_processes(2, 'gloo') == {
        'check': 'gloo with 2 processes',
        'ok': True,
    }


def test_networks_agree_and_a_failing_one_is_a_row(parts, monkeypatch):
    networks = parts['networks']
    monkeypatch.setattr(networks, 'seconds_of', lambda *args: 1.0)
    name = 'handoccnet/handoccnet_r18_cpu_ho3d'
    rows = list(networks.check_networks(CPU, lambda: False, (name, 'no/such')))
    assert [row['check'] for row in rows] == [
        f'{name}: predictions',
        f'{name}: step in float32',
        f'{name}: step in bfloat16',
        'no/such',
    ]
    assert [row['ok'] for row in rows] == [True, True, True, False], rows
    (late,) = networks.check_networks(CPU, lambda: True, (name,))
    assert late['ok'] is None


def test_every_estimator_is_on_the_list(parts):
    from mmhand.utils.config import list_configs

    networks = parts['networks']
    families = {name.split('/')[0] for name in list_configs()}
    assert families == {name.split('/')[0] for name in networks.CONFIGS}
    assert set(networks.FULL) | set(networks.CONFIGS) <= set(list_configs())


def test_report(repo, tmp_path):
    done = run(repo, '--device', 'cpu', '--out-dir', tmp_path, '--minutes', 0)
    assert done.returncode == 0, done.stderr
    content = json.loads((tmp_path / 'cuda_check.json').read_text())
    assert content['machine']['torch'] == torch.__version__
    assert {row['ok'] for row in content['rows']} == {True, None}
    table = (tmp_path / 'cuda_check.md').read_text()
    assert table.count('\n| ') == len(content['rows']) + 1

"""``tools/test.py`` as a user runs it, on a toy model."""

import hashlib
import json
import pickle

import pytest
import torch

from mmhand import __version__


@pytest.fixture
def trained(toy):
    toy.run('tools/train.py', toy.config, '--work-dir', 'run')
    return toy


def test_results_say_what_they_are_of(trained):
    done = trained.run(
        *('tools/test.py', trained.config, 'run/epoch_2.pth', '--work-dir', 'tested'),
        *('--out', 'results/a.json', '--dump', 'results/a.pkl', '--show-dir', 'pictures'),
    )
    assert 'toy/MPJPE' in done.stdout
    results = json.loads((trained.folder / 'results/a.json').read_text())
    logged = [
        json.loads(line)
        for line in next((trained.folder / 'run').glob('*/vis_data/scalars.json')).open()
    ]
    assert results['metrics']['toy/MPJPE'] == pytest.approx(logged[-1]['toy/MPJPE'], rel=1e-6)
    assert results['metrics']['toy/nan_metric'] is None
    assert results['evaluators'][0] == {'type': 'ToyMetric', 'protocol': 'toy-root-none'}
    assert results['data']['type'] == 'ToyHands'
    assert results['data']['samples'] == 8
    assert (results['data']['split'], results['data']['data_version']) == ('train', '1.0')
    content = (trained.folder / 'run/epoch_2.pth').read_bytes()
    assert results['checkpoint']['sha256'] == hashlib.sha256(content).hexdigest()
    assert results['software']['mmhand'] == __version__
    assert len(results['config']['sha256']) == 64
    with (trained.folder / 'results/a.pkl').open('rb') as file:
        predictions = pickle.load(file)
    assert len(predictions) == 8
    assert predictions[0]['pred_hands']['keypoints_3d'].shape == (1, 21, 3)
    assert len(list((trained.folder / 'pictures/test').glob('*.jpg'))) == 8


def test_random_weights_are_called_so(toy):
    toy.run('tools/test.py', toy.config, 'none', '--work-dir', 'tested', '--out', 'r.json')
    results = json.loads((toy.folder / 'r.json').read_text())
    assert results['checkpoint'] == {'file': None, 'sha256': None, 'weights': 'untrained'}


def test_mistakes_end_in_one_line(toy):
    assert 'x.pth does not exist' in toy.fails('tools/test.py', toy.config, 'x.pth')
    assert 'must end in .json' in toy.fails('tools/test.py', toy.config, 'none', '--out', 'r.txt')
    assert 'must end in .pkl' in toy.fails('tools/test.py', toy.config, 'none', '--dump', 'r.json')
    config = toy.write_config('untested', 'test_evaluator = None')
    assert 'has no "test_evaluator"' in toy.fails('tools/test.py', config, 'none')
    torch.save({'state_dict': {'conv.weight': torch.zeros(9)}}, toy.folder / 'other.pth')
    assert 'wants (4, 3, 3, 3)' in toy.fails('tools/test.py', toy.config, 'other.pth')

"""The notebooks run from their first cell to their last."""

import json
import subprocess
import sys

import pytest

#: In place of IPython, which pictures are handed to and nothing else.
STAND_IN = """
import sys, types
display = types.ModuleType('IPython.display')
display.Image = lambda path, width: open(path, 'rb').close()
shell = types.ModuleType('IPython')
shell.version_info, shell.get_ipython = (9, 0), lambda: None  # what matplotlib asks
sys.modules.update({'IPython': shell, 'IPython.display': display})
"""


def cells(path, kind):
    notebook = json.loads(path.read_text(encoding='utf-8'))
    return [cell for cell in notebook['cells'] if cell['cell_type'] == kind]


@pytest.mark.parametrize('name', ['quick_start', 'personalize_a_hand'])
def test_notebook_runs(name, repo, tmp_path):
    path = repo / 'demo' / 'notebooks' / f'{name}.ipynb'
    code = '\n'.join(''.join(cell['source']) for cell in cells(path, 'code'))
    run = subprocess.run(
        [sys.executable, '-c', STAND_IN + code], capture_output=True, text=True, cwd=tmp_path
    )
    assert run.returncode == 0, run.stderr[-2000:]


@pytest.mark.parametrize('name', ['quick_start', 'personalize_a_hand'])
def test_notebook_shows_what_it_gave_and_names_no_machine(name, repo):
    path = repo / 'demo' / 'notebooks' / f'{name}.ipynb'
    outputs = [output for cell in cells(path, 'code') for output in cell['outputs']]
    assert any('image/jpeg' in output.get('data', {}) for output in outputs)
    assert not [output for output in outputs if output['output_type'] == 'error']
    assert '/home/' not in path.read_text()
    assert path.stat().st_size < 400_000

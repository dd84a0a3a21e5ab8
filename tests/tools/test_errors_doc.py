"""docs/en/errors.md shows what the tests' mistakes end in."""

import importlib.util

import numpy as np
import pytest


@pytest.mark.skipif(
    np.lib.NumpyVersion(np.__version__) >= '2.0.0', reason='messages of NumPy 2 differ in places'
)
def test_the_page_is_up_to_date(repo, tmp_path, monkeypatch):
    path = repo / 'tools' / 'misc' / 'errors_doc.py'
    spec = importlib.util.spec_from_file_location('errors_doc', path)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    monkeypatch.setenv('MMHAND_MANO_ROOT', '')
    lines = tool.run_cases(tmp_path)
    page = tool.PAGE.read_text(encoding='utf-8')
    assert 'no error' not in lines.values()
    assert tool.render(lines, page) == page, 'run tools/misc/errors_doc.py --write'

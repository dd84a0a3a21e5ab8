"""One command changes the version everywhere."""

import shutil
import subprocess
import sys


def run(repo, *arguments):
    command = [sys.executable, str(repo / 'tools/misc/bump_version.py'), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def test_all_places_change_together(repo, tmp_path):
    (tmp_path / 'mmhand').mkdir()
    for name in ('mmhand/version.py', 'CITATION.cff', 'CHANGELOG.md'):
        shutil.copy(repo / name, tmp_path / name)
    text = (tmp_path / 'CHANGELOG.md').read_text()
    (tmp_path / 'CHANGELOG.md').write_text(
        text.replace('# Changelog', '# C\n\n## 9.8.7 (unreleased)')
    )
    result = run(repo, '9.8.7', '--root', tmp_path)
    assert result.returncode == 0, result.stderr
    assert "'9.8.7'" in (tmp_path / 'mmhand/version.py').read_text()
    assert 'version: 9.8.7\n' in (tmp_path / 'CITATION.cff').read_text()
    before = (tmp_path / 'CITATION.cff').read_text()
    result = run(repo, '9.9.9', '--root', tmp_path)
    assert result.returncode == 2
    assert 'CHANGELOG.md has 0 places' in result.stderr
    assert 'head its newest section "## 9.9.9 (unreleased)" first' in result.stderr
    assert (tmp_path / 'CITATION.cff').read_text() == before


def test_odd_versions_are_refused(repo):
    result = run(repo, 'newest')
    assert result.returncode == 2
    assert 'not of the form' in result.stderr

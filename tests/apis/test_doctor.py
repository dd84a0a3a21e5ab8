"""``mmhand doctor``."""

import subprocess
import sys

from mmhand.apis import doctor
from mmhand.utils.model_zoo import zoo_weights


def test_findings_have_a_remedy_where_something_is_missing(monkeypatch, capsys):
    monkeypatch.delenv('MMHAND_MANO_ROOT', raising=False)
    assert doctor.main() == 0
    told = capsys.readouterr().out
    assert 'open weights' in told
    assert ', '.join(zoo_weights()) in told
    assert '--  MANO' in told
    assert 'set MMHAND_MANO_ROOT' in told


def test_a_cut_file_of_the_zoo_is_told(monkeypatch, tmp_path, capsys):
    path = next(iter(zoo_weights().values()))
    cut = tmp_path / path.name
    cut.write_bytes(path.read_bytes()[:-100])
    monkeypatch.setattr(doctor, 'zoo_weights', lambda: {path.stem: cut})
    doctor.main()
    told = capsys.readouterr().out
    assert 'NO  networks by name' in told
    assert 'files of the package are damaged' in told


def test_install_takes_mmpose_without_what_it_lists(monkeypatch):
    ran = []
    monkeypatch.setattr(
        subprocess,
        'run',
        lambda command, **_: ran.append(command) or type('', (), {'returncode': 0}),
    )
    assert doctor.install() == 0
    assert all(command[:4] == [sys.executable, '-m', 'pip', 'install'] for command in ran)
    assert ran[-1][-2:] == ['--no-deps', 'mmpose==1.3.2']
    assert any(entry.startswith('mmdet') for entry in ran[0])


def test_a_failed_install_is_the_exit_status(monkeypatch, capsys):
    monkeypatch.setattr(subprocess, 'run', lambda *_, **__: type('', (), {'returncode': 7}))
    assert doctor.main(install_first=True) == 7

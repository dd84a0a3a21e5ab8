"""Errors reach a user as one line."""

import signal
import subprocess
import sys

import pytest

from mmhand.utils import HandConfigError, HandDataError, HandFileError, UnsafeFileError, cli_guard


@pytest.mark.parametrize('error', [HandConfigError, HandDataError, HandFileError, UnsafeFileError])
def test_guard_prints_one_line_and_exits_with_two(error, capsys, monkeypatch):
    monkeypatch.delenv('MMHAND_DEBUG', raising=False)

    @cli_guard
    def main():
        raise error('a.json: key "x" is missing')

    with pytest.raises(SystemExit) as exit_info:
        main()
    assert exit_info.value.code == 2
    assert capsys.readouterr().err == 'error: a.json: key "x" is missing\n'


def test_guard_passes_results_and_bugs_through(monkeypatch):
    monkeypatch.delenv('MMHAND_DEBUG', raising=False)
    with pytest.raises(SystemExit) as exit_info:
        cli_guard(lambda: 3)()
    assert exit_info.value.code == 3
    with pytest.raises(KeyError):
        cli_guard(lambda: {}['bug'])()


def test_debug_shows_the_traceback(monkeypatch):
    monkeypatch.setenv('MMHAND_DEBUG', '1')

    @cli_guard
    def main():
        raise HandDataError('x')

    with pytest.raises(HandDataError):
        main()


@pytest.mark.parametrize(
    ('number', 'status', 'word'),
    [(signal.SIGINT, 130, 'interrupted'), (signal.SIGTERM, 143, 'terminated')],
)
def test_signals_end_a_command_in_one_line(number, status, word):
    code = (
        'import time\n'
        'from mmhand.utils.errors import cli_guard\n'
        '@cli_guard\n'
        'def main():\n'
        '    print("ready", flush=True)\n'
        '    time.sleep(60)\n'
        'main()\n'
    )
    command = [sys.executable, '-c', code]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True)
    assert process.stdout.readline() == 'ready\n'
    process.send_signal(number)
    _, said = process.communicate(timeout=10)
    assert process.returncode == status
    assert said == f'{word}\n'

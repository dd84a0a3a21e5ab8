"""Every command of the documentation is understood as it stands, without a note about old spellings."""

import re
import runpy
import shlex

import pytest

import mmhand_cli
import mmhand_flags


class Parsed(Exception):
    """The arguments were read; nothing else of the tool is to run."""


def pages(repo):
    folders = ('docs/en', 'configs', 'projects')
    top = [repo / f'{name}.md' for name in ('README', 'CONTRIBUTING')]
    return [*top, *(p for f in folders for p in sorted((repo / f).rglob('*.md')))]


def commands(text):
    """Words of the lines in blocks of shell, those with placeholders left out."""
    for block in re.findall(r'^```(?:sh|bash|console|shell)?\n(.*?)^```', text, re.M | re.S):
        for line in re.sub(r'\\\n\s*', ' ', block).splitlines():
            line = re.split(r'\s(?:\||>|&&|&|;)(?:\s|$)', line.strip().removeprefix('$ '))[0]
            line = re.sub(r'^(?:[A-Z_]+=\S* )+', '', line)
            known = re.match('(?:mmhand|python) ', line)
            if known and not re.search(r'[$\[\]]|\bX Y W H\b|\.\.\.', line):
                yield shlex.split(line, comments=True)


def read(repo, words, monkeypatch):
    """Have a command's own parser read it; whether there is one."""
    if words[:1] == ['mmhand'] and words[1:2] and words[1] in mmhand_cli.TOOLS:
        tool, arguments = repo / 'tools' / mmhand_cli.TOOLS[words[1]][0], words[2:]
    elif words[:2] == ['mmhand', 'doctor']:
        return mmhand_cli.doctor_parser().parse_args(words[2:])
    elif words[:1] == ['mmhand']:
        return mmhand_cli.build_parser().parse_args(words[1:])
    elif words[:1] == ['python'] and re.match(r'(tools|demo)/.*\.py$', (words[1:2] or [''])[0]):
        tool, arguments = repo / words[1], words[2:]
    else:
        return None
    monkeypatch.setattr('sys.argv', [str(tool), *arguments])
    try:
        runpy.run_path(str(tool))
    except Parsed:
        return True
    pytest.fail(f'{tool} does not read its arguments by start_tool')


@pytest.fixture
def parsing(monkeypatch):
    """Tools end once their arguments are read."""

    def stop(name, parse_args):
        parse_args()
        raise Parsed

    monkeypatch.setattr(mmhand_flags, 'start_tool', stop)
    monkeypatch.setattr(mmhand_flags, '_NOTED', set())
    monkeypatch.setattr(mmhand_flags, 'COMMAND', None)


def test_commands_are_understood(repo, monkeypatch, capsys, parsing):
    wrong, count = [], 0
    for page in pages(repo):
        for words in commands(page.read_text(encoding='utf-8')):
            mmhand_flags._NOTED.clear()
            try:
                count += read(repo, words, monkeypatch) is not None
            except SystemExit as stop:
                if stop.code:
                    wrong.append(f'{page.relative_to(repo)}: {shlex.join(words)}')
            if said := capsys.readouterr().err:
                wrong.append(f'{page.relative_to(repo)}: {said.strip().splitlines()[-1]}')
    assert not wrong
    assert count > 50


@pytest.mark.parametrize(
    ('line', 'said'),
    [
        ('mmhand train hands2d.py --sed 1', 'did you mean --seed'),
        ('mmhand photo.jpg --folder x', 'unrecognized arguments'),
        ('python tools/test.py', 'required'),
    ],
)
def test_a_stale_command_would_be_found(repo, monkeypatch, capsys, parsing, line, said):
    with pytest.raises(SystemExit) as stop:
        read(repo, shlex.split(line), monkeypatch)
    assert stop.value.code
    assert re.search(said, capsys.readouterr().err)

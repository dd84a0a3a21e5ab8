"""One vocabulary of arguments, read before anything large is imported."""

import json
import re
import subprocess
import sys
import warnings
from argparse import Namespace
from pathlib import Path

import pytest

import mmhand_cli
import mmhand_flags
from mmhand_flags import CAMERA_NAMES, FORMATS, STRATEGIES, ToolParser

#: Runs a tool up to where it reads its arguments, and says what they are and whether torch came before.
WALK = """
import argparse, json, pathlib, runpy, sys

class Read(BaseException):
    pass

def read(parser, *args, **kwargs):
    raise Read(parser)

argparse.ArgumentParser.parse_known_args = read
told = {}
for file in sys.argv[1:]:
    path, sys.argv = list(sys.path), [file]
    sys.path.insert(0, str(pathlib.Path(file).parent))
    try:
        runpy.run_path(file, run_name='__main__')
    except Read as found:
        told[file] = [
            dict(
                flags=list(a.option_strings), dest=a.dest, metavar=a.metavar,
                hidden=a.help == argparse.SUPPRESS,
            )
            for a in found.args[0]._actions
        ]
    sys.path[:] = path
    heavy = sorted({'torch', 'cv2', 'mmpose'} & set(sys.modules))
    if heavy:
        sys.exit(f'{file} imports {heavy} before it reads its arguments')
print(json.dumps(told))
"""

#: What is called otherwise here.
FOREIGN = {
    '--output': '--out',
    '--out-file': '--out',
    '--output-dir': '--out-dir',
    '--outdir': '--out-dir',
    '--save-dir': '--out-dir',
    '--batch': '--batch-size',
    '--gpu': '--device',
    '--gpus': '--device',
    '--gpu-id': '--device',
    '--random-seed': '--seed',
    '--options': '--cfg-options',
    '--config': 'config, the first argument',
    '--ckpt': 'checkpoint',
    '--weights': 'checkpoint',
    '--root': '--data-root',
    '--plot': '--out',
}

#: Not about data or not a command of mmhand's user.
EXCEPT = {('bump_version.py', '--root')}


def departures(name, actions):
    """What of a parser is not in the vocabulary."""
    found = []
    shown = [action for action in actions if not action['hidden']]
    for action in shown:
        for flag in action['flags']:
            if flag in FOREIGN and (name, flag) not in EXCEPT:
                found.append(f'{flag}: call it {FOREIGN[flag]}')
            if '_' in flag:
                found.append(f'{flag}: words are joined by "-"')
            if flag in ('--out', '--out-dir'):
                kind = 'FILE' if flag == '--out' else 'DIR'
                if not str(action['metavar']).startswith(kind):
                    found.append(f'{flag}: its metavar begins with {kind}')
    places = [action['dest'] for action in shown if not action['flags']]
    if 'config' in places and places[0] != 'config':
        found.append('config is the first argument')
    if 'checkpoint' in places and places[:2] != ['config', 'checkpoint']:
        found.append('checkpoint is the second argument, after config')
    return found


@pytest.fixture(scope='module')
def parsers(repo):
    files = [
        *repo.glob('tools/**/*.py'),
        *repo.glob('demo/*.py'),
        *repo.glob('projects/*/tools/*.py'),
    ]
    files = [str(f) for f in sorted(files) if "__name__ == '__main__'" in f.read_text()]
    # It has three words and no flags, and starts other processes.
    files = [file for file in files if not file.endswith('dist_launch.py')]
    told = subprocess.run(
        [sys.executable, '-c', WALK, *files], capture_output=True, text=True, cwd=repo
    )
    assert told.returncode == 0, told.stderr[-2000:]
    read = json.loads(told.stdout)
    assert sorted(read) == files
    return {file.removeprefix(f'{repo}/'): actions for file, actions in read.items()}


def test_every_tool_reads_its_arguments_before_it_imports_torch(parsers):
    assert len(parsers) > 50


def test_no_tool_departs_from_the_vocabulary(parsers):
    found = {
        file: said
        for file, actions in parsers.items()
        if (said := departures(file.rpartition('/')[2], actions))
    }
    assert found == {}


@pytest.mark.parametrize(
    ('words', 'status', 'said'),
    [
        (['--help'], 0, 'usage: '),
        (['doctor', '--help'], 0, 'usage: '),
        (['train', '--help'], 0, 'usage: '),
        (['--version'], 0, 'mmhand '),
        (['absent.jpg'], 2, 'error: absent.jpg does not exist'),
        (['mmhand'], 2, 'error: folder mmhand holds no picture'),
        (['README.md', '--model', 'hdr'], 2, 'error: config hdr does not exist'),
        (['train', 'hdr'], 2, 'error: config hdr does not exist'),
        (['test', 'internet_r18_cpu_interhand', 'no.pth'], 2, 'error: checkpoint no.pth does not'),
    ],
)
def test_the_command_answers_before_it_imports_torch(repo, words, status, said):
    code = (
        'import mmhand_cli, sys\n'
        f'try: mmhand_cli.main({words})\n'
        'except SystemExit as end: sys.exit(7 if "torch" in sys.modules else end.code)'
    )
    told = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, cwd=repo)
    assert told.returncode == status, told.stderr
    assert (told.stdout + told.stderr).startswith(said)


def test_pictures_that_the_docs_name_are_in_the_package(repo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert list(Path(mmhand_cli.brought_along('demo/images')).glob('*.jpg'))
    assert mmhand_cli.brought_along('demo/no.jpg') == 'demo/no.jpg'
    (tmp_path / 'demo' / 'images').mkdir(parents=True)
    assert mmhand_cli.brought_along('demo/images') == 'demo/images'


def test_only_single_names_are_looked_at_early():
    several = [['no_config', 'no.pth']]
    assert mmhand_cli.refuse_early(Namespace(model=several, checkpoint=None, config=None)) is None
    assert mmhand_cli.refuse_early(Namespace(model='open', checkpoint='no.pth')) is None
    assert 'no.pth' in mmhand_cli.refuse_early(Namespace(config='blaze_hand', checkpoint='no.pth'))


def test_warnings_that_are_not_ours_are_hidden_and_others_are_not():
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter('always')
        mmhand_cli.hush_others()
        warnings.warn('``build_loss`` would be deprecated soon', UserWarning)
        warnings.warn('pkg_resources is deprecated as an API', UserWarning)
        warnings.warn('mmhand has something to say', UserWarning)
    assert [str(warning.message) for warning in seen] == ['mmhand has something to say']


def test_a_departure_is_found():
    parser = ToolParser('about')
    parser.add_argument('checkpoint')
    parser.add_argument('--output')
    parser.add_argument('--out')
    actions = [
        dict(flags=a.option_strings, dest=a.dest, metavar=a.metavar, hidden=False)
        for a in parser._actions
    ]
    assert len(departures('tool.py', actions)) == 3


@pytest.mark.parametrize('words', [['--out', 'a'], ['--out=a'], ['--out-dir', 'a']])
def test_an_earlier_flag_is_taken_with_a_note(words, capsys, monkeypatch):
    monkeypatch.setattr(mmhand_flags, '_NOTED', set())
    parser = ToolParser('about')
    parser.add_argument('--out-dir', required=True)
    parser.renamed('--out', '--out-dir')
    assert parser.parse_args(words).out_dir == 'a'
    said = capsys.readouterr().err
    assert ('--out is now called --out-dir' in said) == (not words[0].startswith('--out-dir'))
    assert '--out ' not in parser.format_help()


def test_a_flag_may_have_become_a_place_and_a_place_a_flag(capsys):
    parser = ToolParser('about')
    parser.add_argument('config', nargs='?', default='b')
    parser.add_argument('--size', type=int)
    parser.renamed('--config', 'config')
    assert parser.parse_args(['--size', '3', '--config', 'a']).config == 'a'
    assert parser.parse_args([]).config == 'b'
    parser = ToolParser('about')
    parser.add_argument('config')
    parser.add_argument('--out', required=True)
    parser.moved('--out')
    assert parser.parse_args(['a', '--out', 'b']).out == 'b'
    assert vars(parser.parse_args(['a', 'b'])) == dict(config='a', out='b')
    with pytest.raises(SystemExit):
        parser.parse_args(['a'])
    assert 'required: --out' in capsys.readouterr().err


def test_values_are_those_of_the_code():
    from mmhand.apis.hand_inferencer import SAVE
    from mmhand.apis.sinks import KINDS
    from mmhand.cameras import DEPTH_CAMERAS
    from mmhand.fitting.shape_calibration import STRATEGIES as strategies
    from mmhand.synthesis import SYNTHESIS_WRITERS

    assert tuple(strategies) == STRATEGIES
    assert tuple(sorted(SYNTHESIS_WRITERS.module_dict)) == FORMATS
    assert tuple(DEPTH_CAMERAS) == CAMERA_NAMES
    assert tuple(KINDS) == mmhand_cli.SAVE
    assert tuple(SAVE) == mmhand_cli.SAVE[:6]


def test_outputs_are_looked_at_before_the_work(tmp_path, monkeypatch):
    from types import SimpleNamespace

    import mmhand_flags

    (tmp_path / 'file').write_text('')
    refuse = mmhand_flags.refuse_outputs
    assert refuse(Namespace(out=tmp_path / 'new' / 'a.json', out_dir=None, other=3)) is None
    assert refuse(Namespace(out_dir=str(tmp_path))) is None
    assert refuse(Namespace(out=str(tmp_path))).endswith('is a folder; name a file in it')
    assert 'file is a file, not a folder' in refuse(Namespace(out_dir=str(tmp_path / 'file' / 'a')))
    monkeypatch.setattr(mmhand_flags.os, 'access', lambda *_: False)
    assert 'cannot be written to' in refuse(Namespace(dump=str(tmp_path / 'a.pkl')))
    monkeypatch.undo()
    usage = SimpleNamespace(free=1_500_000)
    monkeypatch.setattr(mmhand_flags.shutil, 'disk_usage', lambda path: usage)
    run = tmp_path / 'run'
    said = refuse(Namespace(work_dir=str(run)))
    assert said == (
        f'cannot write to {run} (--work-dir): {tmp_path} has 1.5 MB left; make room or name another '
        'place'
    )


@pytest.mark.parametrize(
    'tool', ['analysis_tools/plot_pck', 'analysis_tools/make_report', 'iahm/calibrate_shapes']
)
def test_tools_end_in_one_line_before_they_start(repo, tmp_path, tool):
    (tmp_path / 'file').write_text('')
    command = [sys.executable, repo / f'tools/{tool}.py', 'nothing', '--out', 'file/a.npz']
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == (
        f'error: cannot write to file/a.npz (--out): {tmp_path}/file is a file, not a '
        'folder; name another place\n'
    )


#: A command's tool, by its file or by its short name.
COMMAND = re.compile(r'((?:tools|demo|projects)/[\w/.]+\.(?:py|sh))|\bmmhand (?=[\w./-])')
FLAG = re.compile(r'(?<![\w-])--[a-z][a-z0-9-]*')

#: Scripts that hand their arguments on.
LAUNCHERS = {
    f'tools/{how}_{tool}.sh': f'tools/{tool}.py'
    for how in ('dist', 'slurm')
    for tool in ('train', 'test')
}


def shown_commands(text):
    """Pieces of a page that may be a command: lines of its blocks, and words in code marks."""
    text = text.replace('\\\n', ' ')
    fence = re.compile(r'```(?:sh|bash)?\n(.*?)```', re.S)
    plain = re.sub(r'```.*?```', '', text, flags=re.S)
    lines = [line for block in fence.findall(text) for line in block.splitlines()]
    lines += re.findall(r'`([^`\n]+)`', plain)
    lines += [line for line in plain.splitlines() if line.startswith('    ')]
    return [part for line in lines for part in re.split(r'[;|&]', line.split('  #')[0])]


def flags_of(command, rest, parsers):
    """Flags that a command takes; ``None`` where it is no tool."""
    if command[1]:
        return parsers.get(LAUNCHERS.get(command[1], command[1]))
    name = rest.split()[0]
    if name in mmhand_cli.TOOLS:
        return parsers[f'tools/{mmhand_cli.TOOLS[name][0]}']
    own = mmhand_cli.doctor_parser() if name == 'doctor' else mmhand_cli.build_parser()
    return {flag for action in own._actions for flag in action.option_strings}


def test_commands_are_shown_with_flags_that_they_take(repo, parsers):
    known = {
        file: {flag for action in actions for flag in action['flags']}
        for file, actions in parsers.items()
    }
    pages = [repo / 'README.md', repo / 'CONTRIBUTING.md']
    for pattern in ('docs/**/*.md', 'configs/*/*.md', 'configs/*/metafile.yml', 'projects/*/*.md'):
        pages += repo.glob(pattern)
    wrong, seen = [], 0
    for page in pages:
        for part in shown_commands(page.read_text()):
            command = COMMAND.search(part)
            if not command:
                continue
            rest = part[command.end() :]
            takes = flags_of(command, rest, known)
            for flag in FLAG.findall(rest) if takes is not None else ():
                seen += 1
                if flag not in takes:
                    wrong.append(f'{page.relative_to(repo)}: {part.strip()[:90]}: {flag}')
    assert wrong == []
    assert seen > 300

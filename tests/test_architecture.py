"""The house has floors: imports run downwards only, and the door is quick to open."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import mmhand

ROOT = Path(mmhand.__file__).parent

#: Rooms by floor; a room may use its own floor and those below.
FLOORS = (
    ('registry', 'utils', 'version'),
    ('structures',),
    ('cameras', 'geometry', 'hand_models'),
    ('codecs', 'fitting', 'renderers'),
    ('converters', 'datasets', 'deploy', 'models', 'synthesis'),
    ('apis', 'engine', 'evaluation', 'visualization'),
)

#: Neighbours on one floor that must not know each other.
STRANGERS = {
    ('cameras', 'hand_models'),
    ('datasets', 'models'),
    ('datasets', 'synthesis'),
    ('evaluation', 'apis'),
    ('evaluation', 'visualization'),
    ('models', 'datasets'),
    ('models', 'synthesis'),
    ('converters', 'models'),
}

FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}


def _imports() -> list[tuple[str, str, str]]:
    """(file, room that imports, room that is imported) of all of the package."""
    found = []
    for path in sorted(ROOT.rglob('*.py')):
        parts = path.relative_to(ROOT).with_suffix('').parts
        if parts[0].startswith('.') or len(parts) == 1:
            continue
        package = ('mmhand', *parts[:-1])
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            if isinstance(node, ast.ImportFrom):
                base = package[: len(package) - node.level + 1] if node.level else ()
                names = [(*base, *(node.module or '').split('.'))]
                if names[0][-1] == '' or names[0] == ('mmhand',):
                    names = [(*base, *('mmhand',)[: not base], a.name) for a in node.names]
            elif isinstance(node, ast.Import):
                names = [tuple(alias.name.split('.')) for alias in node.names]
            else:
                continue
            found += [
                (str(path.relative_to(ROOT)), parts[0], name[1])
                for name in names
                if name[0] == 'mmhand' and len(name) > 1 and name[1] != parts[0]
            ]
    return found


def test_every_room_is_on_a_floor():
    rooms = {p.name for p in ROOT.iterdir() if (p / '__init__.py').exists()}
    assert rooms <= set(FLOOR_OF)


def test_no_import_runs_upwards():
    imports = _imports()
    assert len(imports) > 300
    upwards = [
        entry
        for entry in imports
        if FLOOR_OF.get(entry[2], 0) > FLOOR_OF[entry[1]] or (entry[1], entry[2]) in STRANGERS
    ]
    assert not upwards


def _modules() -> dict[str, set[str]]:
    """Modules of the package (not their folders) and those that they need to be imported."""
    paths = {
        '.'.join(('mmhand', *path.relative_to(ROOT).with_suffix('').parts)): path
        for path in ROOT.rglob('*.py')
        if path.name != '__init__.py' and not path.relative_to(ROOT).parts[0].startswith('.')
    }
    needs = {}
    for name, path in paths.items():
        package = name.split('.')[:-1]
        found = set()
        for node in ast.parse(path.read_text(encoding='utf-8')).body:
            if isinstance(node, ast.ImportFrom):
                base = package[: len(package) - node.level + 1] if node.level else []
                module = '.'.join([*base, *(node.module or '').split('.')]).rstrip('.')
                found |= {module, *(f'{module}.{alias.name}' for alias in node.names)}
        needs[name] = found & set(paths)
    return needs


def test_no_modules_run_in_a_circle():
    """What can be taken away, leaf after leaf, until nothing is left has no circle."""
    needs = _modules()
    assert len(needs) > 300
    while leaves := {name for name, found in needs.items() if not found}:
        needs = {name: found - leaves for name, found in needs.items() if name not in leaves}
    assert not needs


def test_files_are_short():
    lengths = sorted(
        len(path.read_text(encoding='utf-8').splitlines())
        for path in ROOT.rglob('*.py')
        if path.name != '__init__.py' and not path.relative_to(ROOT).parts[0].startswith('.')
    )
    assert lengths[-1] <= 350
    assert 90 <= lengths[len(lengths) // 2] <= 130


def _loaded(statement: str) -> set[str]:
    code = f'{statement}; import sys, json; print(json.dumps(sorted(sys.modules)))'
    output = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, check=True
    )
    return set(json.loads(output.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    ('statement', 'not_loaded'),
    [
        (
            'import mmhand',
            {'mmhand.models', 'mmhand.apis', 'mmpose', 'mmseg', 'matplotlib', 'scipy'},
        ),
        ('import mmhand.evaluation', {'mmhand.models', 'mmhand.apis', 'mmhand.datasets'}),
        (
            'import mmhand.apis',
            {
                'mmhand.models.registered',
                'mmhand.datasets',
                'mmpose.models',
                'matplotlib.figure',
                'trimesh',
            },
        ),
    ],
)
def test_doors_open_no_further_than_they_must(statement, not_loaded):
    assert not _loaded(statement) & not_loaded


def test_the_face_is_lazy_and_whole():
    loaded = _loaded('import mmhand; mmhand.OpenHand')
    assert 'mmhand.hand_models' in loaded
    assert 'mmhand.models' not in loaded
    for name in ('HandInferencer', 'MANO', 'ManoLayer', 'OpenHand', 'init_model'):
        assert name in dir(mmhand)
        assert callable(getattr(mmhand, name))
    with pytest.raises(AttributeError, match='no attribute'):
        mmhand.nothing_of_the_kind  # noqa: B018

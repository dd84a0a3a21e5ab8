"""What lies in a run's folder: results of tests, and pictures."""

import json
from collections.abc import Sequence
from pathlib import Path

from mmhand.utils.errors import HandFileError

from .headlines import weights_of

_PICTURE_SUFFIXES = ('.jpg', '.jpeg', '.png')


def read_json(path: Path) -> dict:
    """The object in a file.

    Raises:
        HandFileError: it cannot be read, or holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError) as error:
        raise HandFileError(f'{path} cannot be read as JSON: {error}') from error
    if not isinstance(content, dict):
        raise HandFileError(f'{path} holds a {type(content).__name__}, not an object')
    return content


def find_results(work_dir: Path, given: Sequence[str | Path] | None) -> dict[str, dict]:
    """Results files' content by what to call them.

    Args:
        work_dir: of the run.
        given: files to take; by default those in ``work_dir``, the latest test first, mean hands
            last, and of tests that gave the same only one.

    Raises:
        HandFileError: a file cannot be read, or is of another kind.
    """
    if given is None:
        return _results_in(work_dir)
    found = {}
    for path in map(Path, given):
        content = read_json(path)
        if isinstance(content.get('results'), dict):
            # Of hdr_gain.py: one table, a column for each way.
            run, columns = content.get('run') or {}, content['results']
            for number, (column, metrics) in enumerate(columns.items()):
                found[f'{path.stem}: {column}'] = {**({} if number else run), 'metrics': metrics}
            continue
        if 'metrics' not in content:
            raise HandFileError(
                f'{path} is no results file of tools/test.py --out or hdr_gain.py --out'
            )
        found[_called(path, content)] = content
    return found


def _results_in(work_dir: Path) -> dict[str, dict]:
    files = [*sorted(work_dir.glob('*.json')), *sorted(work_dir.glob('*/*.json'))]
    tests = [(path, read_json(path)) for path in files if path.name != 'run.json']
    tests = [(path, test) for path, test in tests if {'metrics', 'config'} <= set(test)]
    tests.sort(key=lambda entry: str(entry[1].get('date') or ''), reverse=True)
    tests.sort(key=lambda entry: weights_of(entry[1]) == 'mean hand')
    found: dict[str, dict] = {}
    seen = []
    for path, test in tests:
        # Beside what --out writes, the same is in the test's own folder.
        facts = (test['config'], test.get('checkpoint'), test.get('data'), test['metrics'])
        if facts not in seen:
            seen.append(facts)
            name = _called(path, test)
            found[f'{name} ({path.parent.name})' if name in found else name] = test
    return found


def _called(path: Path, test: dict) -> str:
    """What to call a test: by its file, or by its checkpoint where nobody named the file."""
    if path.name != 'results.json' or not (path.parent / 'run.json').is_file():
        return path.name
    file = (test.get('checkpoint') or {}).get('file')
    return Path(file).stem if file else weights_of(test) or path.name


def find_pictures(
    work_dir: Path,
    given: Sequence[str | Path] | None,
    limit: int,
    drawn: Sequence[str] = (),
) -> dict[str, Path]:
    """Pictures by their captions.

    Args:
        work_dir: of the run.
        given: files and folders; by default ``work_dir`` and what its tests drew.
        limit: at most so many, evenly picked.
        drawn: folders that tests say they drew into; only those below the current folder or
            ``work_dir`` are looked into.

    Raises:
        HandFileError: something given is no picture and no folder.
    """
    found: list[Path] = []
    for path in [*_own(work_dir, drawn), work_dir] if given is None else map(Path, given):
        if path.is_file():
            found.append(path)
        elif path.is_dir():
            files = (f for f in path.rglob('*') if f.suffix.lower() in _PICTURE_SUFFIXES)
            found += _latest_epoch(sorted(files))
        else:
            raise HandFileError(f'{path} is no picture and no folder of pictures')
    found = list({path.resolve(): path for path in found}.values())
    step = max(1, -(-len(found) // limit)) if limit else 1
    picked = found[::step][:limit]
    return {f'{path.parent.name} / {path.stem}': path for path in picked}


def _own(work_dir: Path, drawn: Sequence[str]) -> list[Path]:
    """Of folders that a file names, those that are there and belong to whoever asks."""
    homes = Path.cwd(), work_dir.resolve()
    folders = dict.fromkeys(Path(name).resolve() for name in drawn)
    return [
        folder
        for folder in folders
        if folder.is_dir() and folder not in homes and any(map(folder.is_relative_to, homes))
    ]


def _latest_epoch(files: list[Path]) -> list[Path]:
    """Leave the pictures of earlier validations out; those of tests come first."""
    epochs = {int(f.parent.name[6:]) for f in files if f.parent.name.startswith('epoch_')}
    last = f'epoch_{max(epochs)}' if epochs else ''
    kept = [f for f in files if not f.parent.name.startswith('epoch_') or f.parent.name == last]
    return sorted(kept, key=lambda f: (f.parent.name != 'test', str(f)))

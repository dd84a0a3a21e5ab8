"""What a report says about a run: numbers, curves, pictures, how to do it again."""

import json
from collections.abc import Sequence
from pathlib import Path

from mmhand.utils.errors import HandFileError

from .headlines import headlines
from .html_report import HtmlReport, show
from .plots import plot_curves
from .run_log import Curve, RunLog, best, read_log

_PICTURE_SUFFIXES = ('.jpg', '.jpeg', '.png')

#: Parts of metric names of which more is better.
_HIGHER = (
    'auc',
    'acc',
    'handedness',
    'aph',
    'f@',
    'f_score',
    'fscore',
    'iou',
    'psnr',
    'ssim',
    'pck',
)

#: First parts of the names of metrics that measure no lengths in space.
_NO_LENGTHS = ('amodal', 'hole', 'keypoints')


def build_run_report(
    work_dir: str | Path,
    results: Sequence[str | Path] | None = None,
    pictures: Sequence[str | Path] | None = None,
    title: str | None = None,
    max_pictures: int = 16,
) -> HtmlReport:
    """Make the report of a training and its tests.

    Args:
        work_dir: the training's work folder.
        results: results files of ``tools/test.py --out``; those in ``work_dir`` if ``None``.
        pictures: files and folders of overlays; those in ``work_dir`` if ``None``.
        title: the page's title.
        max_pictures: at most so many are shown, evenly picked.

    Raises:
        HandFileError: the folder or a named file is missing or unreadable, or there is nothing to
            report.
    """
    work_dir = Path(work_dir)
    if not work_dir.is_dir():
        raise HandFileError(f'work folder {work_dir} does not exist; name that of a training')
    tests = _find_results(work_dir, results)
    shown = _find_pictures(work_dir, pictures, max_pictures)
    try:
        log = read_log(work_dir)
    except HandFileError:
        if not tests:
            raise
        log = RunLog()
    report = HtmlReport(title or f'mmhand: {work_dir.resolve().name}', _lead(log, tests))
    if shown:
        report.section('Pictures')
        report.text(
            'Lines: thumb orange, index blue, middle green, ring yellow, little finger pink.'
        )
        report.pictures(shown)
    _add_headlines(report, tests)
    _add_results(report, tests)
    _add_validation(report, log)
    _add_curves(report, log)
    _add_circumstances(report, work_dir, tests)
    return report


def _lead(log: RunLog, tests: dict[str, dict]) -> str:
    parts = []
    if log.train:
        iterations = int(max(steps[-1] for steps, _ in log.train.values()))
        epochs = f'{max(log.epochs)} epochs, ' if log.epochs else ''
        parts.append(f'{epochs}{iterations} iterations of training')
    if tests:
        parts.append(f'{len(tests)} test{"s" if len(tests) > 1 else ""}')
    synthetic = [
        test['data']['synthetic'] for test in tests.values() if 'synthetic' in test.get('data', {})
    ]
    if synthetic and all(synthetic):
        parts.append('tested on synthetic pictures: the numbers say nothing about real ones')
    elif synthetic and not any(synthetic):
        parts.append('tested on recorded data')
    if any(_checkpoint(test).get('weights') == 'untrained' for test in tests.values()):
        parts.append('UNTRAINED weights')
    return '; '.join(parts)


def _checkpoint(test: dict) -> dict:
    return test.get('checkpoint') or {}


def _add_headlines(report: HtmlReport, tests: dict[str, dict]) -> None:
    numbers = headlines(tests)
    if not numbers:
        return
    report.section('In short').headlines(
        [
            (
                number.name,
                f'{show(float(number.value))} {number.unit}'.strip(),
                'no baseline: tools/test.py CONFIG mean makes one'
                if number.baseline is None
                else f'mean hand: {show(float(number.baseline))} {number.unit}'.strip(),
            )
            for number in numbers
        ]
    )


def _add_results(report: HtmlReport, tests: dict[str, dict]) -> None:
    if not tests:
        return
    report.section('Test results')
    for group in _sharing_metrics(tests):
        names = list(dict.fromkeys(name for file in group for name in tests[file]['metrics']))
        rows = [[name, *(tests[file]['metrics'].get(name) for file in group)] for name in names]
        lengths = any(name.split('/')[0] not in _NO_LENGTHS for name in names)
        report.table(['metric', *group], rows, 'Errors in millimetres.' if lengths else '')
        if any(name.endswith('/EPE') for name in names):
            report.text('EPE is in pixels of the picture.')
        if any('MRRPE' in name for name in names):
            report.text(
                'MRRPE is the error of one wrist seen from the other. It means something only where '
                'the depth of both roots is estimated or given; otherwise it is metres, of nothing.'
            )
    for file, test in tests.items():
        protocols = [_protocol(entry) for entry in test.get('evaluators', ())]
        data, checkpoint = test.get('data', {}), test.get('checkpoint', {})
        keys = ('type', 'split', 'samples', 'data_version', 'version')
        if set(test) == {'metrics'}:
            continue  # as told by its neighbour
        report.facts(
            {
                'protocol': ', '.join(name for name in protocols if name) or None,
                'data': ', '.join(f'{k} {data[k]}' for k in keys if data.get(k) is not None),
                'checkpoint': checkpoint.get('file') or checkpoint.get('weights'),
                'checkpoint SHA-256': checkpoint.get('sha256'),
                'config SHA-256': test.get('config', {}).get('sha256'),
                'date': test.get('date'),
            },
            file,
        )


def _sharing_metrics(tests: dict[str, dict]) -> list[list[str]]:
    """Names of tests, those with common metrics together."""
    groups: list[tuple[set[str], list[str]]] = []
    for file, test in tests.items():
        metrics = set(test['metrics'])
        known = next((group for group in groups if group[0] & metrics), None)
        if known is None:
            groups.append((metrics, [file]))
        else:
            known[0].update(metrics)
            known[1].append(file)
    return [files for _, files in groups]


def _protocol(evaluator: dict) -> str | None:
    protocol = evaluator.get('protocol')
    return protocol.get('name') if isinstance(protocol, dict) else protocol


def _add_validation(report: HtmlReport, log: RunLog) -> None:
    if not log.val:
        return
    rows = []
    for name, (steps, values) in sorted(log.val.items()):
        step, value = best((steps, values), not _higher_is_better(name))
        rows.append([name, values[-1], value, int(step)])
    report.section('Validation')
    report.table(['metric', 'last', 'best', f'at {log.val_unit}'], rows)


def _higher_is_better(name: str) -> bool:
    return any(part in name.lower() for part in _HIGHER)


def _add_curves(report: HtmlReport, log: RunLog) -> None:
    plots = {}
    losses = log.losses()
    if losses:
        plots['Training losses over iterations'] = plot_curves(losses, 'Training losses')
    for group, curves in _metric_groups(log.val).items():
        plots[f'{group} of the validation over {log.val_unit}s'] = plot_curves(
            curves, f'Validation: {group}', log.val_unit, log_scale=False
        )
    rates = {name: curve for name, curve in log.train.items() if name.endswith('lr')}
    if rates:
        plots['Learning rate over iterations'] = plot_curves(rates, 'Learning rate')
    if plots:
        report.section('Curves').plots(plots)


def _metric_groups(curves: dict[str, Curve]) -> dict[str, dict[str, Curve]]:
    """Metrics that share an axis: ``internet/MPJPE_all`` and ``internet/MPJPE_single``, say."""
    groups: dict[str, dict[str, Curve]] = {}
    for name, curve in sorted(curves.items()):
        groups.setdefault(name.split('/')[-1].split('_')[0], {})[name] = curve
    return groups


def _add_circumstances(report: HtmlReport, work_dir: Path, tests: dict[str, dict]) -> None:
    runs = [_read_json(file) for file in sorted(work_dir.glob('*/run.json'))]
    commands = [run['command'] for run in [*runs, *tests.values()] if run.get('command')]
    if commands:
        report.section('How to do it again')
        report.code('\n'.join(dict.fromkeys(commands)))
    if runs:
        report.section('Environment')
        report.facts({**runs[-1].get('software', {}), 'seed': runs[-1].get('seed')})
    configs = sorted(work_dir.glob('*.py'), key=lambda path: path.stat().st_mtime)
    if configs:
        report.section('Config')
        report.facts(
            {
                'file': configs[-1].name,
                'SHA-256': runs[-1].get('config', {}).get('sha256') if runs else None,
            }
        )
        report.code(configs[-1].read_text(encoding='utf-8'), fold='Show the whole config')


def _read_json(path: Path) -> dict:
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError) as error:
        raise HandFileError(f'{path} cannot be read as JSON: {error}') from error
    if not isinstance(content, dict):
        raise HandFileError(f'{path} holds a {type(content).__name__}, not an object')
    return content


def _find_results(work_dir: Path, given: Sequence[str | Path] | None) -> dict[str, dict]:
    if given is None:
        candidates = [*work_dir.glob('*.json'), *work_dir.glob('*/*.json')]
        found = {
            path.name: _read_json(path) for path in sorted(candidates) if path.name != 'run.json'
        }
        return {name: entry for name, entry in found.items() if {'metrics', 'config'} <= set(entry)}
    found = {}
    for path in map(Path, given):
        content = _read_json(path)
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
        found[path.name] = content
    return found


def _find_pictures(
    work_dir: Path, given: Sequence[str | Path] | None, limit: int
) -> dict[str, Path]:
    found: list[Path] = []
    for path in [work_dir] if given is None else map(Path, given):
        if path.is_file():
            found.append(path)
        elif path.is_dir():
            files = (f for f in path.rglob('*') if f.suffix.lower() in _PICTURE_SUFFIXES)
            found += _latest_epoch(sorted(files))
        else:
            raise HandFileError(f'{path} is no picture and no folder of pictures')
    step = max(1, -(-len(found) // limit)) if limit else 1
    picked = found[::step][:limit]
    return {f'{path.parent.name} / {path.stem}': path for path in picked}


def _latest_epoch(files: list[Path]) -> list[Path]:
    """Leave the pictures of earlier validations out; those of tests come first."""
    epochs = {int(f.parent.name[6:]) for f in files if f.parent.name.startswith('epoch_')}
    last = f'epoch_{max(epochs)}' if epochs else ''
    kept = [f for f in files if not f.parent.name.startswith('epoch_') or f.parent.name == last]
    return sorted(kept, key=lambda f: (f.parent.name != 'test', str(f)))

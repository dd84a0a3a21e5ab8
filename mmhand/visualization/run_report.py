"""What a report says about a run: numbers, curves, pictures, how to do it again."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from mmhand.utils.errors import HandFileError

from .headlines import headlines, weights_of
from .html_report import HtmlReport, show
from .metric_names import higher_is_better, is_count, last_part, meaning, unit, with_unit
from .plots import plot_curves
from .run_files import find_pictures, find_results, read_json
from .run_log import Curve, RunLog, best, read_log

#: Pictures before the numbers; the others come after them.
_FIRST_PICTURES = 4

#: A table of more metrics than this shows those of the whole method, and folds the stages' away.
_LONG_TABLE = 24

#: Of plots, inches: small, so that their letters are large enough on a phone.
_PLOT_SIZE = (4.6, 2.8)


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
    tests = find_results(work_dir, results)
    drawn = [
        str(test['pictures'])
        for test in tests.values()
        if test.get('pictures') and weights_of(test) != 'mean hand'
    ]
    shown = list(find_pictures(work_dir, pictures, max_pictures, drawn).items())
    try:
        log = read_log(work_dir)
    except HandFileError:
        if not tests:
            raise
        log = RunLog()
    runs = {file.parent: read_json(file) for file in sorted(work_dir.glob('*/run.json'))}
    lead = _lead(log, tests, list(runs.values()))
    report = HtmlReport(title or f'mmhand: {work_dir.resolve().name}', lead)
    if shown:
        report.section('Pictures')
        report.text(
            'Lines: thumb orange, index blue, middle green, ring yellow, little finger pink.'
        )
        report.pictures(dict(shown[:_FIRST_PICTURES]))
    _add_headlines(report, tests, log, list(runs.values()))
    _add_results(report, tests)
    _add_validation(report, log)
    _add_curves(report, log)
    if len(shown) > _FIRST_PICTURES:
        report.section('More pictures').pictures(dict(shown[_FIRST_PICTURES:]))
    _add_circumstances(report, work_dir, tests, runs)
    return report


def _lead(log: RunLog, tests: dict[str, dict], runs: Sequence[Mapping]) -> str:
    parts = []
    if log.train:
        iterations = int(max(steps[-1] for steps, _ in log.train.values()))
        epochs = f'{_count(max(log.epochs), "epoch")}, ' if log.epochs else ''
        parts.append(f'{epochs}{_count(iterations, "iteration")} of training')
    if tests:
        parts.append(_count(len(tests), 'test'))
    data = [('trained on', (run.get('data') or {}).get('train')) for run in runs]
    if tests:
        data += [('tested on', test.get('data')) for test in tests.values()]
    else:
        data += [('validated on', (run.get('data') or {}).get('val')) for run in runs]
    parts += dict.fromkeys(_data_words(done, facts or {}) for done, facts in data)
    if any(weights_of(test) == 'untrained' for test in tests.values()):
        parts.append('UNTRAINED weights')
    return '; '.join(part for part in parts if part)


def _count(number: int, what: str) -> str:
    return f'{number} {what}{"" if number == 1 else "s"}'


def _data_words(done: str, data: Mapping) -> str:
    """What was trained or tested on, and whether it was rendered."""
    if 'type' not in data:
        return ''
    words = f'{done} {data.get("samples", "some")} samples of {data["type"]}'
    if data.get('synthetic'):
        say = '' if done.startswith('train') else ': the numbers say nothing about real ones'
        return f'{words}, which are synthetic pictures{say}'
    return words + (', not marked as synthetic' if data.get('synthetic') is False else '')


def _add_headlines(
    report: HtmlReport, tests: dict[str, dict], log: RunLog, runs: Sequence[Mapping]
) -> None:
    last = {name: values[-1] for name, (_, values) in log.val.items()}
    numbers = headlines(tests, last)
    if not numbers:
        return
    report.section('In short')
    if not any(weights_of(test) != 'mean hand' for test in tests.values()):
        report.text('The numbers are those of the last validation: the run was not tested.')
    baseline = any(weights_of(test) == 'mean hand' for test in tests.values())
    cards = []
    for number in numbers:
        beside = 'not scored' if baseline else 'not tested'
        if number.baseline is not None:
            beside = _with_unit(number.baseline, number.name)
        way = 'more' if higher_is_better(number.name) else 'less'
        words = ', '.join(filter(None, (meaning(number.name), f'{way} is better')))
        name = f'{number.name}: {words}'
        cards.append((name, _with_unit(number.value, number.name), f'mean hand: {beside}'))
    report.headlines(cards)
    report.text(
        'The mean hand is what the network has to beat: one hand, the mean of the training set or of '
        'the hand model, laid at the annotated wrist or into the annotated box, whatever the picture '
        'shows.'
        + ('' if baseline else f' This tests it: {_mean_command([*tests.values(), *runs])}')
    )


def _mean_command(runs: Sequence[Mapping]) -> str:
    """The command that scores the mean hand."""
    files = [(run.get('config') or {}).get('file') for run in runs]
    file = next(filter(None, files), None)
    # Configs that come with mmhand go by their names.
    known = file and 'configs' in Path(file).parts
    return f'mmhand test {Path(file).stem if known else file or "CONFIG"} mean'


def _with_unit(value: float, name: str) -> str:
    return f'{show(float(value))} {unit(name)}'.strip()


def _add_results(report: HtmlReport, tests: dict[str, dict]) -> None:
    if not tests:
        return
    report.section('Test results')
    for group in _sharing_metrics(tests):
        names = list(dict.fromkeys(name for file in group for name in tests[file]['metrics']))
        columns = [tests[file]['metrics'] for file in group]
        _add_metrics(
            report,
            ['metric', *group],
            {name: [column.get(name) for column in columns] for name in names},
        )
        if any('MRRPE' in name for name in names):
            report.text(
                'MRRPE is the error of one wrist seen from the other. It means something only where '
                'the depth of both roots is estimated or given; otherwise it is metres, of nothing.'
            )
        for name in filter(is_count, names):
            counts = dict.fromkeys(show(column.get(name)) for column in columns)
            report.text(f'Joints that were scored: {", ".join(counts)}.')
    for file, test in tests.items():
        protocols = [_protocol(entry) for entry in test.get('evaluators', ())]
        data, checkpoint = test.get('data', {}), test.get('checkpoint', {})
        keys = ('type', 'split', 'samples', 'data_version', 'version')
        if set(test) == {'metrics'}:
            continue  # as told by its neighbour
        facts = {
            'protocol': ', '.join(name for name in protocols if name),
            'data': ', '.join(f'{k} {data[k]}' for k in keys if data.get(k) is not None),
            'checkpoint': checkpoint.get('file') or checkpoint.get('weights'),
            'checkpoint SHA-256': checkpoint.get('sha256'),
            'config SHA-256': test.get('config', {}).get('sha256'),
            'date': str(test.get('date') or '')[:16].replace('T', ' '),
        }
        report.facts({name: value for name, value in facts.items() if value}, file)


def _add_metrics(report: HtmlReport, head: Sequence[str], rows: Mapping[str, list]) -> None:
    """A table of metrics, counts left out; of many, those of stages are folded away."""
    kept = {name: row for name, row in rows.items() if not is_count(name)}
    folded = {}
    if len(kept) > _LONG_TABLE:
        folded = {name: kept.pop(name) for name in list(kept) if _of_stage(name)}
    for part, fold in ((kept, None), (folded, 'Show the numbers of every stage')):
        if part:
            report.table(head, [[with_unit(name), *row] for name, row in part.items()], fold=fold)


def _of_stage(name: str) -> bool:
    return name.rpartition('/')[2] != last_part(name)


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
    several = any(len(steps) > 1 for steps, _ in log.val.values())
    rows, last = {}, 0
    for name, (steps, values) in sorted(log.val.items()):
        step, value = best((steps, values), not higher_is_better(name))
        rows[name] = [values[-1], value, int(step)] if several else [values[-1]]
        last = int(steps[-1])
    head = ['last', 'best', f'at {log.val_unit}'] if several else [f'{log.val_unit} {last}']
    report.section('Validation')
    _add_metrics(report, ['metric', *head], rows)


def _add_curves(report: HtmlReport, log: RunLog) -> None:
    plots = {}
    # A point is no curve.
    train, val = (
        {name: curve for name, curve in sorted(curves.items()) if len(curve[0]) > 1}
        for curves in (log.losses(), log.val)
    )
    for group, losses in _grouped(train, lambda name: name.rpartition('.')[0]).items():
        title = f'Training losses: {group}' if group else 'Training losses'
        plots[f'{title} over iterations'] = plot_curves(losses, title, size=_PLOT_SIZE)
    # Of stages, their errors are enough; shares at three limits each would be too many lines.
    scores = {
        name: curve
        for name, curve in val.items()
        if not is_count(name) and not (_of_stage(name) and '@' in name)
    }
    for group, curves in _grouped(scores, _metric_group).items():
        plots[f'{group} of the validation over {log.val_unit}s'] = plot_curves(
            curves,
            f'Validation: {with_unit(group)}',
            log.val_unit,
            log_scale=False,
            size=_PLOT_SIZE,
        )
    rates = {
        name: curve
        for name, curve in log.train.items()
        if name.endswith('lr') and len(curve[0]) > 1
    }
    if rates:
        plots['Learning rate over iterations'] = plot_curves(
            rates, 'Learning rate', size=_PLOT_SIZE
        )
    if plots:
        report.section('Curves').plots(plots)


def _metric_group(name: str) -> str:
    """Metrics that share an axis: ``internet/MPJPE_all`` and ``internet/MPJPE_single``, say."""
    start, at, _ = last_part(name).partition('@')
    return start if at else start.split('_')[0]


def _grouped(curves: Mapping[str, Curve], key: Callable[[str], str]) -> dict[str, dict[str, Curve]]:
    groups: dict[str, dict[str, Curve]] = {}
    for name, curve in curves.items():
        groups.setdefault(key(name), {})[name] = curve
    return groups


def _add_circumstances(
    report: HtmlReport, work_dir: Path, tests: dict[str, dict], runs: Mapping[Path, dict]
) -> None:
    commands = [run['command'] for run in [*runs.values(), *tests.values()] if run.get('command')]
    if commands:
        report.section('How to do it again')
        report.code('\n'.join(dict.fromkeys(commands)))
    if runs:
        trained = [run for folder, run in runs.items() if _trains(folder)]
        run = (trained or list(runs.values()))[-1]
        report.section('Environment')
        facts = {**run.get('software', {}), 'seed': run.get('seed')}
        report.facts({name: value for name, value in facts.items() if value is not None})
    configs = sorted(work_dir.glob('*.py'), key=lambda path: path.stat().st_mtime)
    if configs:
        report.section('Config')
        sha256 = run.get('config', {}).get('sha256') if runs else None
        report.facts({'file': configs[-1].name, **({'SHA-256': sha256} if sha256 else {})})
        report.code(configs[-1].read_text(encoding='utf-8'), fold='Show the whole config')


def _trains(folder: Path) -> bool:
    """Whether a run of this log folder was a training."""
    try:
        return bool(read_log(folder).train)
    except HandFileError:
        return False

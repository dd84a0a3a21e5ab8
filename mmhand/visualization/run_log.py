"""Curves of a run from the logs that mmengine writes."""

import json
import math
from dataclasses import dataclass, field
from pathlib import Path

from mmhand.utils.errors import HandFileError

#: What log lines hold besides losses and metrics.
_CIRCUMSTANCES = frozenset(('time', 'data_time', 'epoch', 'iter', 'step', 'memory'))

Curve = tuple[list[float], list[float]]


@dataclass
class RunLog:
    """What a run logged.

    Attributes:
        train: scalar name to (iterations, values).
        val: metric name to (epochs, or iterations where a run counts those, and values).
        epochs: iteration at which each epoch ended, for marks on training curves.
    """

    train: dict[str, Curve] = field(default_factory=dict)
    val: dict[str, Curve] = field(default_factory=dict)
    epochs: dict[int, int] = field(default_factory=dict)

    @property
    def val_unit(self) -> str:
        """What the steps of :attr:`val` are, ``'epoch'`` or ``'iteration'``."""
        last = max((steps[-1] for steps, _ in self.val.values()), default=0)
        if not self.train:
            return 'epoch'
        return 'epoch' if last <= max(self.epochs, default=0) else 'iteration'

    def losses(self) -> dict[str, Curve]:
        """Training curves that are losses, the total first."""
        names = sorted((n for n in self.train if 'loss' in n), key=lambda n: (n != 'loss', n))
        return {name: self.train[name] for name in names}


def find_log_files(path: str | Path) -> list[Path]:
    """Log files of a run, oldest first.

    Args:
        path: a work folder, or a ``scalars.json`` itself.

    Raises:
        HandFileError: there is none.
    """
    path = Path(path)
    if path.is_file():
        return [path]
    files = sorted(path.glob('*/vis_data/scalars.json')) + sorted(
        path.glob('vis_data/scalars.json')
    )
    if not files:
        raise HandFileError(
            f'{path} holds no log (*/vis_data/scalars.json); is it the work folder of a training?'
        )
    return files


def read_log(path: str | Path) -> RunLog:
    """Read a run's logs; where a run was interrupted and resumed, the later one counts.

    Args:
        path: a work folder or a ``scalars.json``.

    Raises:
        HandFileError: no log, or a line that is no JSON (a last line cut off is left out).
    """
    train: dict[int, dict] = {}
    val: dict[int, dict] = {}
    for file in find_log_files(path):
        entries = _read_lines(file)
        # A run that was resumed, or started anew, takes the place of what was logged before it.
        starts = {'train': [], 'val': []}
        for entry in entries:
            starts['train' if 'lr' in entry or 'loss' in entry else 'val'].append(entry)
        for kept, new in ((train, starts['train']), (val, starts['val'])):
            if new:
                first = min(entry.get('step', 0) for entry in new)
                for step in [step for step in kept if step >= first]:
                    del kept[step]
                kept.update({entry.get('step', 0): entry for entry in new})
    log = RunLog(_curves(train), _curves(val))
    for step, entry in sorted(train.items()):
        if 'epoch' in entry:
            log.epochs[entry['epoch']] = step
    return log


def _read_lines(file: Path) -> list[dict]:
    lines = file.read_text(encoding='utf-8').splitlines()
    entries = []
    for number, line in enumerate(lines):
        try:
            entries.append(json.loads(line))
        except json.JSONDecodeError as error:
            if number == len(lines) - 1:
                break
            raise HandFileError(f'log {file}, line {number + 1} is no JSON: {error}') from error
    return [entry for entry in entries if isinstance(entry, dict)]


def _curves(entries: dict[int, dict]) -> dict[str, Curve]:
    curves: dict[str, Curve] = {}
    for step, entry in sorted(entries.items()):
        for name, value in entry.items():
            number = isinstance(value, int | float) and math.isfinite(value)
            if name not in _CIRCUMSTANCES and number:
                steps, values = curves.setdefault(name, ([], []))
                steps.append(step)
                values.append(float(value))
    return curves


def best(curve: Curve, lower_is_better: bool = True) -> tuple[float, float]:
    """(step, value) of a curve's best point.

    Args:
        curve: steps and values.
        lower_is_better: as for errors; not for accuracies and AUC.
    """
    steps, values = curve
    pick = min if lower_is_better else max
    return pick(zip(steps, values, strict=True), key=lambda point: point[1])

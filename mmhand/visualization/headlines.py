"""The few numbers that a report opens with, each beside what it has to beat."""

from collections.abc import Mapping
from dataclasses import dataclass

from .metric_names import is_count, last_part, meaning

#: Last parts of metric names, by how much a reader asks for them; at most one of each row is shown.
_RANKED = (
    ('MPJPE_all', 'MPJPE_interacting', 'MPJPE', 'RR-MPJPE', 'EPE'),
    (
        *('MPVPE', 'MPVPE_interacting', 'PA-MPVPE', 'PA-MPJPE', 'MPJPE_interacting'),
        *('MPJPE_single', 'frame_max@20', 'PCK@0.2', 'PCKh@0.7'),
    ),
    (
        *('AUC_J', 'AUC', 'AUC_J_all', 'AUC_J_interacting', 'PA-AUC_J', 'F@15'),
        *('HandednessAcc', 'joint@20'),
    ),
)
_MOST = len(_RANKED)


@dataclass(frozen=True)
class Headline:
    """A number and its baseline.

    Attributes:
        name: of the metric, with its protocol's prefix.
        value: as scored.
        baseline: the mean hand's value of the same metric; ``None`` where it was not tested.
    """

    name: str
    value: float
    baseline: float | None


def headlines(
    tests: Mapping[str, Mapping], validation: Mapping[str, float] | None = None
) -> list[Headline]:
    """At most three numbers of the first test of trained weights.

    Args:
        tests: results files' content by name. One whose ``checkpoint.weights`` is ``'mean hand'`` is
            the baseline; one of random weights counts only where there is no other.
        validation: numbers of the last validation, for a run that was not tested.
    """
    mean = [test for test in tests.values() if weights_of(test) == 'mean hand']
    others = [test for test in tests.values() if weights_of(test) != 'mean hand']
    others.sort(key=lambda test: weights_of(test) == 'untrained')
    metrics = others[0]['metrics'] if others else dict(validation or {})
    metrics = {
        name: value
        for name, value in metrics.items()
        if isinstance(value, int | float) and not is_count(name)
    }
    picked: list[str] = []
    for row in _RANKED:
        for last in row:
            # What says the same twice, such as all hands where all interact, says it once.
            told = {(metrics[name], meaning(name)) for name in picked}
            names = [
                key
                for key, value in metrics.items()
                if _plain(key) == last and (value, meaning(key)) not in told
            ]
            if names:
                picked.append(names[0])
                break
    # Masks and filled pictures have no joints to be off: the first numbers stand for them.
    picked = picked or list(metrics)[:_MOST]
    baseline = mean[0]['metrics'] if mean else {}
    return [Headline(name, metrics[name], baseline.get(name)) for name in picked]


def weights_of(test: Mapping) -> str | None:
    """Whose weights a results file is about; ``None`` where it does not say."""
    return (test.get('checkpoint') or {}).get('weights')


def _plain(name: str) -> str:
    """Last part of a whole method's metric; that of a stage is none."""
    last = name.rpartition('/')[2]
    return last if last == last_part(name) else ''

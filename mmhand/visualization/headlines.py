"""The few numbers that a report opens with, each beside what it has to beat."""

from collections.abc import Mapping
from dataclasses import dataclass

#: Last parts of metric names, by how much a reader asks for them; at most one of each row is shown.
_RANKED = (
    ('MPJPE_all', 'MPJPE_interacting', 'MPJPE', 'RR-MPJPE', 'EPE'),
    ('MPVPE', 'MPVPE_interacting', 'PA-MPVPE', 'PA-MPJPE', 'MPJPE_interacting', 'MPJPE_single'),
    (
        *('PCK@0.2', 'PCKh@0.7', 'AUC', 'AUC_all', 'AUC_interacting', 'PA-AUC', 'F@15'),
        *('handedness', 'joint@20'),
    ),
)

#: Parts of metric names that are shares or scores, not lengths.
_SHARES = ('auc', 'f@', 'pck', 'handedness', 'acc', 'iou', 'joint@', 'frame')

#: Last parts of metric names that are pixels of the picture.
_PIXELS = ('EPE',)


@dataclass(frozen=True)
class Headline:
    """A number with its unit and its baseline.

    Attributes:
        name: of the metric, with its protocol's prefix.
        value: as scored.
        unit: ``'mm'``, ``'px'`` (2D) or nothing.
        baseline: the mean hand's value of the same metric; ``None`` where it was not tested.
    """

    name: str
    value: float
    unit: str
    baseline: float | None


def headlines(tests: Mapping[str, Mapping]) -> list[Headline]:
    """At most three numbers of the first test of trained weights.

    Args:
        tests: results files' content by name. One whose ``checkpoint.weights`` is ``'mean hand'`` is
            the baseline.
    """
    mean = [test for test in tests.values() if _weights(test) == 'mean hand']
    others = [test for test in tests.values() if _weights(test) != 'mean hand']
    if not others:
        return []
    metrics = others[0]['metrics']
    baseline = mean[0]['metrics'] if mean else {}
    found: list[Headline] = []
    for row in _RANKED:
        taken = {headline.name for headline in found}
        name = next(
            (key for last in row for key in metrics if _last(key) == last and key not in taken),
            None,
        )
        if name is not None and isinstance(metrics[name], int | float):
            found.append(Headline(name, metrics[name], _unit(name), baseline.get(name)))
    return found


def _unit(name: str) -> str:
    if any(part in name.lower() for part in _SHARES):
        return ''
    return 'px' if _last(name) in _PIXELS else 'mm'


def _last(name: str) -> str:
    return name.rpartition('/')[2]


def _weights(test: Mapping) -> str | None:
    return (test.get('checkpoint') or {}).get('weights')

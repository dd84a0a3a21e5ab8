"""One shape for a person from the shapes that a network saw in pictures of the person."""

from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

import numpy as np
from torch import Tensor

from mmhand.utils.errors import HandConfigError, HandDataError

Array = np.ndarray | Tensor

#: Chooses a person's pictures, or weighs them: (rows (M,), num, rng, confidence (N,)) to rows.
_Choice = Callable[[np.ndarray, int, np.random.RandomState, np.ndarray | None], np.ndarray]


def _top(
    rows: np.ndarray, num: int, rng: np.random.RandomState, confidence: np.ndarray | None
) -> np.ndarray:
    if confidence is None:
        raise HandDataError('strategy "top" needs the confidence of each estimate')
    return rows[np.argsort(-confidence[rows], kind='stable')][:num]


#: Strategies of :func:`calibrate_shapes`.
STRATEGIES: dict[str, _Choice] = {
    'all': lambda rows, num, rng, confidence: rows,
    'first': lambda rows, num, rng, confidence: rows[:num],
    'random': lambda rows, num, rng, confidence: rng.permutation(rows)[:num],
    'top': _top,
    'softmax': lambda rows, num, rng, confidence: rows,
}


def group_rows(subjects: Sequence[Hashable] | np.ndarray) -> dict[Hashable, np.ndarray]:
    """Rows of each subject in their order; subjects ascending.

    Args:
        subjects: (N,) names or numbers.
    """
    names, inverse = np.unique(np.asarray(subjects).reshape(-1), return_inverse=True)
    return {name.item(): np.flatnonzero(inverse == row) for row, name in enumerate(names)}


def choose_rows(
    subjects: Sequence[Hashable] | np.ndarray,
    strategy: str = 'random',
    num: int = 20,
    seed: int = 0,
    confidence: np.ndarray | None = None,
) -> dict[Hashable, np.ndarray]:
    """Which rows a strategy calibrates each subject with, in the order that it takes them.

    Args, raises: see :func:`calibrate_shapes`.
    """
    if strategy not in STRATEGIES:
        raise HandConfigError(f'strategy "{strategy}" is not one of {", ".join(STRATEGIES)}')
    if num < 1:
        raise HandConfigError(f'a shape is calibrated with at least one picture, not num={num}')
    groups = group_rows(subjects)
    if strategy in ('top', 'softmax'):
        count = sum(map(len, groups.values()))
        if confidence is None:
            raise HandDataError(f'strategy "{strategy}" needs the confidence of each estimate')
        if len(confidence) != count or not np.isfinite(confidence).all():
            raise HandDataError(
                f'{count} estimates have {len(confidence)} confidences, all to be finite'
            )
    # One stream for all subjects, as released: a subject's draw depends on those before it.
    rng = np.random.RandomState(seed)
    return {name: STRATEGIES[strategy](rows, num, rng, confidence) for name, rows in groups.items()}


def calibrate_shapes(
    betas: Array,
    subjects: Sequence[Hashable],
    strategy: str = 'random',
    num: int = 20,
    seed: int = 0,
    confidence: Array | None = None,
) -> dict[Hashable, Array]:
    """One shape for each subject (methods/iahm.md#calibration).

    Args:
        betas: (N, S) estimates.
        subjects: (N,) whose hand each is of: names or numbers.
        strategy: means of ``'random'`` (the release: one random stream, subjects in ascending order,
            the first ``num`` of each shuffled), ``'first'``, ``'all'``, ``'top'`` (the most confident;
            the earlier of equals), or ``'softmax'``: all, weighed by the softmax of the confidence
            (ours).
        num: how many estimates of a subject are taken; all, if there are fewer.
        seed: of ``'random'``.
        confidence: (N,) or (N, 1), higher is better; for ``'top'`` and ``'softmax'``.

    Returns:
        A shape (S,) by subject, ascending; arrays or tensors as ``betas`` is.

    Raises:
        HandConfigError: unknown strategy or ``num``.
        HandDataError: nothing to calibrate with, lengths that differ, estimates that are not finite.
    """
    values = _numbers(betas)
    scores = None if confidence is None else _numbers(confidence).reshape(-1)
    names = _names(subjects)
    if values.ndim != 2 or not len(values):
        raise HandDataError(f'betas are (N, S) estimates, at least one; got shape {values.shape}')
    if len(names) != len(values):
        raise HandDataError(f'{len(values)} estimates of betas have {len(names)} subjects')
    if not np.isfinite(values).all():
        row = int(np.flatnonzero(~np.isfinite(values).all(1))[0])
        raise HandDataError(f'the betas of row {row} (subject {names[row]}) are not finite')
    shapes = {}
    for name, rows in choose_rows(names, strategy, num, seed, scores).items():
        weights = None
        if strategy == 'softmax' and scores is not None:
            weights = np.exp(scores[rows] - scores[rows].max())
        shape = np.average(values[rows], axis=0, weights=weights)
        shapes[name] = (
            betas.new_tensor(shape) if isinstance(betas, Tensor) else shape.astype(betas.dtype)
        )
    return shapes


class ShapeCurve(NamedTuple):
    """Errors of calibrated shapes against the number of pictures.

    Attributes:
        nums: (K,) numbers of pictures.
        errors: (K, R) error with each number in each repetition, mean over subjects.
    """

    nums: np.ndarray
    errors: np.ndarray

    def table(self) -> list[tuple[int, float, float]]:
        """(number, mean, standard deviation over repetitions) rows."""
        return [
            (int(num), float(row.mean()), float(row.std()))
            for num, row in zip(self.nums, self.errors, strict=True)
        ]


def shape_curve(
    betas: np.ndarray,
    subjects: Sequence[Hashable],
    error: Callable[[np.ndarray, Sequence[Hashable]], np.ndarray],
    nums: Sequence[int] = (1, 2, 3, 4, 5, 10, 20, 50, 100, 200),
    seeds: Sequence[int] = range(5),
    strategy: str = 'random',
    confidence: np.ndarray | None = None,
) -> ShapeCurve:
    """How the error of calibrated shapes falls with the number of pictures.

    Args:
        betas: (N, S) estimates.
        subjects: (N,).
        error: from calibrated shapes (P, S) and their subjects to errors (P,).
        nums: numbers of pictures.
        seeds: repetitions of ``'random'``; the other strategies have one.
        strategy: see :func:`calibrate_shapes`.
        confidence: (N,).
    """
    repeats = tuple(seeds) if strategy == 'random' else (0,)
    rows = []
    for num in nums:
        row = []
        for seed in repeats:
            shapes = calibrate_shapes(betas, subjects, strategy, num, seed, confidence)
            row.append(float(np.mean(error(np.stack(list(shapes.values())), list(shapes)))))
        rows.append(row)
    return ShapeCurve(np.asarray(nums), np.asarray(rows))


def _numbers(values: Array) -> np.ndarray:
    if isinstance(values, Tensor):
        values = values.detach().cpu().numpy()
    return np.asarray(values, dtype=np.float64)


def _names(subjects: Sequence[Hashable]) -> np.ndarray:
    if isinstance(subjects, Tensor):
        subjects = subjects.cpu().numpy()
    return np.asarray(subjects).reshape(-1)

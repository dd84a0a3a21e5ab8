import numpy as np
import pytest
import torch

from mmhand.fitting import calibrate_shapes, shape_curve
from mmhand.utils.errors import HandConfigError, HandDataError

ROWS = np.tile(np.arange(100.0)[:, None], (2, 1))
SUBJECTS = [8] * 100 + [9] * 100


@pytest.mark.parametrize(
    ('num', 'eight', 'nine'),
    [(1, 26, 18), (5, 48.8, 55.0), (10, 57.5, 41.1), (20, 46.75, 43.6), (50, 46.42, 48.5)],
)
def test_the_released_draw(num, eight, nine):
    shapes = calibrate_shapes(ROWS, SUBJECTS, 'random', num)
    assert shapes[8][0] == pytest.approx(eight)
    assert shapes[9][0] == pytest.approx(nine)
    # Subjects come in ascending order whatever the order of rows.
    turned = calibrate_shapes(np.roll(ROWS, 100), SUBJECTS[::-1], 'random', num)
    assert turned == shapes


def test_strategies():
    betas = np.array([[1.0], [2], [4], [8]])
    confidence = np.array([[0.0], [3], [1], [3]])

    def one(strategy, num=2):
        return calibrate_shapes(betas, ['a'] * 4, strategy, num, confidence=confidence)['a'][0]

    assert one('all') == 3.75
    assert one('first') == 1.5
    assert one('top', 1) == 2  # the earlier of equals
    assert one('top') == 5
    assert one('top', 9) == 3.75
    weights = np.exp(confidence[:, 0]) / np.exp(confidence).sum()
    assert one('softmax') == pytest.approx((weights * betas[:, 0]).sum())
    tensor = calibrate_shapes(torch.tensor(betas).float(), ['a'] * 4, 'all')['a']
    assert tensor.dtype == torch.float32
    assert tensor.item() == 3.75


@pytest.mark.parametrize(
    ('args', 'error', 'text'),
    [
        ((ROWS, SUBJECTS, 'best'), HandConfigError, 'best'),
        ((ROWS, SUBJECTS, 'random', 0), HandConfigError, 'num=0'),
        ((ROWS[:0], []), HandDataError, 'at least one'),
        ((ROWS, SUBJECTS[:3]), HandDataError, '3 subjects'),
        ((ROWS, SUBJECTS, 'top'), HandDataError, 'confidence'),
        ((np.where(ROWS == 7, np.nan, ROWS), SUBJECTS), HandDataError, 'row 7'),
    ],
)
def test_mistakes(args, error, text):
    with pytest.raises(error, match=text):
        calibrate_shapes(*args)


def test_curve_falls_with_pictures():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(6, 10))
    subjects = np.repeat(np.arange(6), 50)
    betas = truth[subjects] + rng.normal(size=(300, 10))

    def error(shapes, names):
        return np.abs(shapes - truth[names]).mean(1)

    curve = shape_curve(betas, subjects, error, nums=(1, 10, 50), seeds=range(3))
    means = [mean for _, mean, _ in curve.table()]
    assert means[0] > 2 * means[1] > 2 * means[2]
    assert curve.errors[2].std() < 1e-12 < curve.errors[0].std()

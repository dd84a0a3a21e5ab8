"""Plots of calibrated shapes."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mmhand.fitting.shape_calibration import ShapeCurve

from .plots import _STYLE, COLOURS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LABELS = {'betas': 'mean error of the shape coefficients', 'mm': 'mean vertex error at rest, mm'}


def plot_shape_curves(
    curves: Mapping[str, ShapeCurve],
    unit: str = 'mm',
    ylabel: str | None = None,
    title: str = '',
    size: tuple[float, float] = (6.0, 3.4),
) -> 'Figure':
    """Errors against the number of pictures, with bands of one standard deviation.

    Args:
        curves: by the name to show.
        unit: ``'mm'`` or ``'betas'``.
        ylabel: beside the plot; by the unit if ``None``.
        title: over the plot.
        size: width and height, inches.

    Returns:
        The figure; nothing global is touched.
    """
    # Not at the top: most who draw hands plot nothing.
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator, ScalarFormatter

    with rc_context(_STYLE):
        figure = Figure(figsize=size, layout='constrained')
        axes = figure.add_subplot()
        for (name, curve), colour in zip(curves.items(), COLOURS, strict=False):
            mean, deviation = curve.errors.mean(1), curve.errors.std(1)
            axes.plot(curve.nums, mean, color=colour, label=name, marker='o', markersize=3)
            axes.fill_between(
                curve.nums, mean - deviation, mean + deviation, color=colour, alpha=0.2, lw=0
            )
        if curves and max(curve.nums[-1] for curve in curves.values()) > 20:
            axes.set_xscale('log')
            axes.xaxis.set_major_formatter(ScalarFormatter())
        else:
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_ylim(bottom=0)
        axes.set_xlabel('pictures')
        axes.set_ylabel(ylabel or _LABELS[unit])
        axes.set_title(title)
        if len(curves) > 1:
            axes.legend()
    return figure

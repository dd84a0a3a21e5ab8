"""Line plots of a run, for files and for reports."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mmhand.utils.errors import HandFileError

from .run_log import Curve

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Okabe & Ito's colours without yellow, which is faint on white.
COLOURS = ('#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', '#000000')

#: Legends: names side by side, and inches a line.
_LEGEND_COLUMNS = 2
_LEGEND_ROW = 0.17

_STYLE = {
    'font.size': 9,
    'axes.spines.top': False,
    'axes.spines.right': False,
    'axes.edgecolor': '#888888',
    'axes.grid': True,
    'grid.color': '#E4E4E4',
    'grid.linewidth': 0.8,
    'axes.axisbelow': True,
    'legend.frameon': False,
    # Text stays text: smaller files, and readable by screen readers.
    'svg.fonttype': 'none',
    'svg.hashsalt': 'mmhand',
}


def plot_curves(
    curves: Mapping[str, Curve],
    title: str = '',
    xlabel: str = 'iteration',
    ylabel: str = '',
    log_scale: bool | None = None,
    size: tuple[float, float] = (6.0, 3.4),
    limits: tuple[float, float] | None = None,
) -> 'Figure':
    """Draw curves into one figure.

    Args:
        curves: name to (steps, values).
        title: over the plot.
        xlabel: under the plot.
        ylabel: beside the plot.
        log_scale: logarithmic values; ``None`` decides by their range.
        size: width and height without the legend, inches.
        limits: least and largest value shown; by the values if ``None``.

    Returns:
        The figure; nothing global is touched.
    """
    # Not at the top: most who draw hands plot nothing.
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(_STYLE):
        # Below the plot, where it hides no curve, and for which the figure grows.
        legend_rows = -(-len(curves) // _LEGEND_COLUMNS) if len(curves) > 1 else 0
        size = size[0], size[1] + _LEGEND_ROW * legend_rows
        figure = Figure(figsize=size, layout='constrained')
        axes = figure.add_subplot()
        for index, (name, (steps, values)) in enumerate(curves.items()):
            axes.plot(
                steps,
                values,
                label=name,
                color=COLOURS[index % len(COLOURS)],
                # After the colours are used up, the dashes tell curves apart.
                linestyle=('-', '--', ':')[index // len(COLOURS) % 3],
                linewidth=1.6,
                marker='o' if len(steps) < 25 else None,
                markersize=3,
            )
        if log_scale is None:
            log_scale = _wide([value for _, values in curves.values() for value in values])
        if log_scale:
            axes.set_yscale('log')
        if limits is not None:
            axes.set_ylim(*limits)
        axes.set_title(title, loc='left', fontweight='bold')
        axes.set_xlabel(xlabel)
        axes.set_ylabel(ylabel)
        if legend_rows:
            figure.legend(fontsize=8, ncols=_LEGEND_COLUMNS, loc='outside lower center')
    return figure


def _wide(values: Sequence[float]) -> bool:
    return bool(values) and min(values) > 0 and max(values) > 50 * min(values)


def figure_svg(figure: 'Figure') -> str:
    """A figure as SVG text, the same for the same figure.

    Args:
        figure: the figure.
    """
    from matplotlib import rc_context

    stream = io.StringIO()
    with rc_context(_STYLE):
        figure.savefig(stream, format='svg', metadata={'Date': None})
    return stream.getvalue()


def save_figure(figure: 'Figure', path: str | Path) -> None:
    """Write a figure.

    Args:
        figure: the figure.
        path: ``.png``, ``.svg`` or ``.pdf``; its folder is made if needed.

    Raises:
        HandFileError: it cannot be written.
    """
    path = Path(path)
    from matplotlib import rc_context

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with rc_context(_STYLE):
            figure.savefig(path, dpi=150)
    except (OSError, ValueError) as error:
        raise HandFileError(f'cannot write the plot {path}: {error}') from error

"""Draw PCK curves from the records a metric wrote (its ``dump_path``).

python tools/test.py CONFIG CKPT --cfg-options test_evaluator.0.dump_path=a.npz
python tools/analysis_tools/plot_pck.py a.npz b.npz --names mine theirs --out pck.svg
"""

import argparse
from pathlib import Path

import numpy as np

from mmhand.evaluation.functional import auc, pck_curve
from mmhand.utils.errors import HandDataError, HandFileError, cli_guard
from mmhand.visualization.plots import plot_curves, save_figure


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('records', nargs='+', help='.npz files of dump_path')
    parser.add_argument('--names', nargs='+', help='of the curves; file names by default')
    parser.add_argument('--alignment', default='', help='"", PA, ... as in the protocol')
    parser.add_argument('--max', type=float, default=50.0, help='largest threshold, mm')
    parser.add_argument('--steps', type=int, default=200, help='number of thresholds')
    parser.add_argument('--out', default='pck.svg', help='.svg, .png or .pdf')
    return parser.parse_args()


def read_records(path: str, alignment: str) -> tuple[np.ndarray, np.ndarray]:
    """Errors (N, J), mm, and flags (N, J) of a record file.

    Raises:
        HandFileError: no such file, or not one of ours.
        HandDataError: the alignment was not measured.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            columns = dict(file)
    except (OSError, ValueError, EOFError) as error:
        raise HandFileError(f'{path}: cannot be read ({error})') from None
    key = f'joint.{alignment}'
    if key not in columns:
        known = ', '.join(repr(k[6:]) for k in columns if k.startswith('joint.'))
        raise HandDataError(f'{path}: no alignment {alignment!r}; it has {known or "no joints"}')
    rows = columns['counted']
    errors, flags = columns[key][rows], columns['valid'][rows]
    return errors.reshape(len(errors), -1), flags.reshape(len(flags), -1)


@cli_guard
def main() -> None:
    args = parse_args()
    names = args.names or [Path(path).stem for path in args.records]
    if len(names) != len(args.records):
        raise HandDataError(f'{len(args.records)} record files and {len(names)} names')
    thresholds = np.linspace(0.0, args.max, args.steps)
    curves = {}
    for name, path in zip(names, args.records, strict=True):
        errors, flags = read_records(path, args.alignment)
        area = auc(errors, flags, thresholds)
        share = np.nanmean(pck_curve(errors, flags, thresholds), axis=1)
        curves[f'{name} (AUC {area:.3f})'] = (thresholds, share)
    figure = plot_curves(curves, 'PCK', 'threshold, mm', 'share of joints', log_scale=False)
    save_figure(figure, args.out)
    print(f'{args.out}: {", ".join(curves)}')


if __name__ == '__main__':
    main()

"""Score result files of depth benchmarks as they are scored in papers.

python tools/analysis_tools/score_depth_results.py --dataset nyu --gt gt.txt --pred result.txt

A file has a row a frame and u (px), v (px), d (mm) of every joint, as published for NYU, ICVL and MSRA.
"""

import argparse

from mmhand_flags import ToolParser, start_tool

#: Camera and protocols of a data set.
SETS = {
    'nyu': ('nyu', ('nyu', 'nyu_dsf')),
    'icvl': ('icvl', ('icvl', 'icvl_dsf')),
    'msra': ('msra', ('msra', 'msra_dsf')),
}


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = ToolParser(__doc__)
    parser.add_argument('--dataset', required=True, help=', '.join(SETS))
    parser.add_argument('--gt', required=True, help='file of the ground truth, in the same form')
    parser.add_argument('--pred', required=True, nargs='+', help='result files')
    parser.add_argument('--protocol', nargs='+', help='protocols; by default all of the data set')
    parser.add_argument('--batch-size', type=int, default=32, help='of batch means (32)')
    parser.add_argument('--joints', action='store_true', help="also print each joint's mean error")
    parser.add_argument(
        '--out', metavar='FILE', help='write the success curves here (.png, .svg or .pdf)'
    )
    parser.renamed('--plot', '--out')
    return parser.parse_args(argv)


start_tool(__name__, parse_args)

from pathlib import Path

from mmhand.evaluation import get_protocol
from mmhand.evaluation.depth_results import read_depth_results, score_depth_results
from mmhand.structures import get_joint_set
from mmhand.utils.errors import HandConfigError, cli_guard
from mmhand.visualization.plots import plot_curves, save_figure


@cli_guard
def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    if args.dataset not in SETS:
        raise HandConfigError(f'unknown data set "{args.dataset}"; known: {", ".join(SETS)}')
    if args.batch_size < 1:
        raise HandConfigError(f'--batch-size must be at least 1, not {args.batch_size}')
    camera, names = SETS[args.dataset]
    protocols = [get_protocol(name) for name in args.protocol or names]
    for protocol in protocols:
        if protocol.joint_set is None:
            raise HandConfigError(f"protocol {protocol.name} is no depth benchmark's")
    gt = read_depth_results(args.gt, camera)
    curves = {}
    for path in args.pred:
        pred = read_depth_results(path, camera)
        print(f'{path}: {len(pred)} frames, {pred.shape[1]} joints')
        for protocol in protocols:
            scores = score_depth_results(pred, gt, protocol, args.batch_size)
            kind = 'mean of batch means' if protocol.average == 'batch' else 'mean'
            count = len(protocol.joint_names())
            print(f'  {protocol.name}: {count} joints, {kind} {scores.numbers["MPJPE"]:.4f} mm')
            shares = ', '.join(
                f'{name} {share:.4f}' for name, share in scores.numbers.items() if '@' in name
            )
            print(f'    {shares}')
            if args.joints:
                for name, error in scores.joint_errors.items():
                    print(f'    {name} {error:.4f}')
            if protocol is protocols[0]:
                label = f'{Path(path).stem} ({scores.numbers["MPJPE"]:.2f} mm)'
                curves[label] = (scores.thresholds.tolist(), scores.curve.tolist())
    if args.out:
        title = f'{args.dataset.upper()}, {len(get_joint_set(protocols[0].joint_set))} joints'
        figure = plot_curves(
            curves,
            title,
            'worst joint within (mm)',
            'share of frames',
            log_scale=False,
            limits=(0.0, 1.0),
        )
        save_figure(figure, args.out)
        print(f'curves: {args.out}')


if __name__ == '__main__':
    main()

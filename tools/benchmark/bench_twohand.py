"""Latency and memory of Two-Hand-Shape-Pose's heat-map branch.

Measures, in one run and on the same inputs, mmhand's way against the straightforward form: the reading
of the volumes alone, the whole branch (``bench_inference.py twohand_r50_interhand`` prints it, too), and
the network.

python tools/benchmark/bench_twohand.py --batch-size 4 --repeats 5 [--device cuda:0]
"""

import argparse

from mmhand_flags import ToolParser, start_tool


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = ToolParser(__doc__)
    parser.add_argument('config', nargs='?', default='twohand_r50_interhand')
    parser.add_argument('--batch-size', type=int, default=2)
    parser.add_argument('--repeats', type=int, default=5)
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--size', type=int, default=256, help='of the pictures')
    parser.add_argument(
        '--threads',
        type=int,
        help='of torch on the CPU; its own choice',
    )
    parser.renamed('--batch', '--batch-size')
    parser.renamed('--config', 'config')
    return parser.parse_args(argv)


start_tool(__name__, parse_args)

import torch
from heatmap_branch import bench_branch, in_turns, least, print_branch, read_straightforward

from mmhand.apis import init_model
from mmhand.models.twohand import TwoHandShapePose
from mmhand.models.twohand.volume_summary import VolumeSummary, join_summaries, summarise_volumes
from mmhand.utils.errors import cli_guard


@cli_guard
@torch.no_grad()
def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    torch.set_num_threads(args.threads or torch.get_num_threads())
    options = {'model.head.hand_model': dict(_delete_=True, type='OpenHand')}
    model = init_model(args.config, None, args.device, options)
    assert isinstance(model, TwoHandShapePose)
    torch.manual_seed(0)
    inputs = torch.rand(args.batch_size, 3, args.size, args.size, device=args.device)
    feature = model.heatmap.backbone(inputs)[-1]
    both = [model.heatmap.head.hand_volumes(feature, side) for side in range(2)]
    one_copy = sum(volume.numel() for volume in both) * 4 / 1e6

    def ours() -> object:
        return join_summaries([summarise_volumes(volume) for volume in both])

    def naive() -> VolumeSummary:
        return read_straightforward(*both)

    found, wanted = ours(), naive()
    assert all(torch.equal(mine, plain) for mine, plain in zip(found, wanted, strict=True))
    seconds = in_turns({'ours': ours, 'naive': naive}, args.repeats, args.device)
    fast, slow = (least(seconds[name])[1] for name in ('ours', 'naive'))
    print(f'{args.batch_size} picture(s) of {args.size}, {args.device}, one copy {one_copy:.0f} MB')
    print(
        f'reading the volumes: {1e3 * fast:.1f} ms, straightforward {1e3 * slow:.1f} ms, '
        f'{slow / fast:.2f} x (processor time)'
    )
    both.clear()
    print_branch(bench_branch(model, inputs, args.repeats, args.device))
    whole = in_turns({'all': lambda: model.estimate(inputs)}, args.repeats, args.device)['all']
    print(f'whole network as built: {1e3 * least(whole)[0] / args.batch_size:.0f} ms per picture')


if __name__ == '__main__':
    main()

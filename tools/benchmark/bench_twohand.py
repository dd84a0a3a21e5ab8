"""Latency and memory of Two-Hand-Shape-Pose's reading of the heat-map volumes.

Measures, in one run and on the same inputs, mmhand's way against the straightforward form: both hands'
volumes joined, a loop over the joints for peaks, attention and sub-sampling from copies of their own.

python tools/benchmark/bench_twohand.py --batch 4 --repeats 5 [--device cuda:0]
"""

import argparse
import time
from collections.abc import Callable
from statistics import median

import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from mmhand.apis import init_model
from mmhand.models.estimators import TwoHandShapePose
from mmhand.models.layers.volume_summary import join_summaries, summarise_volumes
from mmhand.utils.errors import cli_guard


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--config', default='twohand_r50_interhand')
    parser.add_argument('--batch', type=int, default=2)
    parser.add_argument('--repeats', type=int, default=5)
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--size', type=int, default=256, help='of the pictures')
    return parser.parse_args()


def straightforward(right: Tensor, left: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Maps, peaks and attention as one writes them down first."""
    volumes = torch.cat((right, left), dim=1)
    batch, joints, depth, height, width = volumes.shape
    peaks = []
    for index in range(joints):
        value, place = volumes[:, index].reshape(batch, -1).max(-1)
        x, y = place % width, place // width % height
        peaks.append(torch.stack((x.float(), y.float(), value), -1))
    attention = [
        hand.reshape(batch, -1, height, width).max(1)[0] for hand in volumes.split(joints // 2, 1)
    ]
    maps = volumes.reshape(batch, joints * depth, height, width)
    maps = maps.reshape(batch, joints, depth, height, width)[:, :, ::4].contiguous()
    return maps[..., ::2, ::2].contiguous(), torch.stack(peaks, 1), torch.stack(attention, 1)


def timed(run: Callable[[], object], repeats: int, device: str) -> float:
    """Median seconds of a call, after one to warm up."""
    seconds = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        run()
        if device != 'cpu':
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - start)
    return median(seconds[1:])


def peak_memory(run: Callable[[], object], device: str) -> float:
    """Largest sum of living tensors made during a call, MB."""
    if device != 'cpu':
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        run()
        return (torch.cuda.max_memory_allocated(device) - before) / 1e6
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
        run()
    living = peak = 0
    for event in record.profiler.kineto_results.events():
        if event.name() == '[memory]':
            living += event.nbytes()
            peak = max(peak, living)
    return peak / 1e6


@cli_guard
@torch.no_grad()
def main() -> None:
    args = parse_args()
    options = {'model.head.hand_model': dict(_delete_=True, type='OpenHand')}
    model = init_model(args.config, None, args.device, options)
    assert isinstance(model, TwoHandShapePose)
    torch.manual_seed(0)
    inputs = torch.rand(args.batch, 3, args.size, args.size, device=args.device)
    feature = model.heatmap.backbone(inputs)[-1]
    head = model.heatmap.head

    def volumes() -> list[Tensor]:
        return [head.hand_volumes(feature, side) for side in range(2)]

    both = volumes()
    one_copy = sum(volume.numel() for volume in both) * 4 / 1e6

    def ours() -> object:
        return join_summaries([summarise_volumes(volume) for volume in both])

    def naive() -> object:
        return straightforward(*both)

    found, wanted = ours(), naive()
    assert torch.equal(found.maps.flatten(1, 2), wanted[0])
    assert torch.equal(found.peaks.flatten(1, 2), wanted[1])
    assert torch.equal(found.attention, wanted[2])
    fast, slow = (timed(run, args.repeats, args.device) for run in (ours, naive))
    print(f'{args.batch} picture(s) of {args.size}, {args.device}, one copy {one_copy:.0f} MB')
    print(
        f'reading the volumes: {1e3 * fast:.1f} ms, straightforward {1e3 * slow:.1f} ms, '
        f'{slow / fast:.2f} x'
    )
    both.clear()

    def branch() -> object:
        return model.look(inputs)

    def naive_branch() -> object:
        deep = model.heatmap.backbone(inputs)[-1]
        return straightforward(*(head.hand_volumes(deep, side) for side in range(2)))

    for name, run in (('branch', branch), ('straightforward branch', naive_branch)):
        spent = timed(run, max(1, args.repeats // 2), args.device)
        memory = peak_memory(run, args.device)
        print(
            f'{name}: {1e3 * spent / args.batch:.0f} ms and {memory / args.batch:.0f} MB per '
            f'picture, {memory / one_copy:.2f} copies of the volume'
        )
    spent = timed(lambda: model.estimate(inputs), max(1, args.repeats // 2), args.device)
    print(f'whole network: {1e3 * spent / args.batch:.0f} ms per picture')


if __name__ == '__main__':
    main()

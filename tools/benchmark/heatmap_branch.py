"""Two-Hand-Shape-Pose's heat-map branch in three forms, timed in turns; for the benchmarks here.

* straightforward: every module as its own operation, both hands' volumes joined and read as
  ``mmhand/models/twohand/volume_summary_reference.py`` does;
* as built: a few joints' volumes at a time, each read once;
* deployed: the same after :func:`mmhand.deploy.deploy`.
"""

import copy
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from mmhand.deploy import deploy
from mmhand.models.twohand import TwoHandShapePose
from mmhand.models.twohand.volume_summary import VolumeSummary, join_summaries
from mmhand.models.twohand.volume_summary_reference import summarise_volumes_reference

FORMS = ('straightforward', 'as built', 'deployed')


def read_straightforward(right: Tensor, left: Tensor) -> VolumeSummary:
    """What is read from volumes as one writes it down first; both hands' are joined."""
    volumes = torch.cat((right, left), dim=1)
    hands = volumes.split(volumes.shape[1] // 2, 1)
    return join_summaries([summarise_volumes_reference(hand) for hand in hands])


def look_straightforward(model: TwoHandShapePose, inputs: Tensor) -> tuple[VolumeSummary, Tensor]:
    """The branch through mmpose's heads."""
    head = model.heatmap.head
    feats = model.heatmap.backbone(inputs)
    right, left = (hand(feats[-1]) for hand in (head.right_hand_head, head.left_hand_head))
    return read_straightforward(right, left), head.hand_type_head(head.neck(feats[-1]))


def clocked(run: Callable[[], object], device: str) -> tuple[float, float]:
    """Seconds of one call, and seconds of processor time: what it takes where nothing else runs."""
    start, start_busy = time.perf_counter(), time.process_time()
    run()
    if device != 'cpu':
        torch.cuda.synchronize(device)
    return time.perf_counter() - start, time.process_time() - start_busy


def in_turns(
    calls: dict[str, Callable[[], object]], turns: int, device: str
) -> dict[str, list[tuple[float, float]]]:
    """Times of several calls that take turns, after one each to warm up."""
    for call in calls.values():
        clocked(call, device)
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in calls}
    for _ in range(turns):
        for name, call in calls.items():
            seconds[name].append(clocked(call, device))
    return seconds


def least(times: list[tuple[float, float]]) -> tuple[float, float]:
    """Least seconds and least processor seconds."""
    return min(wall for wall, _ in times), min(busy for _, busy in times)


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


@torch.no_grad()
def bench_branch(
    model: TwoHandShapePose, inputs: Tensor, turns: int, device: str
) -> dict[str, dict[str, float]]:
    """Latency and memory per picture of the forms, and how far their results lie apart.

    Args:
        model: in evaluation mode.
        inputs: (B, 3, H, W) RGB in [0, 1].
        turns: how often each is timed.
        device: of both.

    Returns:
        For each form ``median_ms``, ``min_ms``, ``processor_ms`` (least, of all threads together),
        ``speed_up`` and ``processor_speed_up`` over the straightforward form (least times),
        ``peak_mb``, ``copies`` of both hands' volumes that this memory is, and
        ``largest_relative_difference`` from the maps of the form as built.
    """
    deployed = copy.deepcopy(model)
    deploy(deployed, lambda net: net(inputs, None, mode='tensor'))
    calls = {
        'straightforward': lambda: look_straightforward(model, inputs),
        'as built': lambda: model.look(inputs),
        'deployed': lambda: deployed.look(inputs),
    }
    width, height, depth = model.heatmap.head.codec.heatmap_size
    volumes = len(inputs) * model.heatmap.head.codec.num_joints * width * height * depth
    reference = model.look(inputs)[0].maps
    times = in_turns(calls, turns, device)
    count = len(inputs)
    slow, slow_busy = least(times['straightforward'])
    rows = {}
    for name, call in calls.items():
        out = call()
        maps = out[0].maps.flatten(0, 2)
        wanted = reference.flatten(0, 2)
        wall, busy = least(times[name])
        rows[name] = {
            'median_ms': 1e3 * statistics.median(wall for wall, _ in times[name]) / count,
            'min_ms': 1e3 * wall / count,
            'processor_ms': 1e3 * busy / count,
            'speed_up': slow / wall,
            'processor_speed_up': slow_busy / busy,
            'peak_mb': peak_memory(call, device) / count,
            'largest_relative_difference': float(
                (maps - wanted).abs().max() / (wanted.abs().max() + 1e-12)
            ),
        }
        rows[name]['copies'] = rows[name]['peak_mb'] * count * 1e6 / 4 / volumes
    return rows


def print_branch(rows: dict[str, dict[str, float]]) -> None:
    """The table of :func:`bench_branch`."""
    titles = ('median ms', 'min ms', 'faster', 'CPU ms', 'faster', 'peak MB', 'copies', 'differs')
    print(f'{"heat-map branch":<16}' + ''.join(f'{title:>10}' for title in titles) + '  a picture')
    for name, row in rows.items():
        numbers = (
            f'{row["median_ms"]:.1f}',
            f'{row["min_ms"]:.1f}',
            f'{row["speed_up"]:.2f}',
            f'{row["processor_ms"]:.1f}',
            f'{row["processor_speed_up"]:.2f}',
            f'{row["peak_mb"]:.1f}',
            f'{row["copies"]:.2f}',
            f'{row["largest_relative_difference"]:.1e}',
        )
        print(f'{name:<16}' + ''.join(f'{number:>10}' for number in numbers), flush=True)

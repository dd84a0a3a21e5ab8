"""HDR's pipeline stage by stage, for bench_inference.py.

What a picture of two hands costs with a box around them given: the three networks (HASM on one crop of
the picture, HDRM and SHPE on both hands as one batch), what lies between them (crops, masks, holes,
joints back in the picture), and all of it.
"""

import copy
import statistics
import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from mmhand.deploy import deploy
from mmhand.models.hdr import HDR
from mmhand.structures import HandDataSample

STAGES = {'HASM': 'segmentor', 'HDRM': 'remover.generator', 'SHPE': 'pose_estimator'}
FORMS = ('as built', 'deployed')

#: Height and width of InterHand2.6M's pictures.
PICTURE = (334, 512)


#: Seconds by the clock, and seconds of processor time: what it takes where nothing else runs.
Times = tuple[float, float]


class StageClock:
    """Times the networks of an HDR while it runs, and notes how many inputs each call has.

    Args:
        model: the pipeline.
        device: it is on.
    """

    def __init__(self, model: HDR, device: str) -> None:
        self.device = device
        self.seconds = dict.fromkeys(STAGES, (0.0, 0.0))
        self.batches: dict[str, list[int]] = {name: [] for name in STAGES}
        self._start = (0.0, 0.0)
        self.hooks = []
        for name, path in STAGES.items():
            module = model.get_submodule(path)
            self.hooks += [
                module.register_forward_pre_hook(self._begin(name)),
                module.register_forward_hook(self._end(name)),
            ]

    def _now(self) -> Times:
        if self.device != 'cpu':
            torch.cuda.synchronize(self.device)
        return time.perf_counter(), time.process_time()

    def _begin(self, name: str) -> Callable:
        def hook(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            self.batches[name].append(len(inputs[0]))
            self._start = self._now()

        return hook

    def _end(self, name: str) -> Callable:
        def hook(module: nn.Module, inputs: object, output: object) -> None:
            self.seconds[name] = _add(self.seconds[name], _since(self._start, self._now()))

        return hook

    def run(self, call: Callable[[], object]) -> dict[str, Times]:
        """Times of every stage, of what lies between, and in all, of one call."""
        self.seconds = dict.fromkeys(STAGES, (0.0, 0.0))
        self.batches = {name: [] for name in STAGES}
        start = self._now()
        call()
        total = _since(start, self._now())
        between = total
        for spent in self.seconds.values():
            between = _since(spent, between)
        return {**self.seconds, 'between': between, 'total': total}


def _since(start: Times, end: Times) -> Times:
    return end[0] - start[0], end[1] - start[1]


def _add(first: Times, second: Times) -> Times:
    return first[0] + second[0], first[1] + second[1]


def pictures(count: int, device: str) -> tuple[Tensor, list[HandDataSample]]:
    """Random pictures of InterHand2.6M's size with a box in the middle."""
    height, width = PICTURE
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (count, 3, height, width), generator=generator).float()
    box = (0.25 * width, 0.25 * height, 0.5 * width, 0.5 * height)
    samples = [HandDataSample(metainfo=dict(img_shape=PICTURE, bbox=box)) for _ in range(count)]
    return images.to(device), samples


@torch.no_grad()
def bench_hdr(model: HDR, count: int, seconds: float, device: str) -> dict[str, object]:
    """Latency of the stages, as built and deployed, in turns.

    Args:
        model: in evaluation mode.
        count: pictures at a time.
        seconds: to measure for, each form.
        device: of the model.

    Returns:
        ``batch``, ``input_size``, ``turns``, ``hands_per_call`` of HDRM and SHPE, ``difference`` (of
        the deployed form's mask scores, relative), and ``stages``: for each form, each stage's,
        ``between``'s and ``total``'s median and least milliseconds a picture, and the least of
        processor time.
    """
    images, samples = pictures(count, device)
    deployed = copy.deepcopy(model)
    deploy(deployed, lambda net: net(images, samples, mode='tensor'))
    clocks = {
        name: (StageClock(net, device), net)
        for name, net in zip(FORMS, (model, deployed), strict=True)
    }
    times: dict[str, list[dict[str, Times]]] = {name: [] for name in FORMS}
    for clock, net in clocks.values():
        clock.run(lambda net=net: net(images, samples, mode='tensor'))
    end = time.perf_counter() + seconds * len(FORMS)
    while time.perf_counter() < end or len(times[FORMS[0]]) < 3:
        for name, (clock, net) in clocks.items():
            times[name].append(clock.run(lambda net=net: net(images, samples, mode='tensor')))
    batches = copy.deepcopy(clocks[FORMS[0]][0].batches)
    wanted, found = (
        net(images, samples, mode='tensor')['seg_logits'] for _, net in clocks.values()
    )
    for clock, _ in clocks.values():
        for hook in clock.hooks:
            hook.remove()
    return {
        'batch': count,
        'input_size': PICTURE,
        'turns': len(times[FORMS[0]]),
        'hands_per_call': {name: batches[name] for name in ('HDRM', 'SHPE')},
        'difference': float((found - wanted).abs().max() / wanted.abs().max()),
        'stages': {name: _summary(rows, count) for name, rows in times.items()},
    }


def _summary(rows: Sequence[dict[str, Times]], count: int) -> dict[str, dict[str, float]]:
    def facts(stage: str) -> dict[str, float]:
        clock, busy = ([1e3 * row[stage][kind] / count for row in rows] for kind in (0, 1))
        return {'median_ms': statistics.median(clock), 'min_ms': min(clock), 'cpu_ms': min(busy)}

    return {stage: facts(stage) for stage in rows[0]}


def print_hdr(row: dict[str, object]) -> None:
    """The table of :func:`bench_hdr`."""
    height, width = row['input_size']
    hands = ', '.join(f'{name} {sizes}' for name, sizes in row['hands_per_call'].items())
    print(
        f'pictures of {width} x {height} with a box, {row["batch"]} at a time, {row["turns"]} turns; '
        f'hands in each call: {hands}; deployed differs by {row["difference"]:.0e}'
    )
    stages = (*STAGES, 'between', 'total')
    print(f'{"ms a picture":<20}' + ''.join(f'{stage:>10}' for stage in stages))
    for form, facts in row['stages'].items():
        for kind in ('median', 'min', 'cpu'):
            numbers = ''.join(f'{facts[stage][f"{kind}_ms"]:>10.1f}' for stage in stages)
            print(f'{f"{form}, {kind}":<20}{numbers}', flush=True)

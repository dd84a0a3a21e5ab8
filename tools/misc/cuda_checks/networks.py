"""Every estimator on a device against the CPU, on data it is written for; steps in each precision."""

import copy
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from measures import largest_difference, peak_megabytes, seconds_of
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.logging import MMLogger
from mmengine.optim import AmpOptimWrapper, OptimWrapper

from mmhand.engine.optim_wrappers import BFloat16OptimWrapper
from mmhand.registry import DATASETS, MODELS
from mmhand.synthesis import count_splits, generate_dataset, get_writer
from mmhand.utils.config import list_configs, load_config, without_pretraining
from mmhand.utils.setup_env import init_default_scope

#: One reduced config of each estimator.
CONFIGS = (
    'internet/internet_r18_cpu_interhand',
    'spmhand/spmhand_r18_cpu_ho3d',
    'handoccnet/handoccnet_r18_cpu_ho3d',
    'twohand/twohand_cpu_interhand',
    'hdr/hdr_cpu_interhand',
    'hdr/hdr_hasm_mitb0_cpu_interhand',
    'hdr/hdr_hdrm_cpu_aih',
    'hdr/hdr_shpe_cpu_interhand',
    'iahm/iahm_r18_cpu_dexycb-s1',
    'cmr/cmr_r18_pg_cpu_freihand',
    'boukhayma/boukhayma_r18_cpu_dexycb-s1',
    'dsf/dsf_r18_cpu_nyu',
)

#: Full-size configs whose throughput is measured, by the side of their pictures.
FULL = {
    'spmhand/spmhand_r50_ho3d-v2': 256,
    'handoccnet/handoccnet_r50_ho3d-v2': 256,
    'internet/internet_r50_interhand': 256,
    'iahm/iahm_r50_dexycb-s1': 256,
}

_LAYOUTS = {
    'AIHDataset': 'aih',
    'InterHand26MDataset': 'interhand',
    'FreiHANDDataset': 'freihand',
    'HO3DDataset': 'ho3d',
    'DexYCBDataset': 'dexycb',
    'NYUDataset': 'nyu',
}


class SyntheticData:
    """Small data sets in each layout, made when they are first asked for.

    Args:
        folder: where they go.
        samples: pictures of each.
    """

    def __init__(self, folder: str | os.PathLike, samples: int = 8) -> None:
        self.folder, self.samples = Path(folder), samples

    def root(self, layout: str) -> str:
        """Folder of a layout."""
        target = self.folder / layout
        if not target.is_dir():
            kind = get_writer(layout)
            writer = kind(target, kind.make_config(captures=1, views=2), seed=3)
            workers = max(1, min(8, os.cpu_count() or 1))
            counts = count_splits(self.samples, dict(writer.splits))
            generate_dataset(writer, counts, workers=workers, progress=False)
        return str(target)

    def batch(self, loader: Config, size: int) -> dict:
        """Samples of a config's data set through its pipeline, collated."""
        section = copy.deepcopy(loader.dataset)
        while section.type == 'RepeatDataset':
            section = section.dataset
        section.data_root = self.root(_LAYOUTS[section.type])
        for key in (
            'ann_file',
            'camera_file',
            'joint_file',
            'img_dir',
            'rootnet_file',
            'hand_model',
        ):
            section.pop(key, None)
        if section.type == 'InterHand26MDataset' or section.get('subset'):
            section.split = 'train'
            if 'setup' in section:
                section.setup = 's0'
        data = DATASETS.build(section)
        return pseudo_collate([data[index % len(data)] for index in range(size)])


def build(name: str) -> tuple[Config, torch.nn.Module]:
    """A config and its network with random weights, on the embedded hand."""
    config = load_config(list_configs()[name])
    init_default_scope('mmhand')
    section = without_pretraining(config.model)
    _open_hands(section)
    torch.manual_seed(0)
    model = MODELS.build(section)
    # A line for every parameter otherwise.
    MMLogger.get_current_instance().setLevel('WARNING')
    model.init_weights()
    return config, model


def _open_hands(node: object) -> None:
    if isinstance(node, dict):
        if str(node.get('type')).rpartition('.')[2] == 'MANO':
            side = node.get('side', 'right')
            node.clear()
            node.update(type='OpenHand', side=side)
        if isinstance(node.get('perceptual'), dict):
            node['perceptual'] = None  # features of VGG-16
        for value in node.values():
            _open_hands(value)
    elif isinstance(node, list | tuple):
        for value in node:
            _open_hands(value)


def check_networks(
    device: torch.device, out_of_time: Callable[[], bool], names: tuple[str, ...] = CONFIGS
) -> Iterator[dict]:
    """Rows of every estimator: predictions, then a step in each precision."""
    with tempfile.TemporaryDirectory() as folder:
        data = SyntheticData(folder)
        for name in names:
            if out_of_time():
                yield {'check': name, 'ok': None, 'note': 'left out: the time is up'}
                continue
            try:
                config, model = build(name)
                batch = data.batch(config.test_dataloader, 2)
                yield check_predictions(name, model, batch, device)
                batch = data.batch(config.train_dataloader, 4)
                yield from check_steps(name, model, batch, device)
            except Exception as error:
                text = ' '.join(str(error).split())[:160]
                yield {'check': name, 'ok': False, 'note': f'{type(error).__name__}: {text}'}


def check_predictions(name: str, model: torch.nn.Module, batch: dict, device: torch.device) -> dict:
    """One row: joints and meshes of a batch on both, in float32 without TF32."""
    cpu = torch.device('cpu')

    def run(where: torch.device) -> list[dict]:
        model.to(where).eval()
        with torch.no_grad():
            samples = model.test_step(copy.deepcopy(batch))
        return [_fields(sample) for sample in samples]

    reference = run(cpu)
    found = run(device)
    gap = largest_difference(reference, found)
    slow = seconds_of(lambda: run(cpu), cpu, 0.5)
    quick = seconds_of(lambda: run(device), device, 0.5)
    return {
        'check': f'{name}: predictions',
        # Bins of heat maps may tip at single joints.
        'ok': gap['p99'] <= 1e-3 * max(gap['scale'], 1e-6),
        'difference': gap['max'],
        'p99': gap['p99'],
        'scale': gap['scale'],
        'cpu_ms': slow * 1e3,
        'device_ms': quick * 1e3,
        'ratio': slow / quick,
    }


def _fields(sample: object) -> dict:
    hands = sample.get('pred_hands')
    fields = dict(hands.items()) if hands is not None else {}
    kept = {
        k: v for k, v in fields.items() if isinstance(v, torch.Tensor) and v.is_floating_point()
    }
    if kept:
        return kept
    # Networks of masks and pictures.
    return {
        f'{key}.{name}': value
        for key, part in sample.items()
        if key.startswith('pred')
        for name, value in part.items()
        if isinstance(value, torch.Tensor)
    }


def check_steps(
    name: str, model: torch.nn.Module, batch: dict, device: torch.device
) -> Iterator[dict]:
    """Rows of one training step in float32, bfloat16 and, on a GPU, float16."""
    start = copy.deepcopy(model.state_dict())
    plain = None
    for kind in ('float32', 'bfloat16', *(['float16'] if device.type == 'cuda' else [])):
        model.load_state_dict(start)
        model.to(device).train()
        trained = [weight for weight in model.parameters() if weight.requires_grad]
        optimizer = torch.optim.SGD(trained, lr=1e-4)
        if kind == 'float32':
            wrapper = OptimWrapper(optimizer)
        elif device.type == 'cuda':
            wrapper = AmpOptimWrapper(dtype=kind, optimizer=optimizer, loss_scale='dynamic')
        else:
            wrapper = BFloat16OptimWrapper(optimizer=optimizer)
        before = [weight.detach().clone() for weight in trained]
        losses: list[float] = []

        def step(wrapper: OptimWrapper = wrapper, losses: list[float] = losses) -> None:
            torch.manual_seed(0)
            log = model.train_step(copy.deepcopy(batch), wrapper)
            losses.append(float(log['loss']))

        # A dynamic scale may leave its first steps out.
        memory = peak_megabytes(step, device)
        for _ in range(5 if kind == 'float16' else 1):
            step()
        moved = any(not torch.equal(a, b) for a, b in zip(before, trained, strict=True))
        finite = all(bool(weight.isfinite().all()) for weight in trained)
        plain = losses[0] if kind == 'float32' else plain
        off = abs(losses[0] - plain) / max(abs(plain), 1e-9)
        yield {
            'check': f'{name}: step in {kind}',
            'ok': moved and finite and off < (1e-6 if kind == 'float32' else 0.1),
            'difference': off,
            'loss': losses[0],
            'device_ms': seconds_of(step, device, 0.3) * 1e3,
            'peak_mb': memory,
        }


def check_throughput(
    device: torch.device,
    out_of_time: Callable[[], bool],
    names: dict[str, int] | None = None,
    sizes: tuple[int, ...] = (1, 8, 32, 64),
) -> Iterator[dict]:
    """Rows of pictures a second and memory of the full-size networks, by batch size."""
    for name, side in (FULL if names is None else names).items():
        if out_of_time():
            yield {'check': f'{name}: throughput', 'ok': None, 'note': 'left out: the time is up'}
            continue
        _, model = build(name)
        model.to(device).eval()
        for size in sizes:
            images = torch.rand(size, 3, side, side, device=device)

            def forward(model: torch.nn.Module = model, images: torch.Tensor = images) -> None:
                with torch.no_grad():
                    model(images, mode='tensor')

            try:
                memory = peak_megabytes(forward, device)
                each = seconds_of(forward, device, 1.0)
            except torch.cuda.OutOfMemoryError:
                yield {'check': f'{name}: batch {size}', 'ok': None, 'note': 'out of memory'}
                break
            yield {
                'check': f'{name}: batch {size}, {side} x {side}',
                'ok': True,
                'device_ms': each * 1e3,
                'pictures_per_s': size / each,
                'peak_mb': memory,
            }

"""HDR's authors' checkpoints, made up: their key grammar and the recipe of the golden numbers.

Source: docs/en/methods/hdr.md; the fill is that of the golden numbers.
"""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

Shapes = dict[str, tuple[int, ...]]


def norm(key, width, running=True):
    shapes = {f'{key}.weight': (width,), f'{key}.bias': (width,)}
    if running:
        shapes |= {f'{key}.running_mean': (width,), f'{key}.running_var': (width,)}
        shapes[f'{key}.num_batches_tracked'] = ()
    return shapes


def affine(key, *shape):
    return {f'{key}.weight': shape, f'{key}.bias': shape[:1]}


def hasm_keys() -> Shapes:
    keys, previous = {}, 3
    sizes = zip((64, 128, 320, 512), (3, 6, 40, 3), (7, 3, 3, 3), (8, 4, 2, 1), strict=True)
    for stage, (c, depth, kernel, reduction) in enumerate(sizes):
        layer = f'backbone.layers.{stage}'
        keys |= affine(f'{layer}.0.projection', c, previous, kernel, kernel)
        keys |= norm(f'{layer}.0.norm', c, running=False)
        for block in range(depth):
            key = f'{layer}.1.{block}'
            keys |= norm(f'{key}.norm1', c, running=False)
            keys |= {f'{key}.attn.attn.in_proj_weight': (3 * c, c)}
            keys |= {f'{key}.attn.attn.in_proj_bias': (3 * c,)}
            keys |= affine(f'{key}.attn.attn.out_proj', c, c)
            if reduction > 1:
                keys |= affine(f'{key}.attn.sr', c, c, reduction, reduction)
                keys |= norm(f'{key}.attn.norm', c, running=False)
            keys |= norm(f'{key}.norm2', c, running=False)
            keys |= affine(f'{key}.ffn.layers.0', 4 * c, c, 1, 1)
            keys |= affine(f'{key}.ffn.layers.1', 4 * c, 1, 3, 3)
            keys |= affine(f'{key}.ffn.layers.4', c, 4 * c, 1, 1)
        keys |= norm(f'{layer}.2', c, running=False)
        previous = c
    for index, c in enumerate((64, 128, 320, 512)):
        keys |= {f'decode_head.convs.{index}.conv.weight': (256, c, 1, 1)}
        keys |= norm(f'decode_head.convs.{index}.bn', 256)
    for branch in range(1, 5):
        keys |= {f'decode_head.fusion_conv{branch}.conv.weight': (256, 1024, 1, 1)}
        keys |= norm(f'decode_head.fusion_conv{branch}.bn', 256)
    for branch in range(1, 5):
        keys |= affine(f'decode_head.conv_seg{branch}', 2, 256, 1, 1)
    return keys


def pvt(key, c, hidden, reduction):
    block = f'{key}.block1.0'
    keys = norm(f'{block}.norm1', c, running=False)
    keys |= affine(f'{block}.attn.q', c, c) | affine(f'{block}.attn.kv', 2 * c, c)
    keys |= affine(f'{block}.attn.proj', c, c)
    if reduction > 1:
        keys |= affine(f'{block}.attn.sr', c, c, reduction, reduction)
        keys |= norm(f'{block}.attn.norm', c, running=False)
    keys |= norm(f'{block}.norm2', c, running=False)
    keys |= affine(f'{block}.mlp.fc1', hidden, c)
    keys |= affine(f'{block}.mlp.dwconv.dwconv', hidden, 1, 3, 3)
    keys |= affine(f'{block}.mlp.fc2', c, hidden)
    return keys | norm(f'{key}.norm1', c, running=False)


def generator_keys() -> Shapes:
    def partial(key, c_out, c_in, kernel):
        shape = (c_out, c_in, kernel, kernel)
        return {f'{key}.conv.input_conv.weight': shape, f'{key}.conv.mask_conv.weight': shape}

    widths = (8, 64, 128, 256, 512, 512, 512, 512, 512)
    keys = {}
    for level in range(1, 9):
        kernel = {1: 7, 2: 5, 3: 5}.get(level, 3)
        keys |= partial(f'enc_{level}', widths[level], widths[level - 1], kernel)
        keys |= norm(f'enc_{level}.bn', widths[level]) if level > 1 else {}
    keys |= pvt('enc_3_transformer', 256, 2048, 4) | pvt('enc_5_transformer', 512, 2048, 1)
    keys |= pvt('dec_5_transformer', 512, 2048, 1) | pvt('dec_3_transformer', 128, 1024, 4)
    for level in (5, 6, 7, 8, 4, 3, 2):
        out = widths[level - 1]
        keys |= partial(f'dec_{level}', out, widths[level] + out, 3) | norm(f'dec_{level}.bn', out)
    keys |= partial('dec_1', 3, 72, 3) | {'dec_1.conv.input_conv.bias': (3,)}
    return keys


def discriminator_keys() -> Shapes:
    widths = (5, 64, 128, 256, 512, 1)
    keys = {}
    for layer in range(1, 6):
        c_in, c_out = widths[layer - 1 : layer + 1]
        shapes = {'orig': (c_out, c_in, 4, 4), 'u': (c_out,), 'v': (16 * c_in,)}
        for name in (f'conv{layer}.0', *(['features.0'] if layer == 1 else [])):
            keys |= {f'{name}.weight_{kind}': shape for kind, shape in shapes.items()}
    return keys


def detnet_keys() -> Shapes:
    keys = {'resnet.conv1.weight': (64, 3, 7, 7)} | norm('resnet.bn1', 64)

    def bottleneck(key, c_in, c, c_out):
        shapes = ((c, c_in, 1, 1), (c, c, 3, 3), (c_out, c, 1, 1))
        out = {}
        for index, shape in enumerate(shapes, 1):
            out |= {f'{key}.conv{index}.weight': shape} | norm(f'{key}.bn{index}', shape[0])
        return out

    previous = 64
    for name, depth, c in (
        ('block1', 2, 64),
        ('pool', 1, 64),
        ('block2', 4, 128),
        ('block3', 6, 256),
    ):
        for block in range(depth):
            key = f'resnet.{name}.{block}'
            keys |= bottleneck(key, previous, c, 4 * c)
            if previous != 4 * c:
                keys |= {f'{key}.shortcut.0.weight': (4 * c, previous, 1, 1)}
                keys |= norm(f'{key}.shortcut.1', 4 * c)
            previous = 4 * c
    keys |= {'resnet.squeeze.0.weight': (256, 1024, 3, 3)} | norm('resnet.squeeze.1', 256)
    for name, c_in, c_out in (('hmap_0', 258, 21), ('dmap_0', 279, 63), ('lmap_0', 342, 63)):
        keys |= {f'{name}.project.0.weight': (256, c_in, 3, 3)} | norm(f'{name}.project.1', 256)
        keys |= affine(f'{name}.prediction', c_out, 256, 1, 1)
    return keys


REFERENCE_KEYS = {
    'hdr_hasm': hasm_keys,
    'hdr_hdrm': generator_keys,
    'hdr_discriminator': discriminator_keys,
    'hdr_shpe': detnet_keys,
}


def fill_one(key: str, shape: tuple[int, ...]) -> torch.Tensor:
    if key.endswith('num_batches_tracked'):
        return torch.zeros(shape, dtype=torch.int64)
    if 'mask_conv' in key:
        return torch.ones(shape, dtype=torch.float64)
    size = int(np.prod(shape))
    phase = sum(key.encode('ascii')) % 97
    q = np.sin(12.9898 * np.arange(size, dtype=np.float64) + phase) * 43758.5453
    v = 2 * (q - np.floor(q)) - 1
    if key.endswith('running_var'):
        value = 1 + 0.5 * v * v
    elif key.endswith('running_mean'):
        value = 0.1 * v
    elif len(shape) == 1:
        value = 1 + 0.1 * v if key.endswith('weight') else 0.1 * v
    else:
        fan = size / shape[0]
        scale = 2 * fan if key.endswith('input_conv.weight') else 1 / fan
        value = v * np.sqrt(3.0) * np.sqrt(scale)
    return torch.from_numpy(value.reshape(shape))


def fill(keys: Shapes) -> dict[str, torch.Tensor]:
    """Weights of the golden numbers, float64, by the reference's keys."""
    state = {key: fill_one(key, shape) for key, shape in keys.items()}
    for key in [key for key in state if key.endswith('weight_orig')]:
        # The recipe's discriminator has exact spectral norms, and one tensor under two names.
        state[key] = fill_one(key.replace('features.0', 'conv1.0'), keys[key])
        u, _, vh = torch.linalg.svd(state[key].flatten(1), full_matrices=False)
        prefix = key.removesuffix('orig')
        state[f'{prefix}u'], state[f'{prefix}v'] = u[:, 0].clone(), vh[0].clone()
    return state


def ramp(*shape: int) -> torch.Tensor:
    """Picture of the golden numbers: sin(0.05 y + 0.083 x + 0.7 c + 0.3 b)."""
    b, c, h, w = shape if len(shape) == 4 else (*shape, 256, 256)
    axes = torch.meshgrid(
        *(torch.arange(n, dtype=torch.float64) for n in (b, c, h, w)), indexing='ij'
    )
    return torch.sin(0.05 * axes[2] + 0.083 * axes[3] + 0.7 * axes[1] + 0.3 * axes[0])


def discs() -> SimpleNamespace:
    """Masks of the golden numbers, (1, 1, 256, 256) float64."""
    y, x = torch.meshgrid(torch.arange(256), torch.arange(256), indexing='ij')

    def disc(cx, cy, r):
        return ((x - cx) ** 2 + (y - cy) ** 2 <= r * r).double()[None, None]

    amodal, other = disc(110, 128, 50), disc(160, 128, 45)
    return SimpleNamespace(amodal=amodal, other=other, visible=amodal * (1 - other))


@pytest.fixture(scope='session')
def reference() -> SimpleNamespace:
    """Key tables and recipe of the authors' checkpoints."""
    keys = {name: table() for name, table in REFERENCE_KEYS.items()}
    return SimpleNamespace(keys=keys, fill=fill, fill_one=fill_one, ramp=ramp, discs=discs)


@pytest.fixture(scope='session')
def golden() -> dict:
    """Numbers of the authors' modules on the made-up weights."""
    path = Path(__file__).resolve().parents[2] / 'data' / 'hdr_golden.json'
    return json.loads(path.read_text())


@pytest.fixture(scope='session')
def author_file(tmp_path_factory, reference):
    """Write a made-up authors' checkpoint in its own layout; returns the path."""

    def write(method: str) -> Path:
        state = reference.fill(reference.keys[method])
        path = tmp_path_factory.mktemp(method) / 'authors.pth'
        if method == 'hdr_hasm':
            meta = dict(CLASSES=('background', 'foreground'), PALETTE=[[255, 0, 0], [0, 255, 0]])
            torch.save(dict(meta=meta, state_dict=state), path)
        else:
            state = {f'module.{key}': value for key, value in state.items()}
            torch.save(
                dict(step=7, state_dict=state, optimizer=dict(state={}, param_groups=[])), path
            )
        return path

    return write


def check_stats(tensor: torch.Tensor, expected: dict, rel: float) -> None:
    """Compare a tensor with the summary the golden file holds."""
    assert list(tensor.shape) == expected['shape']
    scale = expected['absmax']
    found = dict(mean=tensor.mean(), std=tensor.std(correction=0), absmax=tensor.abs().max())
    for name, value in found.items():
        assert value.item() == pytest.approx(expected[name], rel=rel, abs=rel * scale), name
    for point, value in expected['pts'].items():
        index = tuple(int(i) for i in point.strip('()').split(','))
        assert tensor[index].item() == pytest.approx(value, rel=rel, abs=rel * scale), point


@pytest.fixture(scope='session')
def stats():
    return check_stats

"""The deterministic weights, pictures and stand-in for MANO that iahm_golden.json was made with.

Every tensor is filled from its name in the authors' state dict.
"""

import math
import zlib

import numpy as np
import torch

from mmhand.registry import MODELS


def wave(n, name, freq=0.37):
    phase = (zlib.crc32(name.encode()) % 1000) * 0.01
    return np.sin(np.arange(n, dtype=np.float64) * freq + phase)


def noise(n, name):
    """Integer hash in [-1, 1)."""
    k = np.arange(n, dtype=np.uint64)
    h = (k * np.uint64(2654435761) + np.uint64(zlib.crc32(name.encode()))) & np.uint64(0xFFFFFFFF)
    for _ in range(2):
        h = ((h ^ (h >> np.uint64(16))) * np.uint64(0x45D9F3B)) & np.uint64(0xFFFFFFFF)
    h ^= h >> np.uint64(16)
    return h.astype(np.float64) / 2.0**31 - 1.0


def fill(name, tensor):
    if not tensor.dtype.is_floating_point:
        return torch.zeros_like(tensor)
    x = noise(tensor.numel(), name)
    if name.endswith('running_var'):
        x = 4.0 * (1.0 + 0.2 * x)
    elif name.endswith('running_mean'):
        x = 0.05 * x
    elif tensor.dim() == 1:
        x = 1.0 + 0.1 * x if name.endswith('weight') else 0.05 * x
    else:
        x = x * math.sqrt(6.0 / tensor[0].numel())
    return torch.tensor(x, dtype=tensor.dtype).reshape(tensor.shape)


def image(batch, size):
    b, c, h, w = np.meshgrid(*(np.arange(n) for n in (batch, 3, size, size)), indexing='ij')
    value = np.sin(0.01 * (h + 1) * (c + 1) + 0.013 * w + b)
    return torch.tensor(value * np.cos(0.07 * (w + 3 * b) + 0.05 * c * h), dtype=torch.float32)


def mano_arrays():
    """Made-up arrays by MANO's names."""

    def positive(n, m, name):
        a = np.abs(wave(n * m, name)).reshape(n, m) + 1e-3
        return a / a.sum(1, keepdims=True)

    v = 778
    return dict(
        v_template=0.06 * wave(v * 3, 'v_template').reshape(v, 3),
        shapedirs=0.004 * wave(v * 30, 'shapedirs', 0.61).reshape(v, 3, 10),
        posedirs=0.0005 * wave(v * 405, 'posedirs', 0.53).reshape(v, 3, 135),
        J_regressor=positive(16, v, 'J_regressor'),
        weights=positive(v, 16, 'weights'),
        hands_components=np.eye(45) + 0.05 * wave(2025, 'hands_components').reshape(45, 45),
        hands_mean=0.2 * wave(45, 'hands_mean'),
        f=np.stack([(np.arange(1538) + d) % v for d in (0, 1, 2)], 1),
    )


def fixtures():
    def values(n, name, scale, *shape):
        return torch.tensor(scale * wave(n, name).reshape(*shape), dtype=torch.float32)

    return dict(
        beta=values(20, 'beta', 1.0, 2, 10),
        pose_gt=values(96, 'pose_gt', 0.3, 2, 48),
        shape_gt=values(20, 'shape_gt', 0.5, 2, 10),
    )


def mesh_target(vertices):
    """Target of the loss checks from the predicted mesh, both in units of 0.2 m."""
    shift = torch.tensor(wave(vertices.numel(), 'gt').reshape(vertices.shape), dtype=torch.float32)
    return vertices + 0.05 * shift


def _mlp(prefix, widths):
    for layer, (inputs, outputs) in enumerate(zip(widths[:-1], widths[1:], strict=True)):
        yield f'{prefix}.{3 * layer}.weight', torch.zeros(outputs, inputs)
        yield f'{prefix}.{3 * layer}.bias', torch.zeros(outputs)


def _layer(prefix, mano, comps, flat):
    f32 = {name: torch.tensor(array, dtype=torch.float32) for name, array in mano.items()}
    yield from {
        f'{prefix}.th_betas': torch.zeros(1, 10),
        f'{prefix}.th_shapedirs': f32['shapedirs'],
        f'{prefix}.th_posedirs': f32['posedirs'],
        f'{prefix}.th_v_template': f32['v_template'][None],
        f'{prefix}.th_J_regressor': f32['J_regressor'],
        f'{prefix}.th_weights': f32['weights'],
        f'{prefix}.th_faces': torch.tensor(mano['f']),
        f'{prefix}.th_hands_mean': f32['hands_mean'][None] * (not flat),
        f'{prefix}.th_comps': f32['hands_components'],
        f'{prefix}.th_selected_comps': f32['hands_components'][:comps],
    }.items()


def authors_state(kind, mano):
    """Made-up weights under the authors' names: baseline, identity_aware, confidence or boukhayma."""
    boukhayma = kind == 'boukhayma'
    config = dict(depth=34, num_features=22) if boukhayma else dict(depth=50)
    resnet = MODELS.build(dict(type='mmhand.ResNetLogits', **config)).state_dict()
    prefix = '' if boukhayma else 'feature_extractor.'
    weights = {f'{prefix}{name}': value for name, value in resnet.items()}
    hidden = (512, 256, 128)
    if boukhayma:
        weights['conv11.weight'] = torch.zeros(64, 24, 7, 7)
    else:
        for step in range(3):
            weights.update(_mlp(f'pose_6d_extractor.{step}', (1096, *hidden, 96)))
    if kind in ('baseline', 'confidence'):
        weights.update(_mlp('shape_extractor', (1000, *hidden, 10)))
    if kind == 'confidence':
        weights.update(_mlp('conf_branch', (1000, 1)))
    state = {name: fill(name, value) for name, value in weights.items()}
    comps = 6 if boukhayma else 45
    state['th_selected_comps'] = torch.tensor(mano['hands_components'][:comps]).float()
    state['th_hands_mean'] = torch.tensor(mano['hands_mean'])[None].float()
    if boukhayma:
        state['mean'] = torch.tensor([545.0, 128.0, 128.0, *[0.0] * 19])
        state.update(_layer('mano_pca_layer', mano, comps, flat=False))
    else:
        state['j_regressor'] = torch.zeros(1, 21, 778)
        state.update(_layer('mano_layer', mano, 6, flat=True))
    return state

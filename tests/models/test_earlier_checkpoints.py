"""Checkpoints written before the families moved into rooms of their own still load.

``tests/data/manifests/*.txt.gz`` list the state dict of one reduced config of each family as it was
then: name, shape and type a line.
"""

import gzip
import math
from pathlib import Path

import pytest
import torch

from mmhand.apis import init_model

MANIFESTS = Path(__file__).parents[1] / 'data' / 'manifests'

CONFIGS = {
    'handoccnet': 'handoccnet_r18_cpu_ho3d',
    'hdr': 'hdr_cpu_interhand',
    'hdr_hasm': 'hdr_hasm_mitb0_cpu_interhand',
    'hdr_hdrm': 'hdr_hdrm_cpu_aih',
    'hdr_shpe': 'hdr_shpe_cpu_interhand',
    'internet': 'internet_r18_cpu_interhand',
    'spmhand': 'spmhand_r18_cpu_ho3d',
    'twohand': 'twohand_cpu_interhand',
}


def state_of(name):
    """A state dict of random values as a manifest lists it."""
    generator = torch.Generator().manual_seed(len(name))
    state = {}
    for line in gzip.decompress((MANIFESTS / f'{name}.txt.gz').read_bytes()).decode().splitlines():
        key, shape, dtype = line.split(' ')
        shape = [] if shape == '-' else [int(size) for size in shape.split('x')]
        if dtype == 'float32':
            state[key] = torch.rand(shape, generator=generator)
        else:
            state[key] = torch.full(shape, math.prod(shape), dtype=getattr(torch, dtype))
    return state


@pytest.mark.parametrize('name', sorted(CONFIGS))
def test_checkpoint_from_before_loads(name, tmp_path):
    state = state_of(name)
    assert len(state) > 80
    torch.save({'state_dict': state, 'meta': {}}, tmp_path / 'before.pth')
    model = init_model(CONFIGS[name], tmp_path / 'before.pth')
    loaded = model.state_dict()
    assert set(loaded) == set(state)
    for key, value in state.items():
        assert torch.equal(loaded[key].cpu(), value), key


def test_every_manifest_is_used():
    assert {path.name.split('.')[0] for path in MANIFESTS.iterdir()} == set(CONFIGS)

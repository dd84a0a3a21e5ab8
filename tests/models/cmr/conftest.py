"""Made-up checkpoints of CMR in the authors' format, and what the released networks make of them."""

import json
import sys
from types import SimpleNamespace

import pytest
import torch
from mmengine.registry import DefaultScope

from mmhand.converters import METHODS
from mmhand.geometry.mesh_hierarchy import CMR_TEMPLATE
from mmhand.registry import MODELS

#: Golden entry and the authors' names of decoders by variant, with their numbers of maps.
KINDS = {
    'pg_pp': ('cmr_pg_pp_res18', (('uv_prior', 21), ('uv', 21), ('uvm', 21))),
    'pose2d': ('cmr_2d_pose_res18', (('uv_prior', 21), ('uv', 21), ('uvm', 21))),
    'pg': ('handmesh_cmr_pg_res18', (('uv_prior', 21), ('uv', 21), ('uvm', 22))),
    'sg': ('handmesh_cmr_sg_res18', (('mask', 1), ('uv', 21), ('uvm', 22))),
    'g': ('handmesh_cmr_g_res18', (('uv', 21), ('uv2', 22))),
}

#: Maps that the later stages get.
INPUTS = dict(pg_pp=(85, 95), pose2d=(85, 95), pg=(85, 95), sg=(65, 95), g=(100,))


@pytest.fixture(scope='session')
def recipe(repo):
    sys.path.insert(0, str(repo / 'tests' / 'data'))
    import iahm_recipe

    sys.path.pop(0)
    return iahm_recipe


@pytest.fixture(scope='session')
def golden(repo):
    return json.loads((repo / 'tests' / 'data' / 'cmr_golden.json').read_text())


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('mmhand'):
        yield


@pytest.fixture(scope='session')
def make_release(recipe, golden):
    """A converted network of a variant, with what it was made of."""

    def make(kind):
        state = authors_state(kind, recipe.fill)
        with DefaultScope.overwrite_default_scope('mmhand'):
            table = METHODS[f'cmr_{kind}'](state)
            model = MODELS.build(
                dict(
                    type='CMR',
                    variant=kind,
                    hand_model=dict(type='MANO', data=recipe.mano_arrays()),
                    hierarchy=str(CMR_TEMPLATE),
                )
            )
        model.load_state_dict(table.converted, strict=True)
        return SimpleNamespace(
            kind=kind, state=state, table=table, model=model.eval(), golden=golden[KINDS[kind][0]]
        )

    return make


@pytest.fixture
def make_state():
    """Zeros under the authors' names of a variant."""
    return lambda kind: authors_state(kind, lambda _, tensor: tensor)


def block(name, inputs, outputs, kernel=3, norm=True):
    yield f'{name}.conv.weight', (outputs, inputs, kernel, kernel)
    yield f'{name}.conv.bias', (outputs,)
    if norm:
        yield from batch_norm(f'{name}.norm', outputs)


def batch_norm(name, channels):
    for part in ('weight', 'bias', 'running_mean', 'running_var'):
        yield f'{name}.{part}', (channels,)
    yield f'{name}.num_batches_tracked', ()


def resnet18(name):
    inputs = 64
    for layer, width in enumerate((64, 128, 256, 512), start=1):
        for number in range(2):
            place = f'{name}.layer{layer}.{number}'
            for conv, source in ((1, inputs), (2, width)):
                yield f'{place}.conv{conv}.weight', (width, source, 3, 3)
                yield from batch_norm(f'{place}.bn{conv}', width)
            if inputs != width:
                yield f'{place}.downsample.0.weight', (width, inputs, 1, 1)
                yield from batch_norm(f'{place}.downsample.1', width)
            inputs = width


def decoder(name, suffix, maps):
    for step, (inputs, outputs) in enumerate(((768, 256), (384, 128), (192, 64), (64, 64))):
        yield from block(f'{name}_delayer{suffix}.{step}', inputs, outputs)
    yield from block(f'{name}_head{suffix}', 64, maps, norm=False)


def linear(name, inputs, outputs):
    yield f'{name}.weight', (outputs, inputs)
    yield f'{name}.bias', (outputs,)


def mesh_decoder(attention):
    if attention:
        yield 'attention.gamma', (1,)
        for name in ('query', 'key', 'value'):
            yield from linear(f'attention.{name}_conv', 1000, 1000)
    yield from linear('de_layers.0', 1000, 49 * 512)
    for step, (inputs, outputs) in enumerate(((512, 512), (515, 256), (259, 128), (131, 64))):
        place = f'de_layers.{step + 1}'
        yield from linear(f'{place}.conv_2d3.layer', 18 * inputs, outputs // 4)
        yield from linear(f'{place}.conv_d3.layer', 9 * inputs, outputs // 4)
        yield from linear(f'{place}.conv.layer', 27 * inputs, outputs // 2)
        yield from linear(f'{place}.conv1.layer', inputs, outputs)
        yield from linear(f'heads.{step}.layer', 27 * outputs, 3)


def authors_shapes(kind):
    names = (
        ('backbone', 'backbone_mesh') if kind == 'g' else ('backbone1', 'backbone2', 'backbone3')
    )
    yield f'{names[0]}.conv1.weight', (64, 3, 7, 7)
    yield from batch_norm(f'{names[0]}.bn1', 64)
    yield from resnet18(names[0])
    for name, inputs in zip(names[1:], INPUTS[kind], strict=True):
        yield from block(f'{name}.reduce.0', inputs, inputs)
        yield from block(f'{name}.reduce.1', inputs, 128)
        yield from block(f'{name}.reduce.2', 128, 64, kernel=1)
        yield from resnet18(name)
        yield from linear(f'{name}.fc', 512, 1000)
    for name, maps in KINDS[kind][1]:
        suffix = '2' if name == 'uv2' else ''
        yield from decoder(name.removesuffix('2'), suffix, maps)
    if kind != 'pose2d':
        yield from mesh_decoder(kind != 'g')


def authors_state(kind, fill):
    return {
        name: fill(
            name,
            torch.zeros(shape, dtype=torch.int64 if name.endswith('tracked') else torch.float32),
        )
        for name, shape in authors_shapes(kind)
    }

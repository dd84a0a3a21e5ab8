"""The checkpoint converter: accounting, errors, safety, and its command line."""

import os
import subprocess
import sys

import pytest
import torch

from mmhand.converters import METHODS, KeyTable, convert_file, merge_files
from mmhand.converters.mit import mix_transformer, segmentor
from mmhand.registry import MODELS
from mmhand.utils.checkpoint import load_checkpoint
from mmhand.utils.errors import (
    HandConfigError,
    HandDataError,
    HandFileError,
    UnsafeFileError,
)


def detnet_of(model, prefix='resnet.'):
    """An authors' state dict with the weights of our pose estimator."""
    names = {
        'backbone.stem.conv.': f'{prefix}conv1.',
        'backbone.stem.bn.': f'{prefix}bn1.',
        'backbone.squeeze.conv.': f'{prefix}squeeze.0.',
        'backbone.squeeze.bn.': f'{prefix}squeeze.1.',
        'backbone.pool.': f'{prefix}pool.0.',
        'backbone.': prefix,
        'head.heatmap.': 'hmap_0.',
        'head.delta.': 'dmap_0.',
        'head.location.': 'lmap_0.',
    }
    state = {}
    for key, value in model.state_dict().items():
        ours = next(name for name in names if key.startswith(name))
        theirs = names[ours] + key.removeprefix(ours)
        if 'map_0' in theirs:
            theirs = theirs.replace('project.conv.', 'project.0.').replace(
                'project.bn.', 'project.1.'
            )
        state[theirs.replace('downsample', 'shortcut')] = value
    return state


@pytest.fixture(scope='module')
def pose_estimator():
    torch.manual_seed(0)
    return MODELS.build(dict(type='SingleHandPoseEstimator'))


@pytest.mark.parametrize('prefix', ['resnet.', 'resnet50.'])
def test_detnet_round_trip(pose_estimator, tmp_path, prefix):
    source, target = tmp_path / 'a.pth', tmp_path / 'new' / 'b.pth'
    torch.save(detnet_of(pose_estimator, prefix), source)  # Minimal-Hand saves a bare state dict
    report = convert_file('hdr_shpe', source, target)
    assert len(report.renamed) == 288
    assert not report.dropped
    converted = load_checkpoint(target)
    assert converted['meta']['conversion']['method'] == 'hdr_shpe'
    pose_estimator.load_state_dict(converted['state_dict'])
    assert not list(tmp_path.glob('**/*.partial'))
    assert '288 keys converted' in report.table()
    assert 'conv1.weight' in report.table(every_key=True)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (
            lambda s: s.pop('resnet.bn1.weight'),
            r'does not fill 1 weights .*backbone\.stem\.bn\.weight',
        ),
        (lambda s: s.update({'iknet.0.weight': torch.zeros(1)}), r'1 keys .*"iknet\.0\.weight"'),
        (
            lambda s: s.update({'resnet.conv1.weight': torch.zeros(64, 3, 3, 3)}),
            r'"resnet\.conv1\.weight" has shape \(64, 3, 3, 3\).*\(64, 3, 7, 7\)',
        ),
        (
            lambda s: s.update({'resnet50.bn1.weight': torch.ones(64)}),
            r'two keys .*stem\.bn\.weight',
        ),
        (lambda s: s.clear(), 'is empty'),
        (lambda s: s.update(epoch='seven'), '"epoch" is where tensors should be'),
    ],
)
def test_files_of_other_networks_are_refused(pose_estimator, tmp_path, change, message):
    state = detnet_of(pose_estimator)
    change(state)
    source = tmp_path / 'a.pth'
    torch.save(dict(state_dict=state) if state else {}, source)
    with pytest.raises(HandDataError, match=message):
        convert_file('hdr_shpe', source, tmp_path / 'b.pth')
    assert [path.name for path in tmp_path.iterdir()] == ['a.pth']


def test_a_generator_whose_mask_kernels_are_not_ones_is_refused():
    state = {'enc_1.conv.mask_conv.weight': torch.full((1, 1, 3, 3), 0.5)}
    with pytest.raises(HandDataError, match='not all ones'):
        METHODS['hdr_hdrm'](state)


def test_unknown_method_missing_file_and_place_that_cannot_be_written(pose_estimator, tmp_path):
    with pytest.raises(HandConfigError, match='unknown method "hdr".*hdr_hasm'):
        convert_file('hdr', 'a.pth', 'b.pth')
    with pytest.raises(HandFileError, match=r'missing\.pth does not exist'):
        convert_file('hdr_shpe', tmp_path / 'missing.pth', tmp_path / 'b.pth')
    source = tmp_path / 'a.pth'
    torch.save(detnet_of(pose_estimator), source)
    with pytest.raises(HandFileError, match='cannot be written'):
        convert_file('hdr_shpe', source, source / 'b.pth')


class Planted:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_a_file_that_runs_code_is_refused_unread(pose_estimator, tmp_path):
    source, trap = tmp_path / 'a.pth', tmp_path / 'trap'
    torch.save(dict(state_dict=detnet_of(pose_estimator), step=Planted(trap)), source)
    with pytest.raises(UnsafeFileError, match='mkdir'):
        convert_file('hdr_shpe', source, tmp_path / 'b.pth')
    assert not trap.exists()
    convert_file('hdr_shpe', source, tmp_path / 'b.pth', trust=True)
    assert trap.exists()


def mit_author_state(backbone):
    """A SegFormer author's state dict with the weights of mmsegmentation's backbone."""
    state = {}
    for key, value in backbone.state_dict().items():
        stage, part, *rest = key.removeprefix('layers.').split('.')
        stage, tail = int(stage) + 1, '.'.join(rest)
        if part == '0':
            state[f'patch_embed{stage}.{tail.replace("projection", "proj")}'] = value
        elif part == '2':
            state[f'norm{stage}.{tail}'] = value
        elif 'in_proj' in tail:
            width = len(value) // 3
            prefix = f'block{stage}.{tail.split(".")[0]}.attn'
            kind = tail.rsplit('_', 1)[1]
            state[f'{prefix}.q.{kind}'], state[f'{prefix}.kv.{kind}'] = value.split(
                [width, 2 * width]
            )
        else:
            for old, new in (
                ('attn.attn.out_proj', 'attn.proj'),
                ('ffn.layers.0', 'mlp.fc1'),
                ('ffn.layers.1', 'mlp.dwconv.dwconv'),
                ('ffn.layers.4', 'mlp.fc2'),
            ):
                tail = tail.replace(old, new)
            linear = ('mlp.fc' in tail) and value.dim() == 4
            state[f'block{stage}.{tail}'] = value[..., 0, 0] if linear else value
    return state | {'head.weight': torch.zeros(2, 8), 'head.bias': torch.zeros(2)}


@pytest.mark.parametrize('layout', ['authors', 'mmseg', 'segmentor'])
def test_mix_transformers_of_any_size(tmp_path, layout):
    torch.manual_seed(0)
    config = dict(embed_dims=8, num_layers=[2, 1, 2, 1], num_heads=[1, 2, 5, 8])
    backbone = MODELS.build(dict(type='mmseg.MixVisionTransformer', **config))
    state = dict(
        authors=mit_author_state(backbone),
        mmseg=backbone.state_dict(),
        segmentor={f'backbone.{k}': v for k, v in backbone.state_dict().items()},
    )[layout]
    found = mix_transformer(state)
    assert {name: found[name] for name in config} == config
    torch.save(state, tmp_path / 'mit.pth')
    report = convert_file('mit', tmp_path / 'mit.pth', tmp_path / 'out.pth')
    assert len(report.dropped) == (2 if layout == 'authors' else 0)
    model = MODELS.build(segmentor(state))
    converted = load_checkpoint(tmp_path / 'out.pth')['state_dict']
    missing, unexpected = model.load_state_dict(converted, strict=False)
    assert not unexpected
    assert all(key.startswith('decode_head.') for key in missing)
    for key, value in backbone.state_dict().items():
        assert torch.equal(model.backbone.state_dict()[key], value), key
    again = MODELS.build(
        dict(
            segmentor(state)['backbone'],
            init_cfg=dict(
                type='Pretrained', checkpoint=str(tmp_path / 'out.pth'), prefix='backbone.'
            ),
        )
    )
    again.init_weights()
    for key, value in backbone.state_dict().items():
        assert torch.equal(again.state_dict()[key], value), key


def test_key_table_accounts_for_what_is_taken_together():
    state = {'module.q': torch.ones(1), 'module.kv': torch.zeros(2), 'module.x': torch.ones(1)}
    table = KeyTable(state, 'file')
    table.put('qkv', torch.cat([table.take('q'), table.take('kv')]))
    table.apply((), (('x', 'not needed'),))
    assert table.renamed == [('q', 'qkv'), ('kv', 'qkv')]
    assert table.dropped == [('x', 'not needed')]
    with pytest.raises(HandDataError, match='file lacks "y"'):
        table.take('y')


def test_merging_puts_parts_under_their_prefix(tmp_path):
    torch.save(dict(state_dict=dict(w=torch.ones(1))), tmp_path / 'a.pth')
    torch.save(dict(w=torch.zeros(1)), tmp_path / 'b=c.pth')
    sources = [f'head={tmp_path / "a.pth"}', str(tmp_path / 'b=c.pth')]
    assert merge_files(sources, tmp_path / 'd.pth') == {sources[0]: 1, sources[1]: 1}
    merged = load_checkpoint(tmp_path / 'd.pth')['state_dict']
    assert {key: value.item() for key, value in merged.items()} == {'head.w': 1, 'w': 0}
    with pytest.raises(HandDataError, match='fills "w"'):
        merge_files([sources[1]] * 2, tmp_path / 'e.pth')


def run(repo, *args):
    command = [sys.executable, f'{repo}/tools/model_converters/{args[0]}', *map(str, args[1:])]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_command_line(repo, pose_estimator, tmp_path):
    source, target = tmp_path / 'a.pth', tmp_path / 'b.pth'
    content = dict(step=3, state_dict=detnet_of(pose_estimator), log=Planted(tmp_path / 'trap'))
    torch.save(content, source)
    refused = run(repo, 'convert_checkpoint.py', 'hdr_shpe', source, target)
    assert refused.returncode == 2
    assert refused.stderr.startswith('error: ')
    assert refused.stderr.rstrip().endswith('add --trust')
    assert 'Traceback' not in refused.stderr
    assert not target.exists()
    done = run(repo, 'convert_checkpoint.py', 'hdr_shpe', source, target, '--trust')
    assert done.returncode == 0, done.stderr
    assert '288 keys converted' in done.stdout
    assert '2 dropped: not a weight' in done.stdout
    assert target.exists()


def test_every_method_says_what_it_is_for():
    assert {'hdr_hasm', 'hdr_hdrm', 'hdr_discriminator', 'hdr_shpe', 'mit'} <= set(METHODS)
    assert all(method.about for method in METHODS.values())

"""DSF's networks with made-up weights give the release's numbers, through the converters."""

import re

import numpy as np
import pytest
import torch

from mmhand.codecs import PixelOffset
from mmhand.converters import METHODS
from mmhand.models.dsf import ConsisCycleGAN, DualBranchNet
from mmhand.structures.joint_sets import convert_joints
from mmhand.utils.errors import HandConfigError, HandDataError

_GENERATOR = {'stem': 1, 'downs.0': 4, 'downs.1': 7, 'ups.0': 19, 'ups.1': 22, 'out': 26}


def released_names(net):
    """Names and tensors of our network as the release has them, in its order."""
    state = net.state_dict()
    order = [key for key in state if not key.startswith(('stages.1', 'fusion'))]
    order += [key for key in state if key.startswith('fusion')]
    order += [key for key in state if key.startswith('stages.1')]
    for key in order:
        tail = '_s2' if key.startswith('stages.1') else ''
        name = re.sub(r'^stages\.\d\.', '', key).replace('stem', 'pre')
        for ours, theirs in {
            **{f'layers.{i}.': f'layer{i + 1}{tail}.' for i in range(4)},
            **{f'deconvs.{i}.': f'deconv_layer{4 - i}{tail}.' for i in range(3)},
            'params.': f'mano_regress{tail}.2.',
            'maps.': f'finals{tail}.',
        }.items():
            name = theirs + name.removeprefix(ours) if name.startswith(ours) else name
        yield name, state[key]


def wave(entries):
    """State dict of sines; the place of an entry is its phase."""
    filled = {}
    for place, (name, tensor) in enumerate(entries):
        index = torch.arange(tensor.numel(), dtype=torch.float64)
        value = torch.zeros(tensor.shape, dtype=tensor.dtype)
        if name.endswith('running_var') or (tensor.ndim == 1 and name.endswith('weight')):
            value = torch.ones(tensor.shape, dtype=torch.float64)
        elif tensor.ndim == 1 and name.endswith('bias'):
            value = 0.01 * (0.7 * index + 0.13 * place).sin()
        elif tensor.ndim > 1:
            value = (0.7 * index + 0.13 * place).sin().view(tensor.shape)
            value = value / (tensor.numel() / len(tensor)) ** 0.5
        filled[name] = value
    return filled


@pytest.fixture(scope='module')
def released():
    return wave(released_names(DualBranchNet()))


def test_the_release_has_these_weights(released):
    assert len(released) == 295
    for name, shape in {
        'pre.0.weight': (64, 1, 5, 5),
        'layer1_s2.0.downsample.0.weight': (64, 256, 1, 1),
        'mano_regress_s2.2.weight': (62, 512),
        'deconv_layer4.0.weight': (512, 256, 4, 4),
        'finals_s2.1.bias': (21,),
        'fusion.0.weight': (256, 488, 3, 3),
    }.items():
        assert released[name].shape == shape


@pytest.mark.parametrize(
    ('depth', 'stages', 'tensors', 'parameters'),
    [(18, 2, 295, 32086372), (18, 1, 144, 15417938), (50, 2, 679, 69391076)],
)
def test_sizes(depth, stages, tensors, parameters):
    with torch.device('meta'):
        net = DualBranchNet(depth, stages)
    assert len(net.state_dict()) == tensors
    assert sum(p.numel() for p in net.parameters()) == parameters


def test_both_stages_of_converted_weights(released, disc, spiral):
    table = METHODS['dsf'](released)
    assert len(table.converted) == 295
    assert not table.dropped
    net = DualBranchNet().double().eval()
    net.load_state_dict({key.removeprefix('network.'): v for key, v in table.converted.items()})
    codec, joints = PixelOffset(), convert_joints(spiral, 'dsf21', 'canonical')
    with torch.no_grad():
        (maps1, mpe1), (maps2, mpe2) = net(disc, lambda mpe: codec.encode(joints, disc))
    close = np.testing.assert_allclose
    close(maps1.mean(), 1.3408989e-4, atol=1e-10)
    close(maps1.abs().mean(), 0.0245929395, atol=1e-9)
    close([maps1[0, 0, 32, 32], maps1[1, 83, 20, 40]], [0.0283724412, -0.0260061869], atol=1e-9)
    close(mpe1[0, :4], [-32.38008711, -43.06615595, -50.88914341, -55.32812939], atol=1e-7)
    close(maps2.abs().mean(), 0.0246064630, atol=1e-9)
    close(maps2[0, 0, 32, 32], 0.0376677187, atol=1e-9)
    close(mpe2[0, :4], [45.13785820, 54.18323457, 59.63384304, 61.12688956], atol=1e-7)
    read = convert_joints(codec.decode(maps2, disc), 'canonical', 'dsf21')
    close(read[0, 0], [0.0218588853, -0.0046752034, 0.4562625704], atol=1e-9)
    close(read[1, 20], [-0.0066939748, -0.0019777920, 0.8423662403], atol=1e-9)


def test_one_stage_converts(released):
    one = {key: v for key, v in released.items() if '_s2' not in key and 'fusion' not in key}
    assert len(METHODS['dsf'](one).converted) == 144


def test_a_checkpoint_with_holes_is_refused(released):
    with pytest.raises(HandDataError, match='does not fill'):
        METHODS['dsf']({k: v for k, v in released.items() if k != 'finals.0.bias'})
    with pytest.raises(HandDataError, match='does not know'):
        METHODS['dsf']({**released, 'extra.weight': torch.zeros(1)})
    with pytest.raises(HandDataError, match='no depth of DSF'):
        METHODS['dsf']({'pre.0.weight': torch.zeros(1)})


def test_translation_of_converted_weights(disc):
    gan = ConsisCycleGAN().double().eval()
    entries = []
    for key, value in gan.generator.state_dict().items():
        block = re.fullmatch(r'blocks\.(\d)\.conv(\d)\.(.*)', key)
        layer, kind = key.rsplit('.', 1)
        name = (
            f'model.{10 + int(block[1])}.conv_block.{4 * int(block[2]) - 3}.{block[3]}'
            if block
            else f'model.{_GENERATOR[layer]}.{kind}'
        )
        entries.append((name, value))
    assert len(entries) == 48
    gan.load_state_dict(METHODS['dsf_cyclegan'](wave(entries)).converted)
    with torch.no_grad():
        image = gan(disc)['image']
    np.testing.assert_allclose(image.abs().mean(), 0.0263857361, atol=1e-9)
    np.testing.assert_allclose(image[0, 0, 64, 64], -0.0030527110, atol=1e-9)


def test_wrong_options_are_refused():
    with pytest.raises(HandConfigError, match='depth is 152'):
        DualBranchNet(152)
    with pytest.raises(HandConfigError, match='num_stages is 3'):
        DualBranchNet(18, 3)


def test_a_wider_first_step_makes_smaller_maps():
    net = DualBranchNet(width=4, channels=8, stem_stride=2)
    maps = torch.zeros(1, 84, 32, 32)
    with torch.no_grad():
        stages = net(torch.zeros(1, 1, 128, 128), lambda mpe: maps)
    assert [said.shape for said, _ in stages] == [(1, 84, 32, 32)] * 2
    wider = DualBranchNet(width=4, channels=8).state_dict()
    assert {key: value.shape for key, value in net.state_dict().items()} == {
        key: value.shape for key, value in wider.items()
    }

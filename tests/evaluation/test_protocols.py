"""The presets."""

import dataclasses

import numpy as np
import pytest

from mmhand.evaluation import Protocol, get_protocol, protocol_names, register_protocol
from mmhand.hand_models.mano import TIP_PRESETS
from mmhand.utils.errors import HandConfigError


@pytest.mark.parametrize('name', protocol_names())
def test_every_preset_is_complete(name):
    protocol = get_protocol(name)
    assert protocol.name == name
    assert len(protocol.source) > 20
    assert protocol.tip_preset in TIP_PRESETS
    assert '' in protocol.alignments
    for alignment in protocol.alignments.values():
        alignment.root_index()
        alignment.bone_indices()


def test_what_the_papers_differ_in():
    """Roots, scales and mirrors, as the evaluators have them."""
    roots = {name: get_protocol(name).alignments[''].root for name in protocol_names()}
    assert roots['internet'] == roots['hdr'] == roots['dexycb_handoccnet'] == 'wrist'
    assert roots['twohand'] == 'middle1'
    assert roots['ho3d_v2'] is roots['freihand'] is roots['dexycb_toolkit'] is None
    scaled = [n for n in protocol_names() if get_protocol(n).alignments[''].bone]
    assert scaled == ['hdr', 'intaghand', 'rhd', 'stb', 'twohand']
    mirrored = {
        n: get_protocol(n).alignments['PA'].reflection
        for n in protocol_names()
        if 'PA' in get_protocol(n).alignments
    }
    assert mirrored.pop('dexycb_handoccnet') is False
    assert set(mirrored.values()) == {True}
    assert get_protocol('mmpose').average == 'micro'
    np.testing.assert_allclose(get_protocol('ho3d_v3').thresholds(), np.linspace(0, 50, 100))
    assert len(get_protocol('twohand').thresholds()) == 200


def test_lookup():
    changed = get_protocol('internet', name='mine', average='sample')
    assert (changed.name, changed.average) == ('mine', 'sample')
    assert get_protocol(changed) is not None
    with pytest.raises(HandConfigError, match='unknown evaluation protocol "ho3d"; known: dexycb'):
        get_protocol('ho3d')
    with pytest.raises(HandConfigError, match='average_over'):
        get_protocol('internet', average_over='joints')
    with pytest.raises(HandConfigError, match='exists already'):
        register_protocol(Protocol('internet', 'again'))
    with pytest.raises(dataclasses.FrozenInstanceError):
        changed.average = 'micro'

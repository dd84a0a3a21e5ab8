"""A scene's hands carry their model: nothing on the way to a record looks it up again."""

import pickle

import pytest

from mmhand.synthesis import scene_hands as room
from mmhand.synthesis.config import SynthesisConfig
from mmhand.synthesis.generate import get_writer
from mmhand.utils.errors import HandConfigError


@pytest.mark.parametrize('layout', ['interhand', 'dexycb', 'ho3d', 'nyu'])
def test_a_walk_asks_for_the_hand_model_once(tmp_path, monkeypatch, layout):
    kind = get_writer(layout)
    small = {} if layout == 'nyu' else dict(image_size=(96, 64), views=1)
    config = kind.make_config(occluder_prob=0.0, **small)
    asked, real = [], room.scene_hands

    def counted(name):
        asked.append(name)
        return real(name)

    for module in ('config', 'depth_scene'):
        monkeypatch.setattr(f'mmhand.synthesis.{module}.scene_hands', counted)
    writer = kind(tmp_path, config, 0)
    split = next(iter(kind.splits))
    for index in range(2):
        sample = writer.render(split, index)
        writer.write_sample(split, sample)
        for hand in getattr(sample, 'hands', ()):
            assert hand.model is config.models[hand.side == 'left']
    assert asked == ['OpenHand']


def test_unknown_models_are_named():
    with pytest.raises(HandConfigError, match='use OpenHand'):
        room.scene_hands('MANO')
    assert room.scene_hands('OpenHand') is room.scene_hands('OpenHand')


def test_configs_stay_plain():
    config = SynthesisConfig()
    assert config.models[0].side == 'right'
    assert 'models' not in config.to_dict()
    assert config == SynthesisConfig()
    assert pickle.loads(pickle.dumps(config)).models.num_verts == config.models.num_verts

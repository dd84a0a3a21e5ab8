"""Right and left hand of one config."""

import pytest
from torch import nn

from mmhand.hand_models.hand_pair import build_hand_pair
from mmhand.registry import MODELS
from mmhand.utils.errors import HandConfigError


def test_a_pair_is_right_then_left():
    for config in (None, 'OpenHand', dict(type='OpenHand', side='left')):
        assert [model.side for model in build_hand_pair(config)] == ['right', 'left']


def test_what_is_no_hand_is_refused():
    @MODELS.register_module(name='NoHand', force=True)
    class NoHand(nn.Module):
        def __init__(self, side):
            super().__init__()

    with pytest.raises(HandConfigError, match='builds no hand model'):
        build_hand_pair('NoHand')

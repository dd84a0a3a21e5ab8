"""Convolutions in the memory layout that processors like best."""

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmhand.registry import HOOKS


@HOOKS.register_module()
class ChannelsLastHook(Hook):
    """Store convolution weights channels-last for training, and with them all maps behind them.

    Numbers stay the same up to rounding. What it saves depends on network and processor.
    """

    priority = 'VERY_HIGH'

    def before_train(self, runner: Runner) -> None:
        """Change the layout."""
        runner.model.to(memory_format=torch.channels_last)

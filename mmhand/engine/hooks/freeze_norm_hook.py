"""Training with fixed batch statistics."""

from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmhand.registry import HOOKS


@HOOKS.register_module()
class FreezeNormHook(Hook):
    """Keep batch normalisation layers in evaluation mode while the model trains.

    Their running mean and variance stay what they were and are used for normalising, so a sample's
    output does not depend on its batch: training over two processes then equals training in one
    over the same total batch. Fine-tuning with small batches wants the same. Weight and bias of
    the layers are trained on.

    Args:
        prefix: only layers whose dotted name starts so, e.g. ``'backbone.'``; all by default.
    """

    priority = 'VERY_HIGH'

    def __init__(self, prefix: str = '') -> None:
        self.prefix = prefix
        self._layers: list[nn.Module] = []

    def before_train(self, runner: Runner) -> None:
        """Find the layers."""
        self._layers = [
            module
            for name, module in runner.model.named_modules()
            if isinstance(module, _BatchNorm)
            and name.removeprefix('module.').startswith(self.prefix)
        ]
        runner.logger.info(f'{len(self._layers)} batch normalisation layers are frozen')

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Undo ``model.train()``, which the loop calls after every start of an epoch."""
        for layer in self._layers:
            layer.eval()

"""Training with parts that do not learn."""

import warnings
from collections.abc import Sequence

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmhand.registry import HOOKS
from mmhand.utils.freezing import freeze, hold, named_parts, norm_layers


@HOOKS.register_module()
class FreezeHook(Hook):
    """Keep parts of a network as they are while the rest of it trains.

    With ``weights=False`` only their batch normalisation is held: running mean and variance stay what
    they were and are used for normalising, so a sample's output does not depend on its batch, and
    training over two processes equals training in one over the same total batch; weights and biases,
    those of these layers too, are trained on. Fine-tuning with small batches wants the same.

    In several processes frozen weights need ``find_unused_parameters=True`` in the config.

    Args:
        parts: dotted names of parts of the model, e.g. ``['backbone']``; an empty name is all of it.
        norm: of the parts' batch normalisation: ``'eval'`` keeps the statistics (and dropout off, where
            the weights are frozen), ``'train'`` uses and moves them.
        weights: whether the weights are frozen.

    Raises:
        HandConfigError: unknown ``norm``; when training starts: the model has no such part.
    """

    priority = 'VERY_HIGH'

    def __init__(
        self, parts: Sequence[str] = ('',), norm: str = 'eval', weights: bool = True
    ) -> None:
        self.parts = (parts,) if isinstance(parts, str) else tuple(parts)
        self.norm = norm
        self.weights = weights

    def before_train(self, runner: Runner) -> None:
        """Freeze, and say so."""
        model = _bare(runner)
        if self.weights:
            freeze(model, self.parts)
        hold(model, (), self.norm)
        count = len(norm_layers(named_parts(model, self.parts)))
        what = ', '.join(part or 'all' for part in self.parts)
        runner.logger.info(
            f'frozen: {what}; {"weights; " if self.weights else ""}{count} batch normalisation layers '
            f'in {self.norm} mode'
        )

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Undo ``model.train()``, which the loop calls after every start of an epoch."""
        model = _bare(runner)
        if self.weights:
            hold(model, self.parts, self.norm)
        elif self.norm == 'eval':
            for layer in norm_layers(named_parts(model, self.parts)):
                layer.eval()


@HOOKS.register_module()
class FreezeNormHook(FreezeHook):
    """Former name of ``FreezeHook(parts=[prefix], norm='eval', weights=False)``.

    Args:
        prefix: dotted name of the part; all by default.
    """

    def __init__(self, prefix: str = '') -> None:
        warnings.warn(
            f"FreezeNormHook is now FreezeHook(parts=['{prefix}'], norm='eval', weights=False)",
            DeprecationWarning,
            stacklevel=2,
        )
        super().__init__([prefix.removesuffix('.')], 'eval', weights=False)


def _bare(runner: Runner) -> object:
    return runner.model.module if is_model_wrapper(runner.model) else runner.model

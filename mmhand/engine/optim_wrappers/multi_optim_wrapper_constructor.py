"""One optimiser per part of a model."""

from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapperDict, build_optim_wrapper
from torch import nn

from mmhand.registry import OPTIM_WRAPPER_CONSTRUCTORS
from mmhand.utils.errors import HandConfigError


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class MultiOptimWrapperConstructor:
    """Build an optimiser wrapper for each named part of the model, for adversarial training.

    Example::

        optim_wrapper = dict(
            constructor='MultiOptimWrapperConstructor',
            generator=dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=8e-4)),
            discriminator=dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=8e-5)),
        )

    Args:
        optim_wrapper_cfg: part of the model -> config of its optimiser wrapper, each with its own
            ``constructor`` and ``paramwise_cfg`` if need be.
        paramwise_cfg: not supported here; give it to the parts.

    Raises:
        HandConfigError: ``paramwise_cfg`` is given.
    """

    def __init__(self, optim_wrapper_cfg: dict, paramwise_cfg: dict | None = None) -> None:
        if paramwise_cfg is not None:
            raise HandConfigError('give paramwise_cfg to each optimiser, not beside them')
        self.configs = {k: v for k, v in optim_wrapper_cfg.items() if isinstance(v, dict)}

    def __call__(self, model: nn.Module) -> OptimWrapperDict:
        """Optimisers of the model's parts.

        Args:
            model: the model, bare or in a distributed wrapper.

        Raises:
            HandConfigError: the model has no such part.
        """
        model = model.module if is_model_wrapper(model) else model
        wrappers = {}
        for name, config in self.configs.items():
            part = getattr(model, name, None)
            if part is None:
                raise HandConfigError(f'{type(model).__name__} has no "{name}" to optimise')
            wrappers[name] = build_optim_wrapper(part, config)
        return OptimWrapperDict(**wrappers)

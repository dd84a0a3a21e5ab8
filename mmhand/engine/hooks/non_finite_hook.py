"""Training that does not go on blind."""

from collections.abc import Sequence

import torch
from mmengine.dist import all_reduce, get_world_size
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.runner import Runner
from torch import Tensor

from mmhand.registry import HOOKS
from mmhand.utils.errors import HandConfigError, HandDataError

_ADVICE = 'default_hooks.finite.action="skip" leaves single steps out'


@HOOKS.register_module()
class NonFiniteHook(Hook):
    """Stop, or skip the step, where an input, a loss or a gradient is not finite.

    Weights that have seen one such step are lost, and so is every hour after it. All processes decide
    alike. Gradients that an automatic loss scaler (``AmpOptimWrapper``) finds too large are its own
    affair: it skips the step and lowers its scale.

    Args:
        action: ``'stop'`` ends the run with a line that names iteration and samples; ``'skip'`` leaves
            the step out and logs the same line.
        max_skipped: with ``'skip'``, more skipped steps than this in a row end the run.
        gradients: also look at gradients; costs one norm a parameter and step.

    Raises:
        HandConfigError: unknown action.
    """

    priority = 'VERY_HIGH'

    def __init__(self, action: str = 'stop', max_skipped: int = 20, gradients: bool = True) -> None:
        if action not in ('stop', 'skip'):
            raise HandConfigError(f'NonFiniteHook: action is "{action}", not stop or skip')
        self.action, self.max_skipped, self.gradients = action, max_skipped, gradients
        self.skipped = self.in_row = 0
        self._runner: Runner | None = None
        self._batch: object = None
        self._left_out = False
        self._bad_inputs: list[int] = []

    def before_train(self, runner: Runner) -> None:
        """Stand between the losses and the optimisers."""
        self._runner = runner
        wrapper = runner.optim_wrapper
        wrappers = wrapper.values() if isinstance(wrapper, OptimWrapperDict) else [wrapper]
        for part in wrappers:
            self._watch(part)

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Look at the inputs, and remember whose they are."""
        self._batch, self._left_out = data_batch, False
        self._bad_inputs = _not_finite_samples(data_batch)
        if self._bad_inputs and self.action == 'stop':
            raise HandDataError(f'an input is not finite ({self._where()}): {_ADVICE}')

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Count steps that went well."""
        if not self._left_out:
            self.in_row = 0

    def _watch(self, wrapper: OptimWrapper) -> None:
        backward, step = wrapper.backward, wrapper.step

        def guarded_backward(loss: Tensor, **kwargs: object) -> None:
            # Told here and not before the forward pass, into which other processes are on their way.
            flag = ~loss.detach().isfinite().all() | bool(self._bad_inputs)
            if self._bad(flag, 'an input' if self._bad_inputs else 'the loss'):
                return
            backward(loss, **kwargs)

        def guarded_step(**kwargs: object) -> None:
            if self._left_out:
                # Gradients of an accumulation that this loss was part of are gone too.
                wrapper.zero_grad()
                return
            scales = hasattr(wrapper, 'loss_scaler') and wrapper.loss_scaler.is_enabled()
            if self.gradients and not scales and self._bad(_bad_gradient(wrapper), 'a gradient'):
                wrapper.zero_grad()
                return
            step(**kwargs)

        # Schedulers look for this mark of theirs on the step that they count; it is counted inside.
        guarded_step._with_counter = True
        wrapper.backward, wrapper.step = guarded_backward, guarded_step

    def _bad(self, flag: Tensor, what: str) -> bool:
        """Whether the step is left out, the same in all processes."""
        flag = flag.float().reshape(1)
        if get_world_size() > 1:
            all_reduce(flag, 'max')
        if not bool(flag):
            return False
        self.skipped += 1
        self.in_row += 1
        self._left_out = True
        text = f'{what} is not finite ({self._where()})'
        if self.action == 'stop' or self.in_row > self.max_skipped:
            advice = 'lower the learning rate or mend the data'
            if self.action == 'skip':
                advice = f'the {self.in_row}th step in a row; {advice}'
            raise HandDataError(f'{text}: {advice}; {_ADVICE}')
        self._runner.logger.warning(f'{text}: step left out, {self.skipped} so far')
        return True

    def _where(self) -> str:
        names = [
            str(sample.get('sample_id', sample.get('img_path', '?')))
            for sample in _samples(self._batch)
        ]
        names = [names[i] for i in self._bad_inputs if i < len(names)] or names
        more = f' and {len(names) - 4} more' if len(names) > 4 else ''
        return f'iteration {self._runner.iter + 1}, samples {", ".join(names[:4]) or "?"}{more}'


def _bad_gradient(wrapper: OptimWrapper) -> Tensor:
    gradients = [
        parameter.grad
        for group in wrapper.optimizer.param_groups
        for parameter in group['params']
        if parameter.grad is not None
    ]
    if not gradients:
        return torch.zeros(1)
    return ~torch.stack(torch._foreach_norm(gradients)).isfinite().all()


def _samples(batch: object) -> Sequence:
    found = batch.get('data_samples') if isinstance(batch, dict) else None
    return found if isinstance(found, list | tuple) else ()


def _not_finite_samples(batch: object) -> list[int]:
    """Numbers of the samples of a batch with an input that is not finite; bytes cannot be wrong."""
    inputs = batch.get('inputs') if isinstance(batch, dict) else None
    found: set[int] = set()
    for value in inputs.values() if isinstance(inputs, dict) else (inputs,):
        # One tensor a sample, or one for all with the samples along its first axis.
        rows = value if isinstance(value, list | tuple | Tensor) else ()
        if isinstance(rows, Tensor) and (not rows.dim() or not rows.is_floating_point()):
            continue
        if isinstance(rows, Tensor):
            bad = ~rows.flatten(1).isfinite().all(1) if rows.dim() > 1 else ~rows.isfinite()
            found |= set(bad.nonzero().flatten().tolist())
            continue
        for index, row in enumerate(rows):
            if isinstance(row, Tensor) and row.is_floating_point() and not row.isfinite().all():
                found.add(index)
    return sorted(found)

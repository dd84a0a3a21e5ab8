"""Translation of rendered depth to what a sensor sees, learned without pairs."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack

import torch
import torch.nn.functional as F
from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapperDict
from mmengine.structures import PixelData
from torch import Tensor, nn

from mmhand.models.estimators import BaseHandEstimator
from mmhand.models.losses.dsf_terms import foreground
from mmhand.registry import MODELS
from mmhand.structures import HandDataSample
from mmhand.utils.errors import HandConfigError, HandDataError

from .fake_pool import FakePool

_GENERATORS = ('generator', 'backward_generator')
_DISCRIMINATORS = ('discriminator_a', 'discriminator_b')


@MODELS.register_module()
class ConsisCycleGAN(BaseHandEstimator):
    """CycleGAN between rendered (A) and sensor depth crops (B) that must not move the hand.

    The release has the generator A to B; how it was trained is not published. Here it is CycleGAN as it
    stands (least squares, cycle 10, identity 5, a pool of fifty past fakes) and, inferred from the
    release's diagnostics and file names, an L1 consistency between a crop and its translation where both
    show foreground, in both directions. See docs/en/methods/dsf.md#translation.

    Without ``backward_generator`` it only translates. Training has an optimiser for each network,
    ``optim_wrapper=dict(constructor='MultiOptimWrapperConstructor', generator=...,
    backward_generator=..., discriminator_a=..., discriminator_b=...)``, and on several GPUs
    ``model_wrapper_cfg=dict(type='MMSeparateDistributedDataParallel')``. It takes
    ``dict(synthetic=dict(image=...), real=...)`` of :class:`DSFDataPreprocessor`; ``predict`` and
    ``tensor`` take crops of A.

    Args:
        generator: config of A to B.
        backward_generator: config of B to A, or ``None``.
        discriminator: config of the two discriminators.
        adversarial, cycle, consistency, identity: weights of the losses; 0 leaves one out.
        pool_size: past fakes of each direction; a discriminator sees one of them half of the time.
        data_preprocessor: config.
        init_cfg: mmengine initialisation.
    """

    takes_pictures = False
    inputs_are = 'crops of depth maps'

    def __init__(
        self,
        generator: dict | None = None,
        backward_generator: dict | None = None,
        discriminator: dict | None = None,
        adversarial: float = 1.0,
        cycle: float = 10.0,
        consistency: float = 10.0,
        identity: float = 5.0,
        pool_size: int = 50,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(
            data_preprocessor or dict(type='mmhand.DSFDataPreprocessor'), init_cfg=init_cfg
        )
        self.generator = MODELS.build(generator or dict(type='ResNetGenerator'))
        self.backward_generator = None
        if backward_generator is not None:
            self.backward_generator = MODELS.build(backward_generator)
            judge = discriminator or dict(type='PatchDiscriminator')
            self.discriminator_a = MODELS.build(judge)
            self.discriminator_b = MODELS.build(judge)
            self.pool_a, self.pool_b = FakePool(pool_size), FakePool(pool_size)
        self.weights = dict(
            adversarial=adversarial, cycle=cycle, consistency=consistency, identity=identity
        )

    def tensor(
        self, inputs: Tensor, data_samples: Sequence[HandDataSample] | None = None
    ) -> dict[str, Tensor]:
        """``image`` (B, 1, S, S): rendered crops as a sensor would see them."""
        return {'image': self.generator(inputs)}

    def predict(
        self, inputs: Tensor, data_samples: Sequence[HandDataSample]
    ) -> list[HandDataSample]:
        """Fill ``pred_fields`` with ``image`` (1, S, S)."""
        images = self.generator(inputs).detach().cpu()
        for image, sample in zip(images, data_samples, strict=True):
            sample.pred_fields = PixelData(image=image)
        return list(data_samples)

    def forward(
        self,
        inputs: Tensor | Mapping,
        data_samples: Sequence[HandDataSample] | None = None,
        mode: str = 'tensor',
    ) -> dict[str, Tensor] | list[HandDataSample]:
        """Run one mode; ``loss`` takes both streams."""
        if isinstance(inputs, Mapping):
            if mode == 'loss':
                return self.loss(inputs, data_samples or [])
            inputs = inputs['synthetic']['image']
        return super().forward(inputs, data_samples, mode)

    def loss(self, inputs: Mapping, data_samples: Sequence[HandDataSample]) -> dict[str, Tensor]:
        """Losses of generators and discriminators.

        Raises:
            HandDataError: only one stream.
        """
        a, b = self._streams(inputs)
        losses, fake_a, fake_b = self._generator_losses(a, b)
        return {**losses, **self._discriminator_losses(a, b, fake_a, fake_b)}

    def _streams(self, inputs: Mapping) -> tuple[Tensor, Tensor]:
        if self.backward_generator is None:
            raise HandConfigError('training a translation takes a backward_generator')
        if not isinstance(inputs, Mapping) or not {'synthetic', 'real'} <= set(inputs):
            raise HandDataError(
                'training a translation takes rendered and real crops in one batch: use the two-stream '
                'loop'
            )
        return inputs['synthetic']['image'], inputs['real']

    def _generator_losses(self, a: Tensor, b: Tensor) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        fake_b, fake_a = self.generator(a), self.backward_generator(b)
        losses = {}
        with ExitStack() as stack:
            # Bare and frozen: they get no gradient here, which a distributed wrapper would wait for.
            judges = [_frozen(getattr(self, name), stack) for name in _DISCRIMINATORS]
            scores = [judge(fake) for judge, fake in zip(judges, (fake_a, fake_b), strict=True)]
            losses['adversarial'] = sum(_least_squares(score, 1.0) for score in scores)
        losses['cycle'] = F.l1_loss(self.backward_generator(fake_b), a)
        losses['cycle'] = losses['cycle'] + F.l1_loss(self.generator(fake_a), b)
        losses['consistency'] = consistency(fake_b, a) + consistency(fake_a, b)
        if self.weights['identity']:
            losses['identity'] = F.l1_loss(self.generator(b), b)
            losses['identity'] = losses['identity'] + F.l1_loss(self.backward_generator(a), a)
        weighted = {f'loss_{name}': self.weights[name] * value for name, value in losses.items()}
        return weighted, fake_a.detach(), fake_b.detach()

    def _discriminator_losses(
        self, a: Tensor, b: Tensor, fake_a: Tensor, fake_b: Tensor
    ) -> dict[str, Tensor]:
        losses = {}
        for name, real, fake in (('a', a, fake_a), ('b', b, fake_b)):
            judge = getattr(self, f'discriminator_{name}')
            fake = getattr(self, f'pool_{name}')(fake)
            mistakes = _least_squares(judge(real), 1.0) + _least_squares(judge(fake), 0.0)
            losses[f'loss_discriminator_{name}'] = 0.5 * mistakes
        return losses

    def train_step(self, data: dict, optim_wrapper: OptimWrapperDict) -> dict[str, Tensor]:
        """One step of the generators, then one of the discriminators on fakes of before it.

        Args:
            data: batch of both streams.
            optim_wrapper: an optimiser for each network, which steps at every batch.

        Returns:
            Values to log; ``loss`` is the generators' total.

        Raises:
            HandConfigError: the optimisers do not fit the model.
        """
        names = (*_GENERATORS, *_DISCRIMINATORS)
        if not isinstance(optim_wrapper, OptimWrapperDict) or set(optim_wrapper.keys()) != set(
            names
        ):
            raise HandConfigError(
                'ConsisCycleGAN takes optim_wrapper=dict(constructor="MultiOptimWrapperConstructor", '
                f'{", ".join(f"{name}=..." for name in names)})'
            )
        a, b = self._streams(self.data_preprocessor(data, True)['inputs'])
        make, judge = (
            [optim_wrapper[name] for name in group] for group in (_GENERATORS, _DISCRIMINATORS)
        )
        with make[0].optim_context(self):
            losses, fake_a, fake_b = self._generator_losses(a, b)
        total, logs = self.parse_losses(losses)
        _step(total, make)
        with judge[0].optim_context(self):
            losses = self._discriminator_losses(a, b, fake_a, fake_b)
        total, judged = self.parse_losses(losses)
        _step(total, judge)
        return {**logs, **{key: value for key, value in judged.items() if key != 'loss'}}


def consistency(translated: Tensor, image: Tensor) -> Tensor:
    """How much a translation moves the surface: mean |G(x) - x| where both show foreground.

    Args:
        translated: (B, 1, S, S), with gradients.
        image: (B, 1, S, S).
    """
    ours, theirs = foreground(translated.detach(), image)
    both = (ours & theirs).to(image.dtype)
    difference = ((translated - image).abs() * both).sum((1, 2, 3))
    return (difference / (both.sum((1, 2, 3)) + 1e-8)).mean()


def _least_squares(scores: Tensor, target: float) -> Tensor:
    return F.mse_loss(scores.float(), torch.full_like(scores, target, dtype=torch.float32))


def _frozen(module: nn.Module, stack: ExitStack) -> nn.Module:
    """The bare module, whose parameters ask for no gradient until the stack is left."""
    module = module.module if is_model_wrapper(module) else module
    for parameter in module.parameters():
        stack.callback(parameter.requires_grad_, parameter.requires_grad)
        parameter.requires_grad_(False)
    return module


def _step(total: Tensor, wrappers: Sequence) -> None:
    """One backward pass, then a step of each optimiser."""
    wrappers[0].backward(total)
    for wrapper in wrappers:
        wrapper.step()
        wrapper.zero_grad()

"""HDRM: imagine what is hidden of a hand and take the other hand away."""

from collections.abc import Sequence
from contextlib import ExitStack

import torch
from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.structures import PixelData
from torch import Tensor, nn

from mmhand.models.estimators.base_hand_estimator import BaseHandEstimator
from mmhand.registry import MODELS
from mmhand.structures import HandDataSample
from mmhand.utils.errors import HandConfigError, HandDataError

from .deocclusion import composite, split_inputs

#: Default of an argument whose ``None`` means "leave it out".
_RELEASED = dict()


@MODELS.register_module()
class HandDeocclusionRemover(BaseHandEstimator):
    """HDR's hand de-occlusion and removal module (ECCV 2022).

    Source: methods/hdr.md#holes-guides-and-composites.

    Inputs are ``image`` (B, 8, H, W) ``[I_D, g_D, I_R, g_R]``, ``mask`` (B, 8, H, W) and, for the
    losses, ``target`` (B, 3, H, W), as :class:`DeocclusionDataPreprocessor` makes them; the hand is
    a right one or mirrored to be one.

    With a discriminator, training takes two optimisers,
    ``optim_wrapper=dict(constructor='MultiOptimWrapperConstructor', generator=..., discriminator=...)``,
    and on several GPUs ``model_wrapper_cfg=dict(type='MMSeparateDistributedDataParallel')``, which
    averages the gradients of each.

    Args:
        generator: config of the generator.
        discriminator: config of the discriminator; ``None`` trains without one.
        inpainting_loss: config of the losses on the picture.
        adversarial_loss: config of the adversarial losses.
        dilation: side of the ellipse by which holes grow before the picture is pasted.
        data_preprocessor: config of the data preprocessor.
        init_cfg: mmengine initialisation config.
    """

    takes_pictures = False
    inputs_are = 'crops with the masks of both hands (HDR makes them)'

    def __init__(
        self,
        generator: dict | None = None,
        discriminator: dict | None = _RELEASED,
        inpainting_loss: dict | None = None,
        adversarial_loss: dict | None = None,
        dilation: int = 9,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(
            data_preprocessor or dict(type='mmhand.DeocclusionDataPreprocessor'), init_cfg=init_cfg
        )
        self.generator = MODELS.build(generator or dict(type='PConvUNet'))
        self.discriminator = None
        if discriminator is not None:
            self.discriminator = MODELS.build(discriminator or dict(type='SNPatchDiscriminator'))
        self.inpainting_loss = MODELS.build(inpainting_loss or dict(type='InpaintingLoss'))
        self.adversarial_loss = MODELS.build(adversarial_loss or dict(type='AdversarialLoss'))
        self.dilation = dilation

    def tensor(
        self, inputs: dict[str, Tensor], data_samples: Sequence[HandDataSample] | None = None
    ) -> dict[str, Tensor]:
        """``image`` (B, 3, H, W), the generator's normalised RGB, and ``composite``, the input with
        that pasted into the dilated holes.
        """
        known = inputs['mask'].to(inputs['image'])
        image = self.generator(inputs['image'], known)
        erased, masks = split_inputs(inputs['image'], known)
        return dict(image=image, composite=composite(erased, masks, image, self.dilation))

    def predict(
        self, inputs: dict[str, Tensor], data_samples: Sequence[HandDataSample]
    ) -> list[HandDataSample]:
        """Fill ``pred_fields`` with ``image`` and ``composite`` (3, H, W), normalised RGB, and
        ``deocclude`` and ``remove`` (1, H, W), the holes.
        """
        fields = self.tensor(inputs)
        _, masks = split_inputs(inputs['image'], inputs['mask'])
        fields.update(deocclude=masks.deocclude, remove=masks.remove)
        fields = {name: value.detach().cpu() for name, value in fields.items()}
        for row, sample in enumerate(data_samples):
            sample.pred_fields = PixelData(**{name: value[row] for name, value in fields.items()})
        return list(data_samples)

    def loss(
        self, inputs: dict[str, Tensor], data_samples: Sequence[HandDataSample]
    ) -> dict[str, Tensor]:
        """Losses of generator and discriminator.

        Returns:
            The terms of :class:`InpaintingLoss`; with a discriminator also ``loss_adv``, which
            reaches the generator only, and ``loss_discriminator``, which reaches the discriminator
            only.

        Raises:
            HandDataError: inputs without ``target``.
        """
        if 'target' not in inputs:
            raise HandDataError('HandDeocclusionRemover trains on inputs with a target picture')
        image = self.generator(inputs['image'], inputs['mask'])
        judged = self._discriminator_loss(image, inputs)
        return {**self._generator_losses(image, inputs), **judged}

    def _generator_losses(self, image: Tensor, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        erased, masks = split_inputs(inputs['image'], inputs['mask'])
        losses = self.inpainting_loss(
            image, inputs['target'], erased, masks.deocclude, masks.remove
        )
        if self.discriminator is not None:
            # The bare module: its parameters get no gradient here, which a distributed wrapper
            # would wait for.
            judge = _unwrap(self.discriminator)
            with ExitStack() as stack:
                for parameter in judge.parameters():
                    stack.callback(parameter.requires_grad_, parameter.requires_grad)
                    parameter.requires_grad_(False)
                score = judge(_with_guides(image, inputs), logits=True)
            losses['loss_adv'] = self.adversarial_loss.generator(score)
        return losses

    def _discriminator_loss(self, image: Tensor, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        if self.discriminator is None:
            return {}
        real = self.discriminator(_with_guides(inputs['target'], inputs), logits=True)
        fake = self.discriminator(_with_guides(image.detach(), inputs), logits=True)
        return dict(loss_discriminator=self.adversarial_loss.discriminator(real, fake))

    def train_step(
        self, data: dict, optim_wrapper: OptimWrapper | OptimWrapperDict
    ) -> dict[str, Tensor]:
        """One step of the generator, then one of the discriminator.

        All losses come from the same forward pass and the weights before the step, as released.

        Args:
            data: batch of the loader.
            optim_wrapper: a dict of optimisers with a discriminator, one without.

        Returns:
            Values to log; ``loss`` is the generator's total.

        Raises:
            HandConfigError: the optimisers do not fit the model.
        """
        if self.discriminator is None:
            if isinstance(optim_wrapper, OptimWrapperDict):
                raise HandConfigError('two optimisers are given for a model without discriminator')
            return super().train_step(data, optim_wrapper)
        if not isinstance(optim_wrapper, OptimWrapperDict) or not all(
            part in optim_wrapper for part in ('generator', 'discriminator')
        ):
            raise HandConfigError(
                'HandDeocclusionRemover with a discriminator takes optim_wrapper=dict(constructor='
                '"MultiOptimWrapperConstructor", generator=..., discriminator=...)'
            )
        inputs = self.data_preprocessor(data, True)['inputs']
        make, judge = optim_wrapper['generator'], optim_wrapper['discriminator']
        with make.optim_context(self.generator):
            image = self.generator(inputs['image'], inputs['mask'])
        with judge.optim_context(self.discriminator):
            discriminator_losses = self._discriminator_loss(image, inputs)
        with make.optim_context(self.generator):
            generator_losses = self._generator_losses(image, inputs)
        total, logs = self.parse_losses(generator_losses)
        judged, judge_logs = self.parse_losses(discriminator_losses)
        make.update_params(total)
        judge.update_params(judged)
        return {**logs, 'loss_discriminator': judge_logs['loss_discriminator']}


def _with_guides(picture: Tensor, inputs: dict[str, Tensor]) -> Tensor:
    """(B, 5, H, W): picture and both guides."""
    image = inputs['image']
    return torch.cat([picture, image[:, 3:4], image[:, 7:8]], 1)


def _unwrap(module: nn.Module) -> nn.Module:
    return module.module if is_model_wrapper(module) else module

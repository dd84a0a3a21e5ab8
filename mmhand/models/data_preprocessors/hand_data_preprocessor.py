"""From a batch of the loader to what an estimator takes."""

from collections.abc import Mapping, Sequence

import torch
from mmengine.model import BaseDataPreprocessor
from torch import Tensor

from mmhand.registry import MODELS
from mmhand.structures import HandDataSample
from mmhand.utils.errors import HandConfigError, HandDataError


@MODELS.register_module()
class HandDataPreprocessor(BaseDataPreprocessor):
    """Stack, move and normalise images; move annotations with one transfer per field.

    Images travel to the device as uint8 and become float there, which is a quarter of the traffic.

    Args:
        mean: per channel, in the order after ``bgr_to_rgb``; ``None``: 0.
        std: per channel; ``None``: 1.
        bgr_to_rgb: whether three-channel images are BGR and are to become RGB.
        image_keys: where ``inputs`` is a dict, the entries that are images to normalise; the
            others are only stacked, moved and made float32 if they are uint8 or float64.
        non_blocking: let copies from pinned memory run beside the computation.

    Raises:
        HandConfigError: mean and std of different lengths.
    """

    def __init__(
        self,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        bgr_to_rgb: bool = False,
        image_keys: Sequence[str] = ('image',),
        non_blocking: bool = False,
    ) -> None:
        super().__init__(non_blocking)
        mean = [0.0] if mean is None else list(mean)
        std = [1.0] if std is None else list(std)
        if len(mean) != len(std) and 1 not in (len(mean), len(std)):
            raise HandConfigError(f'mean has {len(mean)} channels, std has {len(std)}')
        self.register_buffer('mean', torch.tensor(mean).view(-1, 1, 1), persistent=False)
        self.register_buffer('std', torch.tensor(std).view(-1, 1, 1), persistent=False)
        self.bgr_to_rgb = bgr_to_rgb
        self.image_keys = tuple(image_keys)

    def forward(self, data: dict, training: bool = False) -> dict:
        """Prepare a batch.

        Args:
            data: dict with ``inputs``: a list of (C, H, W) tensors, a (B, C, H, W) tensor, or a
                list of dicts or dict of such; and optionally ``data_samples``.
            training: not used; mmengine's signature.

        Returns:
            dict with ``inputs`` (B, C, H, W) float32, or a dict of such, and ``data_samples``
            (list or ``None``), all on the device.

        Raises:
            HandDataError: the images of a batch have different shapes.
        """
        inputs = data['inputs']
        if isinstance(inputs, Sequence) and inputs and isinstance(inputs[0], Mapping):
            inputs = {key: [sample[key] for sample in inputs] for key in inputs[0]}
        if isinstance(inputs, Mapping):
            moved = {
                key: self._normalise(self._move(value))
                if key in self.image_keys
                else _as_float(self._move(value))
                for key, value in inputs.items()
            }
        else:
            moved = self._normalise(self._move(inputs))
        return {'inputs': moved, 'data_samples': self._move_samples(data.get('data_samples'))}

    def _move(self, images: Tensor | Sequence[Tensor]) -> Tensor:
        if not isinstance(images, Tensor):
            shapes = {tuple(image.shape) for image in images}
            if len(shapes) != 1:
                raise HandDataError(
                    f'a batch holds inputs of different shapes {sorted(shapes)}: crop or resize '
                    'them to one size in the pipeline'
                )
            images = torch.stack(list(images))
        return images.to(self.device, non_blocking=self._non_blocking)

    def _normalise(self, images: Tensor) -> Tensor:
        if self.bgr_to_rgb and images.shape[1] == 3:
            images = images.flip(1)
        return images.float().sub_(self.mean).div_(self.std)

    def _move_samples(self, samples: Sequence[HandDataSample] | None) -> list | None:
        """Samples on the device; fields that all samples' hands share go in one copy each."""
        if samples is None or self.device.type == 'cpu':
            return None if samples is None else list(samples)
        hands = [sample.get('gt_hands') for sample in samples]
        if any(hand is None for hand in hands):
            return self.cast_data(list(samples))
        shared = set(hands[0].keys()).intersection(*(hand.keys() for hand in hands))
        counts = [len(hand) for hand in hands]
        moved = [sample.new() for sample in samples]
        for sample in moved:
            sample.gt_hands = sample.gt_hands.new()
        for name in sorted(shared):
            values = [hand.get(name) for hand in hands]
            if not all(isinstance(value, Tensor) for value in values):
                continue
            joined = torch.cat(values).to(self.device, non_blocking=self._non_blocking)
            for sample, part in zip(moved, joined.split(counts), strict=True):
                sample.gt_hands.set_field(part, name)
        return self.cast_data(moved)


def _as_float(values: Tensor) -> Tensor:
    return values.float() if values.dtype in (torch.uint8, torch.float64) else values

"""Targets made in the pipeline."""

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from mmcv.transforms import BaseTransform

from mmhand.registry import KEYPOINT_CODECS, TRANSFORMS
from mmhand.utils.errors import HandConfigError

#: Arguments that codecs name otherwise than the pipeline.
_ARGUMENTS = {
    'valid': lambda results: results['keypoint_valid'],
    'depth': lambda results: results['keypoints_3d'][..., 2],
    'interacting': lambda results: np.float32(results['hand_type'] == 'interacting'),
}


@TRANSFORMS.register_module()
class GenerateHandTarget(BaseTransform):
    """Encode targets with a codec of :data:`mmhand.registry.KEYPOINT_CODECS`.

    Estimators of mmhand encode on the device of the network, which saves the traffic of heat maps;
    this serves codecs and models that want targets with the sample.

    The codec's ``encode`` is called with tensors by the names of its arguments: pipeline keys, or
    ``valid`` (``keypoint_valid``), ``depth`` (z of ``keypoints_3d``), ``interacting``. What it
    returns (dict or named tuple) goes to ``target_fields`` (:class:`PackHandInputs` makes
    ``gt_fields`` of them) or ``target_labels`` (``gt_instance_labels``).

    Args:
        encoder: config of the codec.
        per_hand: the codec takes hands as its batch (2, ...) rather than samples (1, 2, ...).
        field_keys: results that are maps.

    Raises:
        HandConfigError: the codec wants what the pipeline does not have.
    """

    needs = ('keypoints_2d', 'keypoint_valid')
    gives = ('target_fields', 'target_labels')

    def __init__(
        self,
        encoder: dict,
        per_hand: bool = False,
        field_keys: tuple[str, ...] = ('heatmaps',),
    ) -> None:
        self.encoder = KEYPOINT_CODECS.build(encoder)
        self.per_hand = per_hand
        self.field_keys = tuple(field_keys)
        self._arguments = [
            name
            for name, parameter in inspect.signature(self.encoder.encode).parameters.items()
            if parameter.default is parameter.empty
        ]

    def transform(self, results: dict) -> dict:
        """Add the targets."""
        encoded: Any = self.encoder.encode(
            **{name: self._argument(results, name) for name in self._arguments}
        )
        if not isinstance(encoded, Mapping):
            encoded = encoded._asdict()
        for key, value in encoded.items():
            group = 'target_fields' if key in self.field_keys else 'target_labels'
            results.setdefault(group, {})[key] = value
        return results

    def _argument(self, results: dict, name: str) -> torch.Tensor:
        try:
            value = _ARGUMENTS[name](results) if name in _ARGUMENTS else results[name]
        except KeyError as error:
            raise HandConfigError(
                f'{type(self.encoder).__name__}.encode wants "{name}", but sample '
                f'{results.get("sample_id")} has no {error}'
            ) from None
        tensor = torch.as_tensor(value)
        return tensor if self.per_hand else tensor[None]

"""Batches of DSF: depth crops, of a sensor, rendered, or both."""

from collections.abc import Mapping

from torch import Tensor

from mmhand.models.data_preprocessors import HandDataPreprocessor
from mmhand.registry import MODELS


@MODELS.register_module()
class DSFDataPreprocessor(HandDataPreprocessor):
    """Move depth crops to the device as they are: the pipeline has normalised them.

    ``inputs`` is a list of crops or their batch, or ``dict(real=..., synthetic=...)`` for a step on two
    streams: ``real`` as before, with ``data_samples``; ``synthetic`` a dict of tensors that
    :class:`DSFSupervisedLoss` takes for its target. Either may be missing.
    """

    def forward(self, data: dict, training: bool = False) -> dict:
        """Prepare a batch; see :class:`HandDataPreprocessor`."""
        inputs = data['inputs']
        if not isinstance(inputs, Mapping):
            return super().forward(data, training)
        prepared: dict[str, Tensor | dict[str, Tensor]] = {}
        if inputs.get('real') is not None:
            prepared['real'] = self._move(inputs['real']).float()
        if inputs.get('synthetic') is not None:
            prepared['synthetic'] = {
                key: self._move(value).float() for key, value in inputs['synthetic'].items()
            }
        return {'inputs': prepared, 'data_samples': self._move_samples(data.get('data_samples'))}

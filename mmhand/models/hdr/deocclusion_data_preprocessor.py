"""From pictures and masks to what HDR's generator takes, on the device."""

from collections.abc import Mapping

from torch import Tensor

from mmhand.models.data_preprocessors.hand_data_preprocessor import HandDataPreprocessor
from mmhand.registry import MODELS
from mmhand.utils.errors import HandDataError
from mmhand.utils.image_norm import IMAGENET_MEAN, IMAGENET_STD

from .deocclusion import HoleMasks, generator_inputs


@MODELS.register_module()
class DeocclusionDataPreprocessor(HandDataPreprocessor):
    """Normalise, erase and stack the inputs of :class:`HandDeocclusionRemover`.

    A loader's ``inputs`` are dicts with ``image`` (3, H, W) and, for training, ``target``
    (3, H, W), uint8 BGR, and ``masks`` (4, H, W) {0, 1}: the planes of :class:`HoleMasks` in order.
    They become ``image`` (B, 8, H, W), ``mask`` (B, 8, H, W) and ``target`` (B, 3, H, W).
    """

    def __init__(self, non_blocking: bool = False) -> None:
        super().__init__(
            IMAGENET_MEAN,
            IMAGENET_STD,
            bgr_to_rgb=True,
            image_keys=('image', 'target'),
            non_blocking=non_blocking,
        )

    def forward(self, data: dict, training: bool = False) -> dict:
        """Prepare a batch.

        Raises:
            HandDataError: inputs without masks.
        """
        data = super().forward(data, training)
        inputs = data['inputs']
        if not isinstance(inputs, Mapping) or 'masks' not in inputs:
            raise HandDataError(
                'HandDeocclusionRemover takes inputs as dict(image, masks[, target]), '
                'see DeocclusionDataPreprocessor'
            )
        masks = HoleMasks(*inputs['masks'].to(inputs['image']).split(1, dim=1))
        image, mask = generator_inputs(inputs['image'], masks)
        prepared: dict[str, Tensor] = dict(image=image, mask=mask)
        if 'target' in inputs:
            prepared['target'] = inputs['target']
        return {**data, 'inputs': prepared}

"""HASM: amodal and visible masks of both hands."""

from mmseg.models.segmentors import EncoderDecoder
from torch import Tensor

from mmhand.registry import MODELS
from mmhand.structures import HandDataSample

from .amodal_seg_head import pack_masks

#: MiT-B5 of SegFormer, as released.
MIT_B5 = dict(
    type='mmseg.MixVisionTransformer',
    embed_dims=64,
    num_layers=[3, 6, 40, 3],
    num_heads=[1, 2, 5, 8],
    drop_path_rate=0.1,
)


@MODELS.register_module()
class HandAmodalSegmentor(EncoderDecoder):
    """HDR's hand amodal segmentation module (ECCV 2022; methods/hdr.md#amodal-segmentation):
    SegFormer with four branches.

    Args:
        backbone: config of the backbone; MiT-B5 by default.
        decode_head: config of the head, :class:`AmodalSegHead` by default.
        data_preprocessor: config of the data preprocessor.
        **kwargs: further arguments of mmsegmentation's ``EncoderDecoder``.
    """

    def __init__(
        self,
        backbone: dict | None = None,
        decode_head: dict | None = None,
        data_preprocessor: dict | None = None,
        **kwargs: object,
    ) -> None:
        super().__init__(
            backbone=backbone or dict(MIT_B5),
            decode_head=decode_head or dict(type='mmhand.AmodalSegHead'),
            data_preprocessor=data_preprocessor,
            **kwargs,
        )

    def _forward(
        self, inputs: Tensor, data_samples: list[HandDataSample] | None = None
    ) -> dict[str, Tensor]:
        """``seg_logits`` (B, 4, 2, h, w) at the head's resolution, in the released branch order:
        left amodal, left visible, right amodal, right visible.
        """
        return dict(seg_logits=self.decode_head(self.extract_feat(inputs)))

    def predict(
        self, inputs: Tensor, data_samples: list[HandDataSample] | None = None
    ) -> list[HandDataSample]:
        """Masks of normalised pictures.

        Args:
            inputs: (B, 3, H, W) ImageNet-normalised RGB.
            data_samples: samples to fill; new ones are made where ``None``.

        Returns:
            The samples with ``pred_sem_seg.data`` (4, H, W) uint8, planes named by
            :data:`mmhand.structures.HAND_MASK_PLANES`.
        """
        return pack_masks(self.segment(inputs), data_samples)

    def segment(self, inputs: Tensor) -> Tensor:
        """Masks (B, 4, H, W) uint8 in the order of :data:`mmhand.structures.HAND_MASK_PLANES`."""
        logits = self.decode_head(self.extract_feat(inputs))
        return self.decode_head.predict_masks(logits, inputs.shape[2:])

"""What data sets, models, metrics and visualisers hand to each other."""

from mmengine.structures import BaseDataElement, InstanceData, PixelData
from torch import Tensor

from .hand_instances import HandInstances


def _field(name: str, dtype: type | tuple[type, ...], doc: str) -> property:
    """A typed field of a data element, stored under ``_name`` as mmengine expects."""
    private = f'_{name}'

    def get(self: BaseDataElement) -> object:
        return getattr(self, private)

    def set_(self: BaseDataElement, value: object) -> None:
        self.set_field(value, private, dtype=dtype)

    def delete(self: BaseDataElement) -> None:
        delattr(self, private)

    return property(get, set_, delete, doc)


class HandDataSample(BaseDataElement):
    """Annotations and predictions of one input image.

    Metainfo in use: ``img_path``, ``sample_id``, ``dataset``, ``subject``, ``hand_type``
    (``'right'``, ``'left'`` or ``'interacting'``), ``ori_shape`` and ``img_shape`` (H, W),
    ``camera``: a :class:`~mmhand.structures.HandCamera`, or a mapping that
    :meth:`~mmhand.structures.HandCamera.of` makes one of.

    The names that mmsegmentation's and mmpose's heads read (``gt_sem_seg``, ``gt_fields``,
    ``gt_instances``, ``gt_instance_labels``) are kept, so their heads run on it unchanged.
    """

    gt_hands = _field('gt_hands', HandInstances, 'Annotated hands.')
    pred_hands = _field('pred_hands', HandInstances, 'Predicted hands.')
    gt_sem_seg = _field('gt_sem_seg', PixelData, 'Annotated masks, (planes, H, W) in ``data``.')
    pred_sem_seg = _field('pred_sem_seg', PixelData, 'Predicted masks.')
    seg_logits = _field('seg_logits', PixelData, 'Raw mask scores, as mmseg names them.')
    gt_fields = _field('gt_fields', PixelData, 'Annotated heat maps and other maps.')
    pred_fields = _field('pred_fields', PixelData, 'Predicted heat maps and other maps.')
    gt_instances = _field('gt_instances', InstanceData, 'Annotations as mmpose names them.')
    gt_instance_labels = _field(
        'gt_instance_labels', InstanceData, 'Encoded targets as mmpose names them.'
    )
    pred_instances = _field('pred_instances', InstanceData, 'Predictions as mmpose names them.')
    depth = _field('depth', (PixelData, Tensor), 'Depth map, metres.')

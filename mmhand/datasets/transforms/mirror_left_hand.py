"""Left hands as right ones, for networks that know right hands only."""

from mmcv.transforms import BaseTransform

from mmhand.registry import TRANSFORMS


@TRANSFORMS.register_module()
class MirrorLeftHand(BaseTransform):
    """Ask :class:`HandTopdownAffine` to mirror a picture whose only hand is the left one.

    It belongs between the drawing of the crop and its warp. Estimators mirror their predictions back
    by the sample's ``camera``. A picture without ``hand_type`` is taken for a right hand's.

    Required key: ``bbox_flip``. Modified key: ``bbox_flip``.
    """

    needs = ('bbox_flip',)
    gives = ()

    def transform(self, results: dict) -> dict:
        """Set the flip."""
        results['bbox_flip'] = results.get('hand_type', 'right') == 'left'
        return results

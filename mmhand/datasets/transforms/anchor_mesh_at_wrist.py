"""Meshes relative to the wrist."""

from mmcv.transforms import BaseTransform

from mmhand.registry import TRANSFORMS
from mmhand.structures import CANONICAL

_WRIST = CANONICAL.index('wrist')


@TRANSFORMS.register_module()
class AnchorMeshAtWrist(BaseTransform):
    """Say that the mesh's own frame has the annotated wrist for its origin.

    Networks of meshes without parameters compare in the frame that ``mano_trans`` leads from
    (``gt_hands.vertices`` less ``gt_hands.transl``). FreiHAND's is the wrist's. It must come after what
    turns the annotations, for the translation is no longer that of the parameters.

    Required key: ``keypoints_3d``. Added key: ``mano_trans`` (2, 3), metres.
    """

    needs = ('keypoints_3d',)
    gives = ('mano_trans',)

    def transform(self, results: dict) -> dict:
        """Set the translation."""
        results['mano_trans'] = results['keypoints_3d'][:, _WRIST].copy()
        return results

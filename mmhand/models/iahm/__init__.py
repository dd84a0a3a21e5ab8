"""Identity-aware hand mesh estimation (Kong et al., ECCV 2022) and the baselines of its comparison."""

from .boukhayma_hand import BoukhaymaHand
from .identity_aware_hand_mesh import IdentityAwareHandMesh
from .iterative_pose_6d_head import IterativePose6DHead
from .vector_heads import ConfidenceHead, ShapeHead

__all__ = [
    'BoukhaymaHand',
    'ConfidenceHead',
    'IdentityAwareHandMesh',
    'IterativePose6DHead',
    'ShapeHead',
]

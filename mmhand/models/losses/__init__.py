"""Model losses."""

from .confidence_losses import ConfidenceL1Loss, PairRankingLoss, ranking_pairs
from .dsf_self_supervised_loss import DSFSelfSupervisedLoss
from .dsf_supervised_loss import DSFSupervisedLoss
from .identity_aware_loss import RELEASE_UNIT, IdentityAwareLoss
from .mano_loss import ManoLoss
from .mesh_losses import MeshEdgeLoss, MeshNormalLoss
from .weak_reprojection_loss import WeakReprojectionLoss

__all__ = [
    'ConfidenceL1Loss',
    'DSFSelfSupervisedLoss',
    'DSFSupervisedLoss',
    'IdentityAwareLoss',
    'ManoLoss',
    'MeshEdgeLoss',
    'MeshNormalLoss',
    'PairRankingLoss',
    'RELEASE_UNIT',
    'WeakReprojectionLoss',
    'ranking_pairs',
]

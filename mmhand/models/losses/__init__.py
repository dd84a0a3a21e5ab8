"""Model losses."""

from .confidence_losses import ConfidenceL1Loss, PairRankingLoss, ranking_pairs
from .dsf_self_supervised_loss import DSFSelfSupervisedLoss
from .dsf_supervised_loss import DSFSupervisedLoss
from .identity_aware_loss import RELEASE_UNIT, IdentityAwareLoss
from .mano_loss import ManoLoss
from .mesh_losses import MeshEdgeLoss, MeshNormalLoss

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
    'ranking_pairs',
]

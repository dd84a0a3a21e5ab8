"""Model losses."""

from .confidence_losses import ConfidenceL1Loss, PairRankingLoss, ranking_pairs
from .identity_aware_loss import IdentityAwareLoss
from .mano_loss import ManoLoss
from .mesh_losses import MeshEdgeLoss, MeshNormalLoss

__all__ = [
    'ConfidenceL1Loss',
    'IdentityAwareLoss',
    'ManoLoss',
    'MeshEdgeLoss',
    'MeshNormalLoss',
    'PairRankingLoss',
    'ranking_pairs',
]

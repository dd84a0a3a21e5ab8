"""MediaPipe's openly licensed hand networks (BlazePalm, hand landmarks), with their weights.

The weights lie in ``data/``; where they are from is in ``data/README.md``.
"""

from .blaze_hand import BlazeHand
from .blaze_hand_features import BlazeHandFeatures
from .blaze_hand_trunk import BlazeHandTrunk
from .blaze_palm import BlazePalm
from .open_weights import OPEN_WEIGHTS, load_open_weights
from .palm_boxes import Palms, decode_palms, palm_anchors
from .partner_head import PartnerHead

__all__ = [
    'OPEN_WEIGHTS',
    'BlazeHand',
    'BlazeHandFeatures',
    'BlazeHandTrunk',
    'BlazePalm',
    'Palms',
    'PartnerHead',
    'decode_palms',
    'load_open_weights',
    'palm_anchors',
]

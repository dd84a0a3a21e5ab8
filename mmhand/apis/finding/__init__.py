"""Finding hands in pictures with the open networks."""

from .found_hands import FoundHands
from .open_hand_finder import OpenHandFinder

__all__ = ['FoundHands', 'OpenHandFinder']

"""A data set of one's own."""

from .my_hands import MyHandsDataset

__all__ = ['MyHandsDataset']

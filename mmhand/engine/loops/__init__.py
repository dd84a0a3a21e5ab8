"""Loops."""

from .two_stream_train_loop import TwoStreamTrainLoop

__all__ = ['TwoStreamTrainLoop']

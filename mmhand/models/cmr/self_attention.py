"""Attention among the entries of one vector."""

import torch
from torch import Tensor, nn


class SelfAttention(nn.Module):
    """Every entry attends to every other one by the product of their query and key.

    Args:
        channels: length of the vector.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.query = nn.Linear(channels, channels)
        self.key = nn.Linear(channels, channels)
        self.value = nn.Linear(channels, channels)
        #: Zero at first: the layer starts as the identity.
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C) to (B, C)."""
        scores = self.query(x).unsqueeze(2) * self.key(x).unsqueeze(1)
        out = (scores.softmax(-1) @ self.value(x).unsqueeze(2)).squeeze(2)
        return self.gamma * out + x

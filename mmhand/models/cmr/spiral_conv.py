"""Convolutions along spirals of vertices (Gong et al., SpiralNet++), and CMR's block of four."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class SpiralConv(nn.Module):
    """One linear layer on the features of each vertex's spiral.

    Args:
        in_channels: of the input.
        out_channels: of the output.
        length: vertices of the spiral that are used, from its start.
    """

    def __init__(self, in_channels: int, out_channels: int, length: int) -> None:
        super().__init__()
        self.length = length
        self.layer = nn.Linear(length * in_channels, out_channels)
        nn.init.xavier_uniform_(self.layer.weight)
        nn.init.zeros_(self.layer.bias)

    def forward(self, x: Tensor, spirals: Tensor) -> Tensor:
        """Convolve.

        Args:
            x: (B, N, in_channels).
            spirals: (N, L) with L at least ``length``.

        Returns:
            (B, N, out_channels).
        """
        return self.layer(gather_spirals(x, spirals[:, : self.length]))


def gather_spirals(x: Tensor, spirals: Tensor) -> Tensor:
    """Features (B, N, C) of the vertices of spirals (N, L), one after another: (B, N, L * C)."""
    count, length = spirals.shape
    return x.index_select(1, spirals.flatten()).view(-1, count, length * x.shape[2])


class ParallelDeblock(nn.Module):
    """To the next finer level, then spirals of four lengths side by side.

    Half of the output channels see the whole spiral, a quarter its first two thirds, a quarter its first
    third; what the vertex itself says is added to all.

    Args:
        in_channels: of the input.
        out_channels: of the output; a multiple of four.
        length: of the spirals.
    """

    def __init__(self, in_channels: int, out_channels: int, length: int) -> None:
        super().__init__()
        self.center = SpiralConv(in_channels, out_channels, 1)
        self.whole = SpiralConv(in_channels, out_channels // 2, length)
        self.two_thirds = SpiralConv(in_channels, out_channels // 4, length // 3 * 2)
        self.third = SpiralConv(in_channels, out_channels // 4, length // 3)

    def forward(self, x: Tensor, up: Tensor, spirals: Tensor) -> Tensor:
        """Decode one level.

        Args:
            x: (B, M, in_channels) on the coarse level.
            up: (N, M) up-sampling.
            spirals: (N, length) of the fine level.

        Returns:
            (B, N, out_channels).
        """
        x = up @ x
        # Gathered once: the shorter spirals are the beginnings of the whole one.
        near = gather_spirals(x, spirals).flatten(0, 1)
        parts = [
            conv.layer(near[:, : conv.layer.in_features])
            for conv in (self.whole, self.two_thirds, self.third)
        ]
        center = self.center.layer(near[:, : x.shape[2]])
        return F.relu(center + torch.cat(parts, dim=1)).unflatten(0, (-1, spirals.shape[0]))

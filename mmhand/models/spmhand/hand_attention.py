"""Attention blocks over feature maps with learned 2D position embeddings.

HandOccNet's FIT and SET blocks (Park et al., CVPR 2022, §4) and SPMHand's hand morphology attention
(HMA, TMM 2024) share their shape: 1x1 projections of maps plus position embeddings, multi-head
attention without an output projection, and a residual MLP behind a LayerNorm. They differ in what is
the value, whether the query is added back, and FIT's gate.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class TokenMLP(nn.Module):
    """Linear, exact GELU, linear.

    Args:
        channels: channels in and out.
        ratio: width of the hidden layer over ``channels``.
    """

    def __init__(self, channels: int, ratio: int = 4) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels, channels * ratio)
        self.fc2 = nn.Linear(channels * ratio, channels)
        for layer in (self.fc1, self.fc2):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.normal_(layer.bias, std=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        """(..., C) in and out."""
        return self.fc2(F.gelu(self.fc1(x)))


class MapAttention(nn.Module):
    """Attention of a query map over a key map, both (B, C, H, W).

    Args:
        channels: C.
        map_size: (H, W) of the position embeddings; the input must have this size.
        num_heads: heads.
    """

    def __init__(
        self,
        channels: int = 256,
        map_size: tuple[int, int] = (32, 32),
        num_heads: int = 4,
    ) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.query_embedding = nn.Parameter(torch.randn(1, channels, *map_size))
        self.key_embedding = nn.Parameter(torch.randn(1, channels, *map_size))
        self.encode_query = nn.Conv2d(channels, channels, 1)
        self.encode_key = nn.Conv2d(channels, channels, 1)
        self.encode_value = nn.Conv2d(channels, channels, 1)
        self.norm = nn.LayerNorm(channels)
        self.mlp = TokenMLP(channels)

    def tokens(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, heads, HW, C / heads), row-major."""
        batch, channels = x.shape[:2]
        return x.reshape(batch, self.num_heads, channels // self.num_heads, -1).transpose(-1, -2)

    def refine(self, x: Tensor) -> Tensor:
        """Residual MLP on each position of (B, C, H, W)."""
        tokens = x.flatten(2).transpose(1, 2)
        tokens = tokens + self.mlp(self.norm(tokens))
        return tokens.transpose(1, 2).reshape(x.shape)

    def attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Multi-head attention on encoded maps, (B, C, H, W) each."""
        # Fused kernels read rows of a head's channels: a copy costs less than strides through HW.
        heads = (self.tokens(x).contiguous() for x in (query, key, value))
        out = F.scaled_dot_product_attention(*heads)
        return out.transpose(-1, -2).reshape(value.shape)


class SelfEnhancingBlock(MapAttention):
    """One block of HandOccNet's SET: query plus attention over the key
    (methods/spmhand.md#handoccnet, injection=False)."""

    def forward(self, query: Tensor, key: Tensor) -> Tensor:
        """(B, C, H, W) query and key to the refined query."""
        q = self.encode_query(query + self.query_embedding)
        k = self.encode_key(key + self.key_embedding)
        return self.refine(query + self.attend(q, k, self.encode_value(key)))


class FeatureInjectingBlock(MapAttention):
    """One block of HandOccNet's FIT: gated attention that replaces the query (injection=True).

    The gate is one number per head and query position: the sigmoid of the *sum* over all keys of a
    second correlation, so it is computed from the sum of the keys without the (HW, HW) matrix.
    """

    def __init__(
        self, channels: int = 256, map_size: tuple[int, int] = (32, 32), num_heads: int = 4
    ) -> None:
        super().__init__(channels, map_size, num_heads)
        self.encode_query2 = nn.Conv2d(channels, channels, 1)
        self.encode_key2 = nn.Conv2d(channels, channels, 1)
        # Summed over all keys: with a layer's usual weights every gate begins wide open or shut.
        # The release's own start (HandInjector's init_cfg) draws these anew.
        with torch.no_grad():
            for weights in self.encode_key2.parameters():
                weights /= map_size[0] * map_size[1]

    def forward(self, query: Tensor, key: Tensor) -> Tensor:
        """(B, C, H, W) secondary query and primary key to the injected map."""
        embedded_query, embedded_key = query + self.query_embedding, key + self.key_embedding
        out = self.attend(
            self.encode_query(embedded_query),
            self.encode_key(embedded_key),
            self.encode_value(key),
        )
        gate_query = self.tokens(self.encode_query2(embedded_query))
        key_sum = self.tokens(self.encode_key2(embedded_key)).sum(-2, keepdim=True)
        gate = (gate_query * key_sum).sum(-1) * gate_query.shape[-1] ** -0.5
        gated = self.tokens(out) * gate.sigmoid().unsqueeze(-1)
        return self.refine(gated.transpose(-1, -2).reshape(out.shape))


class HandMorphologyBlock(MapAttention):
    """SPMHand's HMA block: the profile attends to itself, values come from the structure feature.

    ``query_embedding`` serves query and key here, ``key_embedding`` the value.
    """

    def forward(self, profile: Tensor, structure: Tensor) -> Tensor:
        """(B, C, H, W) profile (query and key) and structure (value) to the refined profile."""
        embedded = profile + self.query_embedding
        value = self.encode_value(structure + self.key_embedding)
        out = self.attend(self.encode_query(embedded), self.encode_key(embedded), value)
        return self.refine(profile + out)

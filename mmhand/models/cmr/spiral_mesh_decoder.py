"""From an image feature to a mesh at four resolutions."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmhand.geometry.mesh_hierarchy import SPIRAL_LENGTH, MeshHierarchy
from mmhand.models.layers import full_precision

from .self_attention import SelfAttention
from .spiral_conv import ParallelDeblock, SpiralConv


class SpiralMeshDecoder(nn.Module):
    """A vector becomes features of the coarsest level; each block refines, and predicts a mesh.

    Every mesh but the first is the mean of the level's own prediction and the coarser one's, up-sampled;
    it is also an input of the next block. See methods/cmr.md#mesh-decoder.

    Args:
        hierarchy: levels, their up-sampling and spirals; not saved with the weights.
        in_channels: length of the feature.
        channels: of the blocks' outputs, finest level first.
        attention: whether the feature first passes a :class:`SelfAttention`.
    """

    def __init__(
        self,
        hierarchy: MeshHierarchy,
        in_channels: int = 1000,
        channels: Sequence[int] = (64, 128, 256, 512),
        attention: bool = True,
    ) -> None:
        super().__init__()
        self.levels = len(channels)
        widths = list(reversed(channels))
        self.coarse_channels = widths[0]
        inputs = [widths[0], *(width + 3 for width in widths[:-1])]
        self.attention = SelfAttention(in_channels) if attention else nn.Identity()
        self.lift = nn.Linear(in_channels, hierarchy.sizes[self.levels] * widths[0])
        self.blocks = nn.ModuleList(
            ParallelDeblock(i, o, SPIRAL_LENGTH) for i, o in zip(inputs, widths, strict=True)
        )
        self.heads = nn.ModuleList(SpiralConv(width, 3, SPIRAL_LENGTH) for width in widths)
        for level in range(self.levels):
            self.register_buffer(
                f'up{level}', torch.tensor(hierarchy.up[level]).float(), persistent=False
            )
            self.register_buffer(
                f'spirals{level}', torch.tensor(hierarchy.spirals[level]), persistent=False
            )

    def forward(self, feature: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Decode.

        Args:
            feature: (B, ``in_channels``).

        Returns:
            The feature after attention, and meshes (B, N_k, 3), finest first, in the unit that the
            network learned.
        """
        feature = self.attention(feature)
        x = self.lift(feature).unflatten(1, (-1, self.coarse_channels))
        meshes: list[Tensor] = []
        for step, (block, head) in enumerate(zip(self.blocks, self.heads, strict=True)):
            level = self.levels - 1 - step
            up, spirals = getattr(self, f'up{level}'), getattr(self, f'spirals{level}')
            if meshes:
                x = torch.cat((x, meshes[-1]), dim=2)
            x = block(x, up, spirals)
            # In bfloat16 neighbours, some millimetres apart, fall onto one place.
            with full_precision(x.device):
                mesh = head(x.float(), spirals)
                meshes.append((mesh + up @ meshes[-1]) / 2 if meshes else mesh)
        return feature, meshes[::-1]

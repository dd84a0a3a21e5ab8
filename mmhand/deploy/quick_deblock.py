"""CMR's decoder block with half the products, for inference."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmhand.utils.errors import HandConfigError


class QuickDeblock(nn.Module):
    """Multiply on the coarse level, then up-sample and gather the products.

    The plain block up-samples, gathers each vertex's spiral and multiplies it with one large matrix.
    All of it is linear up to the ReLU, so the matrix can go first, once per place in the spiral: the
    coarse level has half the vertices, and what is left is one weighted sum of at most ``3 x 27`` rows
    a vertex. What the vertex itself says (the spiral of one) joins the matrices of the first place.

    Args:
        block: a :class:`~mmhand.models.cmr.spiral_conv.ParallelDeblock`; weights are copied.
        up: (N, M) up-sampling of the level, sparse by its zeros.
        spirals: (N, L).
    """

    def __init__(self, block: nn.Module, up: Tensor, spirals: Tensor) -> None:
        super().__init__()
        if not self.fits(block):
            raise HandConfigError('only a ParallelDeblock in float32 has this quick form')
        self.coarse = up.shape[1]
        entries = int((up != 0).sum(1).max())
        index = up.abs().topk(entries, dim=1).indices
        values = up.gather(1, index)
        center, start = block.center.layer, 0
        self.widths, self.lengths = [], []
        for part, conv in enumerate((block.whole, block.two_thirds, block.third)):
            width, length = conv.layer.out_features, conv.length
            weight = conv.layer.weight.detach().view(width, length, -1).clone()
            weight[:, 0] += center.weight.detach()[start : start + width]
            start += width
            near = spirals[:, :length]
            rows = index[near] * length + torch.arange(length, device=up.device)[:, None]
            self.register_buffer(f'weight{part}', weight.transpose(0, 1).flatten(0, 1).contiguous())
            self.register_buffer(f'rows{part}', rows.flatten(1).contiguous())
            self.register_buffer(f'values{part}', values[near].flatten(1).contiguous())
            self.widths.append(width)
            self.lengths.append(length)
        biases = [conv.layer.bias.detach() for conv in (block.whole, block.two_thirds, block.third)]
        self.register_buffer('bias', torch.cat(biases) + center.bias.detach())

    @staticmethod
    def fits(module: nn.Module) -> bool:
        """Whether a module is such a block."""
        kind = type(module)
        known = (kind.__module__, kind.__name__) == (
            'mmhand.models.cmr.spiral_conv',
            'ParallelDeblock',
        )
        return known and module.center.layer.weight.dtype == torch.float32

    def forward(self, x: Tensor, up: Tensor, spirals: Tensor) -> Tensor:
        """As the block: (B, M, C) to (B, N, C'); ``up`` and ``spirals`` are those it was made with."""
        batch = len(x)
        parts = []
        for part, (width, length) in enumerate(zip(self.widths, self.lengths, strict=True)):
            products = F.linear(x, getattr(self, f'weight{part}')).view(-1, width)
            rows, values = getattr(self, f'rows{part}'), getattr(self, f'values{part}')
            if batch > 1:
                first = torch.arange(batch, device=x.device) * (self.coarse * length)
                rows = (rows + first[:, None, None]).flatten(0, 1)
                values = values.repeat(batch, 1)
            parts.append(F.embedding_bag(rows, products, per_sample_weights=values, mode='sum'))
        return F.relu_(torch.cat(parts, 1) + self.bias).view(batch, -1, sum(self.widths))

"""Transposed convolutions that double the resolution, for inference on a processor."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmhand.utils.errors import HandConfigError

#: Winograd's F(3, 2): three outputs of a filter with two taps from four inputs in four products.
_INPUT = ((1, 0, -1, 0), (0, 1, 1, 0), (0, -1, 1, 0), (0, 1, 0, -1))
_FILTER = ((1, 0), (0.5, 0.5), (0.5, -0.5), (0, 1))
_OUTPUT = ((1, 1, 1, 0), (0, 1, -1, 0), (0, 1, 1, -1))
_TILE, _POINTS = len(_OUTPUT), len(_INPUT)

#: From this many rows and columns on, fewer products outweigh four times the weights to read.
_WINOGRAD_SIZE = 16


class QuickDeconv(nn.Module):
    """A 4 x 4 transposed convolution of stride 2 as matrix products, channels last.

    Along an axis, even outputs see taps 3 and 1 on inputs j - 1 and j, odd ones taps 2 and 0 on inputs
    j and j + 1: four filters of 2 x 2. On large maps they run by Winograd's F(3, 2), 16 products for
    what takes 36, all four on the same transformed inputs; its factors are 0, 1 and 1/2, so that
    rounding is no worse than the plain sum's. On small ones, whose weights outweigh them, one product
    makes all taps, which are then added where they overlap.

    Args:
        deconv: what it stands for; weights are copied.
        winograd: which of the two.

    Raises:
        HandConfigError: the layer has another geometry, see :meth:`fits`.
    """

    def __init__(self, deconv: nn.ConvTranspose2d, winograd: bool) -> None:
        super().__init__()
        if not self.fits(deconv):
            raise HandConfigError(f'{deconv} is no 4 x 4 transposed convolution of stride 2')
        self.winograd = winograd
        self.out_channels = deconv.out_channels
        weight = deconv.weight.detach()
        self.register_buffer('weight', _filters(weight) if winograd else _taps(weight))
        self.register_buffer('bias', None if deconv.bias is None else deconv.bias.detach().clone())
        for name, matrix in (('to_points', _INPUT), ('from_points', _OUTPUT)):
            axis = weight.new_tensor(matrix)
            self.register_buffer(name, torch.kron(axis, axis), persistent=False)

    @staticmethod
    def fits(module: nn.Module) -> bool:
        """Whether a module is such a transposed convolution."""
        return (
            isinstance(module, nn.ConvTranspose2d)
            and module.kernel_size == (4, 4)
            and module.stride == (2, 2)
            and module.padding == module.dilation == (1, 1)
            and module.output_padding == (0, 0)
            and module.groups == 1
        )

    @classmethod
    def for_size(cls, deconv: nn.ConvTranspose2d, size: tuple[int, int]) -> 'QuickDeconv':
        """The quicker of both ways.

        Args:
            deconv: what it stands for.
            size: rows and columns of its input.
        """
        return cls(deconv, min(size) >= _WINOGRAD_SIZE)

    def forward(self, x: Tensor) -> Tensor:
        """Double the resolution.

        Args:
            x: (B, C, H, W).

        Returns:
            (B, out_channels, 2 H, 2 W), channels last in memory.
        """
        x = x.permute(0, 2, 3, 1)
        out = self._by_points(x) if self.winograd else self._by_taps(x)
        return out.contiguous().permute(0, 3, 1, 2)

    def _by_points(self, x: Tensor) -> Tensor:
        batch, height, width, channels = x.shape
        # Tile t makes even outputs of inputs 3t to 3t + 2 and odd ones of 3t - 1 to 3t + 1.
        rows, columns = height // _TILE + 1, width // _TILE + 1
        x = F.pad(x, (0, 0, 1, _TILE * columns - width, 1, _TILE * rows - height)).contiguous()
        image, row, column, _ = x.stride()
        tiles = x.as_strided(
            (_POINTS, _POINTS, batch, rows, columns, channels),
            (row, column, image, _TILE * row, _TILE * column, 1),
        )
        points = (self.to_points @ tiles.flatten(2).flatten(0, 1)).view(_POINTS**2, -1, channels)
        points = torch.bmm(points, self.weight)
        if self.bias is not None:
            # One point of the sixteen goes into every output once.
            points[_POINTS + 1] += self.bias.repeat(4)
        tiles = (self.from_points @ points.flatten(1)).view(
            _TILE, _TILE, batch, rows, columns, 2, 2, self.out_channels
        )
        tiles = tiles.permute(2, 3, 0, 5, 4, 1, 6, 7)
        out = tiles.reshape(batch, 2 * _TILE * rows, 2 * _TILE * columns, -1)
        return out[:, 1 : 1 + 2 * height, 1 : 1 + 2 * width]

    def _by_taps(self, x: Tensor) -> Tensor:
        batch, height, width, channels = x.shape
        taps = (x.reshape(-1, channels) @ self.weight).view(batch, height, width, 4, 4, -1)
        out = x.new_zeros(batch, 2 * height + 2, 2 * width + 2, self.out_channels)
        if self.bias is not None:
            out += self.bias
        for row in range(4):
            for column in range(4):
                place = slice(row, row + 2 * height, 2), slice(column, column + 2 * width, 2)
                out[:, place[0], place[1]] += taps[:, :, :, row, column]
        return out[:, 1:-1, 1:-1]


def _taps(weight: Tensor) -> Tensor:
    """(C, O, 4, 4) to (C, 16 O), taps before channels."""
    return weight.permute(0, 2, 3, 1).flatten(1).contiguous()


def _filters(weight: Tensor) -> Tensor:
    """(C, O, 4, 4) to (16, C, 4 O): at each point the filters of odd and even rows and columns."""
    exact = weight.double()
    parities = [[2, 0], [3, 1]]
    exact = torch.stack([exact[:, :, taps] for taps in parities], dim=2)
    exact = torch.stack([exact[..., taps] for taps in parities], dim=4)
    to_points = exact.new_tensor(_FILTER)
    exact = torch.einsum('coraxb,ya,zb->yzcrxo', exact, to_points, to_points)
    return exact.flatten(3).flatten(0, 1).to(weight.dtype).contiguous()

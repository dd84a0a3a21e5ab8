"""Frozen VGG-16 features for perceptual and style losses."""

from collections.abc import Mapping

from mmengine.runner import CheckpointLoader
from torch import Tensor, nn
from torchvision.models.vgg import cfgs, make_layers

from mmhand.registry import MODELS
from mmhand.utils.checkpoint_loaders import install_safe_loading
from mmhand.utils.errors import HandFileError

#: ``features`` slices up to pool1, pool2 and pool3 of torchvision's VGG-16.
SLICES = ((0, 5), (5, 10), (10, 17))


@MODELS.register_module()
class VGGFeatures(nn.Module):
    """Maps after the first three poolings of torchvision's ImageNet VGG-16.

    The weights are buffers outside the state dict: they are not trained, are not synchronised as
    parameters and do not enlarge checkpoints. They are read when training starts: a model that only
    predicts needs no VGG.

    Args:
        checkpoint: a file with torchvision's ``vgg16`` state dict; ``'torchvision://vgg16'`` is
            torchvision's own download, kept in torch's hub folder.
    """

    def __init__(self, checkpoint: str = 'torchvision://vgg16') -> None:
        super().__init__()
        self.checkpoint = checkpoint
        self.loaded = False
        features = make_layers(cfgs['D'], batch_norm=False)[: SLICES[-1][1]]
        for module in features.modules():
            for name, parameter in list(module._parameters.items()):
                del module._parameters[name]
                module.register_buffer(name, parameter.data, persistent=False)
            if isinstance(module, nn.ReLU):
                module.inplace = False
        self.slices = nn.ModuleList(features[start:stop] for start, stop in SLICES)

    def init_weights(self) -> None:
        """Read the weights; a Runner calls this before training, the first forward otherwise.

        Raises:
            HandFileError: the file is missing or is no VGG-16, or the download failed.
        """
        if self.loaded:
            return
        state = _load_vgg(self.checkpoint)
        convs = {
            f'features.{key}': module
            for part in self.slices
            for key, module in part.named_children()
            if isinstance(module, nn.Conv2d)
        }
        for key, module in convs.items():
            for name, buffer in module.named_buffers():
                value = state.get(f'{key}.{name}')
                if value is None or value.shape != buffer.shape:
                    raise HandFileError(
                        f'{self.checkpoint} holds no torchvision VGG-16: '
                        f'it lacks {key}.{name} of shape {tuple(buffer.shape)}'
                    )
                buffer.copy_(value)
        self.loaded = True

    def forward(self, x: Tensor) -> list[Tensor]:
        """Features of normalised pictures.

        Args:
            x: (B, 3, H, W), ImageNet-normalised RGB.

        Returns:
            Maps (B, 64, H/2, W/2), (B, 128, H/4, W/4), (B, 256, H/8, W/8).
        """
        self.init_weights()
        maps = []
        for part in self.slices:
            x = part(x)
            maps.append(x)
        return maps


def _load_vgg(checkpoint: str) -> Mapping[str, Tensor]:
    install_safe_loading()
    try:
        return CheckpointLoader.load_checkpoint(checkpoint, map_location='cpu', logger='current')
    except HandFileError as error:
        raise HandFileError(
            f'no VGG-16 features: {error}; give VGGFeatures(checkpoint=FILE) a torchvision vgg16 '
            'state dict (vgg16-397923af.pth), or InpaintingLoss(perceptual=None) to train without '
            'perceptual and style terms'
        ) from error

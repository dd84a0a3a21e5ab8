"""Frozen VGG-16 features for perceptual and style losses."""

from collections.abc import Mapping

from mmengine.runner import CheckpointLoader
from torch import Tensor, nn

from mmhand.registry import MODELS
from mmhand.utils.checkpoint_loaders import install_safe_loading
from mmhand.utils.errors import HandFileError

#: ``features`` slices up to pool1, pool2 and pool3 of torchvision's VGG-16.
SLICES = ((0, 5), (5, 10), (10, 17))


@MODELS.register_module()
class VGGFeatures(nn.Module):
    """Maps after the first three poolings of torchvision's ImageNet VGG-16.

    The weights are buffers outside the state dict: they are not trained, are not synchronised as
    parameters and do not enlarge checkpoints.

    Args:
        checkpoint: a file with torchvision's ``vgg16`` state dict; ``'torchvision://vgg16'`` is
            torchvision's own download, kept in torch's hub folder.

    Raises:
        HandFileError: the file is missing or is no VGG-16, or the download failed.
    """

    def __init__(self, checkpoint: str = 'torchvision://vgg16') -> None:
        super().__init__()
        from torchvision.models import vgg16

        network = vgg16(weights=None, init_weights=False)
        features = network.features[: SLICES[-1][1]]
        state = {
            key.removeprefix('features.'): value
            for key, value in _load_vgg(checkpoint).items()
            if key.startswith('features.')
        }
        wanted = features.state_dict()
        if any(key not in state or state[key].shape != wanted[key].shape for key in wanted):
            raise HandFileError(
                f'{checkpoint} holds no torchvision VGG-16: it lacks features.0 ... features.14'
            )
        features.load_state_dict({key: state[key] for key in wanted})
        for module in features.modules():
            for name, parameter in list(module._parameters.items()):
                del module._parameters[name]
                module.register_buffer(name, parameter.data, persistent=False)
            if isinstance(module, nn.ReLU):
                module.inplace = False
        self.slices = nn.ModuleList(features[start:stop] for start, stop in SLICES)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Features of normalised pictures.

        Args:
            x: (B, 3, H, W), ImageNet-normalised RGB.

        Returns:
            Maps (B, 64, H/2, W/2), (B, 128, H/4, W/4), (B, 256, H/8, W/8).
        """
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

"""Model generators."""

from .pconv_unet import PartialConvBlock, PConvUNet

__all__ = ['PConvUNet', 'PartialConvBlock']

"""Likeness of pictures inside a mask."""

import torch
import torch.nn.functional as F
from torch import Tensor

#: Constants of SSIM (Wang et al. 2004) for values in [0, 1].
_C1, _C2 = 0.01**2, 0.03**2


def masked_l1(ours: Tensor, theirs: Tensor, mask: Tensor) -> Tensor:
    """Mean absolute difference inside a mask.

    Args:
        ours: (B, C, H, W).
        theirs: the same shape.
        mask: (B, 1, H, W) flags.

    Returns:
        (B,), ``nan`` where the mask is empty.
    """
    return masked_mean((ours - theirs).abs().mean(1, keepdim=True), mask)


def masked_psnr(ours: Tensor, theirs: Tensor, mask: Tensor) -> Tensor:
    """Peak signal-to-noise ratio (B,), dB, inside a mask, of pictures with values in [0, 1]."""
    error = masked_mean(((ours - theirs) ** 2).mean(1, keepdim=True), mask)
    return -10 * torch.log10(error.clamp_min(1e-10))


def masked_ssim(ours: Tensor, theirs: Tensor, mask: Tensor) -> Tensor:
    """Mean structural similarity (B,) of the windows centred inside a mask; values in [0, 1]."""
    return masked_mean(ssim_map(ours, theirs).mean(1, keepdim=True), mask)


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean (B,) of values (B, 1, H, W) where the mask (B, 1, H, W) is set; ``nan`` if nowhere."""
    mask = mask.to(values)
    return (values * mask).sum((1, 2, 3)) / mask.sum((1, 2, 3))


def ssim_map(ours: Tensor, theirs: Tensor, size: int = 11, sigma: float = 1.5) -> Tensor:
    """Structural similarity at every pixel (Wang et al. 2004), per channel.

    Windows are Gaussian; beyond the border the picture is reflected.

    Args:
        ours: (B, C, H, W) in [0, 1].
        theirs: the same shape.
        size: odd side of the window.
        sigma: its standard deviation, pixels.

    Returns:
        (B, C, H, W).
    """
    x = torch.arange(size, dtype=ours.dtype, device=ours.device) - size // 2
    profile = torch.exp(-0.5 * (x / sigma) ** 2)
    profile = profile / profile.sum()
    channels = ours.shape[1]

    def blur(picture: Tensor) -> Tensor:
        half = size // 2
        padded = F.pad(picture, (half, half, half, half), mode='reflect')
        rows = profile.view(1, 1, -1, 1).expand(channels, 1, -1, 1)
        columns = profile.view(1, 1, 1, -1).expand(channels, 1, 1, -1)
        return F.conv2d(F.conv2d(padded, rows, groups=channels), columns, groups=channels)

    mean_a, mean_b = blur(ours), blur(theirs)
    var_a = blur(ours * ours) - mean_a**2
    var_b = blur(theirs * theirs) - mean_b**2
    covariance = blur(ours * theirs) - mean_a * mean_b
    likeness = (2 * mean_a * mean_b + _C1) * (2 * covariance + _C2)
    return likeness / ((mean_a**2 + mean_b**2 + _C1) * (var_a + var_b + _C2))

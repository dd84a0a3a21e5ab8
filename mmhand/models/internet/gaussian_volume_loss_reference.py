"""Readable reference of :mod:`mmhand.models.internet.gaussian_volume_loss`: the target is rendered."""

from torch import Tensor


def gaussian_volume_loss_reference(
    volumes: Tensor, profiles: tuple[Tensor, Tensor, Tensor], weights: Tensor
) -> Tensor:
    """:class:`GaussianVolumeLoss` of weight 1 by the definition: for tests and for reading.

    Args:
        volumes: (B, J, D, H, W) predictions.
        profiles: (B, J, W), (B, J, H) and (B, J, D) factors of the target.
        weights: (B, J).
    """
    x, y, z = profiles
    target = z[..., :, None, None] * y[..., None, :, None] * x[..., None, None, :]
    return (weights[..., None, None, None] * (volumes - target).square()).mean()

"""Where HDR's hands are in metres: size, place before the camera, and the fitted mesh with them."""

from collections.abc import Mapping

import torch
from torch import Tensor

from mmhand.fitting import NEAREST, FittedHands, fit_translation, translation_by_size
from mmhand.structures import HandCamera, HandInstances


def mesh_fields(fit: FittedHands, size: tuple[int, int]) -> dict[str, Tensor]:
    """A fit's results as fields of hands.

    Args:
        fit: of B x N hands, in the unit of their joints.
        size: (B, N).

    Returns:
        ``pose``, ``betas``, ``scale``, ``transl``, ``vertices``, ``fit_residual``, (B, N, ...).
    """
    names = {name: name for name in ('pose', 'betas', 'scale', 'transl', 'vertices')}
    names['fit_residual'] = 'residual'
    return {name: getattr(fit, field).unflatten(0, size) for name, field in names.items()}


def place_hands(
    hands: HandInstances, camera: HandCamera | Mapping | None, bone_length: object | None
) -> None:
    """Give bone-normalised hands their size and their place, as far as these can be told.

    Args:
        hands: N hands with ``keypoints_3d`` (bone-normalised), ``keypoints_2d``, ``keypoint_scores``
            and ``bbox``, which is about twice the hand; with the fields of :func:`mesh_fields` or
            without. ``keypoints_cam`` is added where bone length and camera are known; meshes become
            metric, relative to the estimated wrist without a camera.
        camera: of the sample, ``None`` where it is not known.
        bone_length: metres from wrist to middle MCP, one or N numbers; a mesh without it is as large
            as the hand model thinks.
    """
    meshes = 'vertices' in hands
    if bone_length is not None:
        unit = torch.as_tensor(bone_length, dtype=torch.float32).expand(len(hands))
    elif meshes:
        unit = 1 / hands.scale
    else:
        return
    unit = unit.view(-1, 1, 1)
    root = hands.keypoints_3d[:, :1]
    joints = (hands.keypoints_3d - root) * unit
    shift = torch.zeros_like(root)
    camera = HandCamera.of(camera)
    if camera is not None:
        K = torch.from_numpy(camera.K_crop)
        shift = _shift(joints, hands, K.expand(len(hands), 3, 3))[:, None]
        if bone_length is not None:
            hands.keypoints_cam = joints + shift
    if meshes:
        hands.vertices = (hands.vertices - root) * unit + shift
        hands.transl = ((hands.transl[:, None] - root) * unit + shift)[:, 0]
        hands.scale = hands.scale * unit.flatten()
        hands.fit_residual = hands.fit_residual * unit.flatten()


def _shift(joints: Tensor, hands: HandInstances, K: Tensor) -> Tensor:
    """(N, 3) metres under which joints lie on their pixels, before the camera."""
    shift = fit_translation(joints, hands.keypoints_2d, K, hands.keypoint_scores)
    nearest = shift[:, 2] + joints[..., 2].amin(1)
    good = shift.isfinite().all(1) & (nearest > NEAREST)
    by_size = translation_by_size(joints, hands.keypoints_2d, K, 0.5 * hands.bbox[:, 2])
    return torch.where(good[:, None], shift, by_size)

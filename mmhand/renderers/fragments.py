"""What a rasteriser returns, and reading surface attributes from it."""

from typing import NamedTuple

import torch
from torch import Tensor


class Fragments(NamedTuple):
    """The nearest surface point behind each pixel.

    Pixel (row v, column u) is seen along the ray through image coordinates (u, v): pixel centres
    lie at integers, as in OpenCV.

    Attributes:
        face_index: (B, H, W) int64 face of the mesh, -1 where there is none.
        barycentric: (B, H, W, 3) weights of that face's corners at the surface point
            (perspective-correct, non-negative, summing to 1), 0 where there is none.
        depth: (B, H, W) z of the surface point in the camera frame, metres; 0 where there is none.
    """

    face_index: Tensor
    barycentric: Tensor
    depth: Tensor

    @property
    def mask(self) -> Tensor:
        """(B, H, W) bool, pixels that see a face."""
        return self.face_index >= 0


def gather_faces(values: Tensor, faces: Tensor) -> Tensor:
    """(B, F, 3, C) values of the corners of faces (F, 3) or (B, F, 3), from (B, V, C)."""
    if faces.ndim == 2:
        return values[:, faces]
    mesh = torch.arange(len(faces), device=faces.device)[:, None, None]
    return values[mesh, faces]


def pixel_corners(face_index: Tensor, faces: Tensor, num_vertices: int) -> tuple[Tensor, Tensor]:
    """The covered pixels and the corners of their faces.

    Args:
        face_index: (B, H, W) of :class:`Fragments`.
        faces: (F, 3) or (B, F, 3).
        num_vertices: V.

    Returns:
        (M,) indices into the B * H * W pixels, and (M, 3) indices into the B * V vertices.
    """
    flat = face_index.reshape(-1)
    pixels = (flat >= 0).nonzero().squeeze(1)
    height, width = face_index.shape[1:]
    mesh = torch.div(pixels, height * width, rounding_mode='floor')
    face = flat[pixels]
    if faces.ndim == 3:
        face = face + mesh * faces.shape[1]
    corners = faces.reshape(-1, 3)[face] + (mesh * num_vertices)[:, None]
    return pixels, corners


def surface_values(
    fragments: Fragments, faces: Tensor, attributes: Tensor
) -> tuple[Tensor, Tensor]:
    """Vertex attributes at the covered pixels only.

    Args:
        fragments: of B meshes.
        faces: (F, 3) or (B, F, 3), those that were rasterised.
        attributes: (B, V, C) or (V, C), e.g. colours, normals or texture coordinates.

    Returns:
        (M,) indices into the B * H * W pixels, and (M, C) values of the attributes' dtype.
    """
    if attributes.ndim == 2:
        attributes = attributes.expand(len(fragments.face_index), *attributes.shape)
    num_vertices, channels = attributes.shape[1:]
    pixels, corners = pixel_corners(fragments.face_index, faces, num_vertices)
    values = attributes.reshape(-1, channels).index_select(0, corners.reshape(-1))
    weights = fragments.barycentric.reshape(-1, 3).index_select(0, pixels).to(attributes.dtype)
    return pixels, (values.view(-1, 3, channels) * weights[..., None]).sum(1)


def interpolate(fragments: Fragments, faces: Tensor, attributes: Tensor) -> Tensor:
    """Carry vertex attributes to the pixels, differentiably.

    Args:
        fragments: of B meshes.
        faces: (F, 3) or (B, F, 3), those that were rasterised.
        attributes: (B, V, C) or (V, C), e.g. colours, normals or texture coordinates.

    Returns:
        (B, H, W, C) of the attributes' dtype, 0 where there is no face.
    """
    pixels, values = surface_values(fragments, faces, attributes)
    shape = (*fragments.face_index.shape, values.shape[-1])
    canvas = values.new_zeros(fragments.face_index.numel(), shape[-1])
    return canvas.index_copy(0, pixels, values).view(shape)

"""Losses of a mesh's surface: orientation and length of its edges."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmhand.registry import MODELS


def face_edges(vertices: Tensor, faces: Tensor) -> Tensor:
    """The three edges of every face.

    Faces come before meshes: a corner of all meshes is then one row, and rows are copied whole, which
    takes a quarter of the time.

    Args:
        vertices: (..., V, 3).
        faces: (F, 3) vertex indices.

    Returns:
        (3, F, N, 3): edges ab, ac, bc of each face (a, b, c) of all N meshes.
    """
    rows = vertices.flatten(0, -3) if vertices.ndim > 2 else vertices[None]
    rows = rows.transpose(0, 1).flatten(1)
    corners = rows.index_select(0, faces.mT.reshape(-1)).view(3, len(faces), -1, 3)
    a, b, c = corners
    return torch.stack((b - a, c - a, c - b))


@MODELS.register_module()
class MeshNormalLoss(nn.Module):
    """How far predicted edges leave the annotated surface.

    Mean over faces and their three edges of \\|edge . normal\\|, edges of the prediction and normals of
    the target, both of unit length. No unit of length, no gradient to a face's size.

    Args:
        loss_weight: multiplies it.
    """

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, pred: Tensor, target: Tensor, faces: Tensor) -> Tensor:
        """Compare meshes (..., V, 3) of one topology ``faces`` (F, 3); a scalar."""
        edges = F.normalize(face_edges(pred, faces), dim=-1)
        first, second = F.normalize(face_edges(target, faces)[:2], dim=-1)
        normals = F.normalize(first.cross(second, dim=-1), dim=-1)
        cosines = (edges * normals).sum(-1)
        return self.loss_weight * cosines.abs().mean()


@MODELS.register_module()
class MeshEdgeLoss(nn.Module):
    """Mean absolute difference of the lengths of every face's three edges, unit of the vertices.

    Inner edges belong to two faces and count twice.

    Args:
        loss_weight: multiplies it.
        eps: added to squared lengths; 0 as released. An edge of length zero has no direction to grow in:
            it passes no gradient either way.
    """

    def __init__(self, loss_weight: float = 1.0, eps: float = 0.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight
        self.eps = eps

    def forward(self, pred: Tensor, target: Tensor, faces: Tensor) -> Tensor:
        """Compare meshes (..., V, 3) of one topology ``faces`` (F, 3); a scalar."""
        difference = self._lengths(pred, faces) - self._lengths(target, faces)
        return self.loss_weight * difference.abs().mean()

    def _lengths(self, vertices: Tensor, faces: Tensor) -> Tensor:
        squared = face_edges(vertices, faces).square().sum(-1) + self.eps
        # The root's gradient at zero is infinite, times an edge of zero no number: below the least
        # positive number a clamp passes none.
        return squared.clamp_min(torch.finfo(squared.dtype).tiny).sqrt()

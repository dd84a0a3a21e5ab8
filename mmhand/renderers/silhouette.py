"""Silhouettes with gradients to the vertices."""

import torch
from torch import Tensor

#: Face-pixel pairs handled at once.
_CHUNK = 1 << 20


def _segment_distance(points: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """Squared distance of points (N, 2) to segments."""
    along = end - start
    length = along.square().sum(-1).clamp_min(1e-12)
    t = (((points - start) * along).sum(-1) / length).clamp(0, 1)
    return (points - start - t.unsqueeze(-1) * along).square().sum(-1)


def soft_silhouette(
    vertices: Tensor,
    faces: Tensor,
    K: Tensor,
    image_size: tuple[int, int],
    sigma: float = 1.0,
    znear: float = 1e-2,
) -> Tensor:
    """Probability that each pixel shows the mesh (Soft Rasterizer, Liu et al., ICCV 2019).

    ``1 - prod_f (1 - sigmoid(s d^2 / sigma))`` with d the distance of the pixel to face f, s = 1 inside
    it and -1 outside. Faces reach ``3 sqrt(sigma)`` pixels beyond their box; further ones would add
    less than 2e-4. Faces that touch the near plane are left out.

    Args:
        vertices: (B, V, 3) camera frame, metres.
        faces: (F, 3) int64.
        K: (B, 3, 3) or (3, 3).
        image_size: (H, W).
        sigma: softness, square pixels.
        znear: metres.

    Returns:
        (B, H, W) in [0, 1], differentiable.
    """
    batch, height, width = len(vertices), *image_size
    K = K.expand(batch, 3, 3).to(vertices)
    image = vertices @ K.mT
    uv = image[..., :2] / image[..., 2:].clamp_min(znear)
    corners = uv[:, faces]
    margin = 3 * sigma**0.5
    with torch.no_grad():
        limit = torch.tensor([width - 1, height - 1], device=uv.device)
        low = (corners.amin(2) - margin).ceil().clamp(-1, 1e7).long().clamp_min(0)
        high = (corners.amax(2) + margin).floor().clamp(-1, 1e7).long()
        extent = (torch.minimum(high, limit) - low + 1).clamp_min(0)
        usable = (vertices[:, faces][..., 2] > znear).all(-1)
        counts = (extent.prod(-1) * usable).view(-1)
        kept = torch.nonzero(counts).squeeze(1)
        bounds = counts[kept].cumsum(0)
    log_empty = vertices.new_zeros(batch * height * width)
    flat, low, columns = corners.reshape(-1, 3, 2), low.view(-1, 2), extent.view(-1, 2)[:, 0]
    start = 0
    while start < len(kept):
        done = bounds[start - 1] if start else bounds.new_zeros(())
        stop = max(int(torch.searchsorted(bounds, done + _CHUNK, right=True)), start + 1)
        chunk = kept[start:stop]
        owner = torch.repeat_interleave(chunk, counts[chunk])
        first = torch.repeat_interleave(counts[chunk].cumsum(0) - counts[chunk], counts[chunk])
        offset = torch.arange(len(owner), device=owner.device) - first
        x, y = low[owner, 0] + offset % columns[owner], low[owner, 1] + offset // columns[owner]
        pixels = torch.stack((x, y), dim=-1).to(uv)
        a, b, c = flat[owner].unbind(1)
        edges = [
            (q - p)[:, 0] * (pixels - p)[:, 1] - (q - p)[:, 1] * (pixels - p)[:, 0]
            for p, q in ((a, b), (b, c), (c, a))
        ]
        signs = torch.stack(edges, dim=-1).detach()
        within = (signs >= 0).all(-1) | (signs <= 0).all(-1)
        squared = torch.stack(
            [_segment_distance(pixels, p, q) for p, q in ((a, b), (b, c), (c, a))], dim=-1
        ).amin(-1)
        score = torch.where(within, squared, -squared) / sigma
        # log(1 - sigmoid(score)), stable for large scores.
        pixel = (owner // faces.shape[0]) * (height * width) + y * width + x
        log_empty = log_empty.index_add(0, pixel, -torch.nn.functional.softplus(score))
        start = stop
    return (1 - log_empty.exp()).view(batch, height, width)

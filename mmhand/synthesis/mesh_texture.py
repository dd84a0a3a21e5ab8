"""Textures without texture coordinates: a small triangular grid of texels on every face.

After Yuksel et al., "Mesh Colors" (ACM TOG 2010). A face of resolution R holds (R + 1)(R + 2) / 2
texels at barycentric coordinates (i, j, R - i - j) / R; a pixel blends the three around it. Texels
on shared edges are functions of the position alone, so there are no seams.
"""

import numpy as np


class MeshTexture:
    """The texel grid of one mesh.

    Args:
        vertices: (V, 3) rest vertices, metres; they set each face's resolution.
        faces: (F, 3).
        spacing: wanted distance between texels, metres.
        finest: largest resolution of a face.

    Attributes:
        count: number of texels T.
        face: (T,) face of each texel.
        barycentric: (T, 3) float32 place of each texel in its face.
    """

    def __init__(
        self, vertices: np.ndarray, faces: np.ndarray, spacing: float, finest: int = 16
    ) -> None:
        self.faces = faces
        corners = vertices[faces]
        edges = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=-1).max(1)
        self.resolution = np.clip(np.ceil(edges / spacing), 2, finest).astype(np.int32)
        sizes = (self.resolution + 1) * (self.resolution + 2) // 2
        self.first = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int32)
        self.count = int(sizes.sum())
        self.face = np.repeat(np.arange(len(faces)), sizes)
        self.barycentric = np.empty((self.count, 3), np.float32)
        for resolution in np.unique(self.resolution):
            i, j = np.nonzero(
                np.add.outer(np.arange(resolution + 1), np.arange(resolution + 1)) <= resolution
            )
            grid = np.stack([i, j, resolution - i - j], -1) / resolution
            at = self.first[self.resolution == resolution]
            self.barycentric[at[:, None] + np.arange(len(grid))] = grid

    def spread(self, attributes: np.ndarray) -> np.ndarray:
        """Per-vertex attributes (V, C) at the texels, (T, C) float32."""
        corners = attributes.astype(np.float32)[self.faces[self.face]]
        return np.einsum('tkc,tk->tc', corners, self.barycentric)

    def sample(self, texels: np.ndarray, face: np.ndarray, barycentric: np.ndarray) -> np.ndarray:
        """Look texels up.

        Args:
            texels: (T, C) values at the texels.
            face: (N,) faces.
            barycentric: (N, 3) places in them.

        Returns:
            (N, C), continuous over each face.
        """
        r = self.resolution[face]
        at = np.clip(barycentric, 0, 1) * r[:, None]
        i, j = np.floor(at[:, :2]).astype(np.int32).T
        # Keep the cell inside the grid on its far edge (i + j = R).
        i = np.minimum(i, r - 1)
        j = np.minimum(j, r - 1 - i)
        u, v = (at[:, 0] - i).astype(np.float32), (at[:, 1] - j).astype(np.float32)
        # A cell of the grid is two triangles; they share the diagonal (i + 1, j) to (i, j + 1).
        upper = (u + v > 1) & (i + j + 2 <= r)
        row = self.first[face] + i * (r + 1) - i * (i - 1) // 2 + j
        below = row + (r + 1 - i)
        third = np.where(upper, below + 1, row)
        weights = np.stack(
            [
                np.where(upper, 1 - v, u),
                np.where(upper, 1 - u, v),
                np.where(upper, u + v - 1, 1 - u - v),
            ]
        )[..., None]
        return (
            texels[below] * weights[0] + texels[row + 1] * weights[1] + texels[third] * weights[2]
        )

"""Light on surfaces, pixel by pixel. All colours are linear RGB, all vectors camera frame."""

from dataclasses import dataclass

import cv2
import numpy as np

from .lights import Lights

#: How far light creeps around a curved surface of skin; red travels furthest (Jimenez et al.,
#: "Separable Subsurface Scattering", 2015, gives the order; the values are for a wrapped cosine).
_SKIN_WRAP = np.array([0.34, 0.14, 0.09], np.float32)

#: Reflectance of skin at normal incidence.
_F0 = 0.028

#: What grazing angles add to it.
_GRAZING = 0.16


@dataclass
class Surface:
    """Visible surface points.

    Attributes:
        albedo: (N, 3).
        normal: (N, 3) unit.
        position: (N, 3) metres.
        gloss: (N,) strength of highlights, about 1 for dry skin.
        skin: (N,) bool, light scatters under it.
        shadow: (N,) 1 lit by the key light to 0 in its shadow.
        ambient: (N,) 1 open to 0 hidden from ambient light.
    """

    albedo: np.ndarray
    normal: np.ndarray
    position: np.ndarray
    gloss: np.ndarray
    skin: np.ndarray
    shadow: np.ndarray
    ambient: np.ndarray


def shade(surface: Surface, lights: Lights, rotation: np.ndarray) -> np.ndarray:
    """Light that leaves the surface towards the camera.

    Args:
        surface: what is seen.
        lights: of the world.
        rotation: (3, 3) world to camera.

    Returns:
        (N, 3) float32.
    """
    normal = surface.normal.astype(np.float32)
    to_eye = -surface.position.astype(np.float32)
    to_eye /= np.linalg.norm(to_eye, axis=-1, keepdims=True)
    facing = np.clip((normal * to_eye).sum(-1), 0, 1)
    # Rough skin does not mirror at grazing angles as glass would.
    fresnel = _F0 + _GRAZING * (1 - facing) ** 5
    wrap = np.where(surface.skin[:, None], _SKIN_WRAP, np.float32(0.0))
    diffuse = np.zeros_like(normal)
    specular = np.zeros_like(normal)
    directions = (lights.directions @ rotation.T).astype(np.float32)
    key, fill = surface.shadow, 0.35 + 0.65 * surface.ambient
    # Where a shadow ends on skin it ends softly and red.
    edges = [lit[:, None] ** (1 - 1.4 * wrap) for lit in (key, fill)]
    for number, color in enumerate(lights.colors.astype(np.float32)):
        cosine = normal @ directions[number]
        reach = np.clip((cosine[:, None] + wrap) / (1 + wrap), 0, 1)
        # About reach to the power 1 + wrap, without the cost of a power.
        diffuse += reach * (1 - wrap + wrap * reach) * edges[min(number, 1)] * color
        half = directions[number] + to_eye
        square = np.einsum('nc,nc->n', half, half)
        shine2 = np.clip(np.einsum('nc,nc->n', normal, half), 0, None) ** 2 / (square + 1e-6)
        shine8 = (shine2 * shine2) ** 2
        lobes = 1.1 * shine8 * shine2 + 2.6 * surface.gloss * (shine8 * shine8) ** 2 * shine8
        lit = key if number == 0 else fill
        specular += (lobes * np.clip(cosine, 0, 1) * lit)[:, None] * color
    up = 0.5 - 0.5 * (normal @ rotation[:, 1].astype(np.float32))
    sky = lights.sky.astype(np.float32) * up[:, None]
    ground = lights.ground.astype(np.float32) * (1 - up[:, None])
    # Light that bounces between neighbouring skin reddens it.
    open_ = surface.ambient[:, None] ** np.where(
        surface.skin[:, None], np.float32([0.75, 1.0, 1.1]), np.float32(1.0)
    )
    diffuse += (sky + ground) * open_
    specular += 0.5 * (sky + ground) * surface.ambient[:, None] ** 2
    gain = (fresnel * surface.gloss)[:, None]
    return surface.albedo * diffuse + gain * specular


def bump(
    normal: np.ndarray, position: np.ndarray, height: np.ndarray, inside: np.ndarray
) -> np.ndarray:
    """Tilt normals by a relief, without texture coordinates.

    Mikkelsen, "Bump Mapping Unparametrized Surfaces on the GPU" (2010), with differences between
    neighbouring pixels.

    Args:
        normal: (H, W, 3) unit normals.
        position: (H, W, 3) metres.
        height: (H, W) relief, metres.
        inside: (H, W) bool, where the surface is; others are not touched.

    Returns:
        (H, W, 3) float32 unit normals.
    """

    def difference(field: np.ndarray, axis: int) -> np.ndarray:
        return np.roll(field, -1, axis) - field

    right = inside & np.roll(inside, -1, 1)
    down = inside & np.roll(inside, -1, 0)
    dx, dy = difference(position, 1), difference(position, 0)
    # Steep steps are edges of the surface, not its slope.
    smooth = right & down & (np.abs(dx[..., 2]) < 0.004) & (np.abs(dy[..., 2]) < 0.004)
    slope_x = np.clip(difference(height, 1), -2.5e-4, 2.5e-4)[..., None]
    slope_y = np.clip(difference(height, 0), -2.5e-4, 2.5e-4)[..., None]
    side_x, side_y = np.cross(dy, normal), np.cross(normal, dx)
    area = (dx * side_x).sum(-1, keepdims=True)
    tilt = np.sign(area) * (slope_x * side_x + slope_y * side_y)
    tilted = np.abs(area) * normal - tilt
    tilted /= np.maximum(np.linalg.norm(tilted, axis=-1, keepdims=True), 1e-12)
    return np.where(smooth[..., None], tilted, normal).astype(np.float32)


def ambient_occlusion(depth: np.ndarray, focal: float) -> np.ndarray:
    """How much of the ambient light reaches what is seen, from the depth map alone.

    After Luft et al., "Image Enhancement by Unsharp Masking the Depth Buffer" (2006): a point that
    lies behind the average of its surroundings is in a hollow.

    Args:
        depth: (H, W) metres, 0 on the background.
        focal: focal length, pixels.

    Returns:
        (H, W) float32, 1 open to about 0.25 hidden.
    """
    small = cv2.resize(depth, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_NEAREST)
    inside = (small > 0).astype(np.float32)
    if not inside.any():
        return np.ones_like(depth)
    distance = float(small[small > 0].mean())
    total = np.zeros_like(small)
    for radius, weight in ((0.004, 0.5), (0.010, 0.65), (0.026, 0.6)):
        sigma = max(0.5 * focal * radius / distance, 0.6)
        mean = cv2.GaussianBlur(small, (0, 0), sigma)
        share = cv2.GaussianBlur(inside, (0, 0), sigma)
        behind = small - mean / np.maximum(share, 1e-3)
        # What rises less than the radius darkens in proportion, what rises more is just in front.
        total += weight * share * np.clip(behind / radius - 0.12, 0, 0.9)
    shade_ = 1 - np.clip(total * inside, 0, 0.75)
    shade_ = cv2.resize(shade_, depth.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return np.where(depth > 0, shade_, 1.0).astype(np.float32)

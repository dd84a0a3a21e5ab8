"""Pictures of samples side by side, with and without their annotations."""

import cv2
import numpy as np

from mmhand.structures import get_joint_set
from mmhand.structures.sides import SIDE_COLORS_8BIT, SIDES

from .sample import SyntheticSample

#: BGR of amodal outlines, visible areas and bones: right, left.
_COLORS = {side: rgb[::-1] for side, rgb in zip(SIDES, SIDE_COLORS_8BIT, strict=True)}


def _square(sample: SyntheticSample, margin: float = 1.35) -> np.ndarray:
    """(2, 3) affine from the picture to the unit square about the hands, kept inside if it fits."""
    height, width = sample.mask.shape
    rows, columns = np.nonzero(sample.hand_masks.any(-1))
    if not len(rows):
        rows, columns = np.array([0, height - 1]), np.array([0, width - 1])
    edge = min(margin * max(np.ptp(rows), np.ptp(columns), 32), height, width)
    center = np.array([columns.min() + columns.max(), rows.min() + rows.max()]) / 2
    low = np.clip(center - edge / 2, 0, np.maximum([width - edge, height - edge], 0))
    return np.array([[1 / edge, 0, -low[0] / edge], [0, 1 / edge, -low[1] / edge]])


def annotated(sample: SyntheticSample) -> np.ndarray:
    """(H, W, 3) the picture with visible areas tinted, amodal outlines and bones drawn."""
    image = sample.image.copy()
    bones = get_joint_set('canonical').bones
    for hand in sample.hands:
        color = _COLORS[hand.side]
        visible = sample.plane(f'{hand.side}_visible')
        image[visible] = (0.6 * image[visible] + 0.4 * np.array(color)).astype(np.uint8)
        amodal = sample.plane(f'{hand.side}_amodal').astype(np.uint8)
        outlines, _ = cv2.findContours(amodal, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(image, outlines, -1, color, 1, cv2.LINE_AA)
        points = np.rint(sample.joints_2d(hand) * 16).astype(int)
        for a, b in bones:
            cv2.line(image, points[a], points[b], (255, 255, 255), 1, cv2.LINE_AA, 4)
        for point in points:
            cv2.circle(image, point, 28, color, -1, cv2.LINE_AA, 4)
    return image


def depth_picture(sample: SyntheticSample) -> np.ndarray:
    """(H, W, 3) the depth map in colours, near to far over what is there; background black."""
    inside = sample.depth > 0
    low, high = (sample.depth[inside].min(), sample.depth[inside].max()) if inside.any() else (0, 1)
    scaled = 255 - np.clip((sample.depth - low) / max(high - low, 1e-6), 0, 1) * 255
    picture = cv2.applyColorMap(scaled.astype(np.uint8), cv2.COLORMAP_TURBO)
    return np.where(inside[..., None], picture, 0).astype(np.uint8)


def contact_sheet(
    samples: list[SyntheticSample], columns: int = 6, edge: int = 200, explained: int = 0
) -> np.ndarray:
    """Square tiles about the hands of many samples.

    Args:
        samples: what to show.
        columns: tiles in a row.
        edge: of a tile, pixels.
        explained: so many of the samples, the first ones, are followed by a tile with masks and
            joints and one with the depth.

    Returns:
        (H, W, 3) uint8 BGR.
    """
    tiles = []
    for number, sample in enumerate(samples):
        pictures = [sample.image]
        if number < explained:
            pictures += [annotated(sample), depth_picture(sample)]
        affine = _square(sample) * edge
        shrink = affine[0, 0] < 1
        flags = cv2.INTER_AREA if shrink else cv2.INTER_CUBIC
        tiles += [
            cv2.warpAffine(picture, affine, (edge, edge), flags=flags) for picture in pictures
        ]
    return tile(tiles, columns)


def tile(pictures: list[np.ndarray], columns: int = 6, width: int = 200) -> np.ndarray:
    """Pictures of one shape side by side in rows.

    Args:
        pictures: (H, W) or (H, W, 3) uint8.
        columns: pictures in a row.
        width: of each, pixels.

    Returns:
        (H, W, 3) or (H, W) uint8.
    """
    shape = pictures[0].shape
    size = (width, round(width * shape[0] / shape[1]))
    tiles = [cv2.resize(picture, size, interpolation=cv2.INTER_AREA) for picture in pictures]
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    rows = [np.hstack(tiles[k : k + columns]) for k in range(0, len(tiles), columns)]
    return np.vstack(rows)

"""Drawing hands on pictures: skeletons, boxes, masks, labels, panels.

Pictures are uint8 (H, W, 3) RGB and are drawn on in place where the function says so. Fingers have
colours that stay apart for colour-blind eyes (Okabe & Ito 2008); right hands have round joints, left
hands square ones.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from mmhand.structures import get_joint_set
from mmhand.structures.sides import SIDE_COLORS_8BIT, SIDES

Colour = tuple[int, int, int]

FINGER_COLOURS: dict[str, Colour] = {
    'thumb': (230, 159, 0),
    'index': (86, 180, 233),
    'middle': (0, 158, 115),
    'ring': (240, 228, 66),
    'pinky': (204, 121, 167),
    'wrist': (245, 245, 245),
}

#: Boxes, masks and meshes by side: right, left.
SIDE_COLOURS: tuple[Colour, ...] = SIDE_COLORS_8BIT
SIDE_NAMES = SIDES

_FONT = cv2.FONT_HERSHEY_SIMPLEX
#: cv2 takes coordinates with this many fractional bits.
_SHIFT = 4


def joint_colours(joint_set: str = 'canonical') -> list[Colour]:
    """Colour of each joint of an order, by the finger it belongs to.

    Args:
        joint_set: name of the order.
    """
    colours = []
    for joint in get_joint_set(joint_set).joints:
        finger = next((name for name in FINGER_COLOURS if name in joint), 'wrist')
        colours.append(FINGER_COLOURS[finger])
    return colours


def line_width(image: np.ndarray) -> int:
    """A line width, in pixels, that suits the size of a picture."""
    return max(1, round(min(image.shape[:2]) / 160))


def draw_skeleton(
    image: np.ndarray,
    points: np.ndarray,
    valid: np.ndarray | None = None,
    side: int = 0,
    joint_set: str = 'canonical',
    width: int | None = None,
) -> np.ndarray:
    """Draw one hand's joints and bones, in place.

    Args:
        image: (H, W, 3) uint8 RGB.
        points: (J, 2) pixels; points that are not finite are left out.
        valid: (J,) flags; bones need both ends.
        side: 0 right (round joints), 1 left (square joints).
        joint_set: order of the points.
        width: line width in pixels; chosen by the picture's size if ``None``.

    Returns:
        The same picture.
    """
    points = np.asarray(points, dtype=np.float64)
    # Far outside the picture cv2's fixed-point coordinates would wrap around.
    shown = np.isfinite(points).all(-1) & (np.abs(points) < 1e5).all(-1)
    if valid is not None:
        shown &= np.asarray(valid).astype(bool)
    width = width or line_width(image)
    colours = joint_colours(joint_set)
    fixed = np.round(np.where(shown[:, None], points, 0) * (1 << _SHIFT)).astype(int)
    for outline, grow in ((True, 2), (False, 0)):
        # A dark rim under everything keeps the lines visible on skin and on light backgrounds.
        for parent, child in get_joint_set(joint_set).bones:
            if shown[parent] and shown[child]:
                colour = (0, 0, 0) if outline else colours[child]
                ends = tuple(map(int, fixed[parent])), tuple(map(int, fixed[child]))
                cv2.line(image, *ends, colour, width + grow, cv2.LINE_AA, _SHIFT)
        for index in np.flatnonzero(shown):
            colour = (0, 0, 0) if outline else colours[index]
            _draw_joint(image, fixed[index], 1.3 * width + 0.5 * grow, side, colour)
    return image


def _draw_joint(
    image: np.ndarray, fixed: np.ndarray, radius: float, side: int, colour: Colour
) -> None:
    reach = round(radius * (1 << _SHIFT))
    if side == 0:
        cv2.circle(image, tuple(map(int, fixed)), reach, colour, -1, cv2.LINE_AA, _SHIFT)
    else:
        low, high = tuple(map(int, fixed - reach)), tuple(map(int, fixed + reach))
        cv2.rectangle(image, low, high, colour, -1, cv2.LINE_AA, _SHIFT)


def draw_box(
    image: np.ndarray, box: Sequence[float], colour: Colour, label: str = ''
) -> np.ndarray:
    """Draw a box and its label, in place.

    Args:
        image: (H, W, 3) uint8 RGB.
        box: x, y, w, h in pixels.
        colour: RGB.
        label: written at its upper left corner.

    Returns:
        The same picture.
    """
    x, y, w, h = (round(float(value)) for value in box)
    cv2.rectangle(image, (x, y), (x + w, y + h), colour, line_width(image))
    if label:
        scale = max(0.35, min(image.shape[:2]) / 900)
        (text_w, text_h), base = cv2.getTextSize(label, _FONT, scale, 1)
        top = max(0, y - text_h - base - 2)
        cv2.rectangle(image, (x, top), (x + text_w + 4, top + text_h + base + 2), colour, -1)
        ink = (0, 0, 0) if sum(colour) > 380 else (255, 255, 255)
        at = (x + 2, top + text_h + 1)
        cv2.putText(image, label, at, _FONT, scale, ink, 1, cv2.LINE_AA)
    return image


def draw_text(
    image: np.ndarray,
    text: str,
    at: tuple[int, int],
    scale: float,
    colour: Colour,
    width: int = 1,
    rim: int = 1,
) -> np.ndarray:
    """Write a line with a black rim, which is read on any ground, in place.

    The rim is grown from the letters: OpenCV 5 sets thick letters wider than thin ones, so that a thick
    line under a thin one is another text beside it.

    Args:
        image: (H, W, 3) uint8 RGB.
        text: ASCII.
        at: x, y of its lower left corner, pixels.
        scale: of OpenCV's plain font.
        colour: RGB.
        width: of its strokes, pixels.
        rim: width of the rim, pixels.

    Returns:
        The same picture.
    """
    (text_w, text_h), base = cv2.getTextSize(text, _FONT, scale, width)
    left, top = max(0, at[0] - rim), max(0, at[1] - text_h - width - rim)
    bottom, right = (max(0, far + width + rim) for far in (at[1] + base, at[0] + text_w))
    patch = image[top:bottom, left:right]
    if not patch.size:
        return image
    letters = np.zeros(patch.shape[:2], np.uint8)
    cv2.putText(letters, text, (at[0] - left, at[1] - top), _FONT, scale, 255, width, cv2.LINE_AA)
    around = cv2.dilate(letters, np.ones((2 * rim + 1, 2 * rim + 1), np.uint8))
    for share, tone in ((around, (0, 0, 0)), (letters, colour)):
        part = share[..., None] / np.float32(255)
        patch[:] = (part * np.float32(tone) + (1 - part) * patch).round()
    return image


def stamp_untrained(image: np.ndarray) -> np.ndarray:
    """Say across the top of a drawing (H, W, 3) uint8 RGB that its weights are random, in place."""
    scale = max(0.4, min(image.shape[:2]) / 240)
    width, rim = (max(1, round(share * scale)) for share in (2, 1.5))
    return draw_text(image, 'UNTRAINED', (4, int(26 * scale)), scale, (255, 60, 60), width, rim)


def draw_masks(
    image: np.ndarray, masks: np.ndarray, colours: Sequence[Colour], alpha: float = 0.45
) -> np.ndarray:
    """Lay coloured masks over a picture.

    Args:
        image: (H, W, 3) uint8 RGB.
        masks: (N, H, W) bool or 0/1.
        colours: N colours.
        alpha: opacity of a mask.

    Returns:
        A new picture.
    """
    out = image.astype(np.float32)
    for mask, colour in zip(np.asarray(masks).astype(bool), colours, strict=True):
        out[mask] += alpha * (np.array(colour, dtype=np.float32) - out[mask])
    return out.round().astype(np.uint8)


def join_panels(panels: Sequence[np.ndarray], titles: Sequence[str]) -> np.ndarray:
    """Set pictures of one height side by side, each under its title.

    Args:
        panels: (H, W_i, 3) uint8 RGB.
        titles: as many short texts.

    Returns:
        One picture, a little higher than the panels.
    """
    height = max(panel.shape[0] for panel in panels)
    bar = max(18, round(height / 18))
    gap = np.full((height + bar, 4, 3), 255, dtype=np.uint8)
    columns: list[np.ndarray] = []
    for panel, title in zip(panels, titles, strict=True):
        head = np.full((bar, panel.shape[1], 3), 32, dtype=np.uint8)
        scale = bar / 32
        cv2.putText(
            head, title, (6, round(bar * 0.72)), _FONT, scale, (235, 235, 235), 1, cv2.LINE_AA
        )
        foot = np.full((height - panel.shape[0], panel.shape[1], 3), 255, dtype=np.uint8)
        columns += [np.concatenate([head, panel, foot]), gap]
    return np.concatenate(columns[:-1], axis=1)

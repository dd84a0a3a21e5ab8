"""What was found in one picture, and how it is shown and told."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from torch import nn

from mmhand.structures import HandDataSample
from mmhand.visualization import HandVisualizer, face_table, image_keypoints
from mmhand.visualization.draw import SIDE_COLOURS, SIDE_NAMES, draw_text, stamp_untrained
from mmhand.visualization.sample_view import FaceTable, present, sides_of, to_numpy
from mmhand.visualization.two_hand_views import related_meshes

#: Fields of hands that results are described by, besides side, box and 2D joints.
_DESCRIBED = (
    *(
        'track',
        'keypoints_3d',
        'pose',
        'betas',
        'scale',
        'transl',
        'fit_residual',
        'pixel_residual',
    ),
    *('handedness_score', 'side_score', 'confidence', 'keypoint_sigma', 'relative_sigma'),
)

#: (side, vertices (V, 3) metres in the camera's frame, faces (F, 3)).
Mesh = tuple[int, np.ndarray, np.ndarray]


@dataclass
class PictureResult:
    """What was found in one picture.

    Attributes:
        source: its file, ``picture_N`` for arrays, or the number of a video's frame.
        image: (H, W, 3) uint8 BGR.
        boxes: (N, 4) xywh that were looked at, pixels.
        samples: a data sample for each box; of the open method one with a hand for each box.
        files: what was written, by kind.
        number: of the picture or frame, from 0.
        time: seconds since a video began; ``None`` for pictures.
    """

    source: str
    image: np.ndarray
    boxes: np.ndarray
    samples: list[HandDataSample]
    files: dict[str, list[Path]] = field(default_factory=dict)
    number: int = 0
    time: float | None = None

    @property
    def num_hands(self) -> int:
        """Hands that are there."""
        found = (sample.get('pred_hands') for sample in self.samples)
        return sum(int(present(hands).sum()) for hands in found if hands is not None)


class ResultViews:
    """Draws and describes results of a model.

    Args:
        model: the network.
        weights: where its weights are from.
        config: its name.
    """

    def __init__(self, model: nn.Module, weights: str, config: str | None) -> None:
        self.weights, self.config = weights, config
        self.visualizer = HandVisualizer('hand-inferencer')
        self.visualizer.faces = face_table(model)
        #: Of the open method: whose pose and betas its hands have.
        self.hand_model = getattr(model, 'hand_model_name', None)

    @property
    def faces(self) -> FaceTable:
        """Faces of the meshes that results may hold."""
        return self.visualizer.faces

    def draw(self, result: PictureResult) -> np.ndarray:
        """The picture with everything that was found, (H', W', 3) uint8 RGB."""
        rgb = np.ascontiguousarray(result.image[..., ::-1])
        panels = [self.visualizer.draw_sample(rgb, sample) for sample in result.samples]
        drawn = np.concatenate(panels) if panels else rgb
        return _with_note(self._stamped(drawn), camera_note(result))

    def draw_meshes(self, result: PictureResult) -> np.ndarray:
        """The picture under its meshes, or its skeletons where there are none, (H, W, 3) uint8 RGB."""
        rgb = np.ascontiguousarray(result.image[..., ::-1])
        for sample in result.samples:
            hands = sample.get('pred_hands')
            if hands is None or not len(hands):
                continue
            laid = self.visualizer.draw_meshes(rgb, hands, sample)
            rgb = self.visualizer.draw_hands(rgb, hands, sample) if laid is None else laid
        return _with_note(self._stamped(rgb), camera_note(result))

    def _stamped(self, image: np.ndarray) -> np.ndarray:
        return stamp_untrained(image) if self.weights == 'untrained' else image

    def meshes(self, result: PictureResult) -> list[Mesh]:
        """The meshes of all hands of a result, each in its place."""
        found: list[Mesh] = []
        for sample in result.samples:
            if sample.get('pred_hands') is not None:
                found += related_meshes(sample.pred_hands, sample, self.faces)
        return found

    def describe(self, result: PictureResult, camera_given: bool = False) -> dict[str, object]:
        """A result as JSON can hold it; says its units and frames."""
        hands = [
            hand
            for number, sample in enumerate(result.samples)
            for hand in _described(result, number, sample)
        ]
        camera = result.samples[0].metainfo.get('camera', {}) if result.samples else {}
        moving = {} if result.time is None else {'frame': result.number, 'time': result.time}
        return {
            'picture': result.source,
            **moving,
            'size': [int(result.image.shape[1]), int(result.image.shape[0])],
            'weights': self.weights,
            'config': self.config,
            **({'hand_model': self.hand_model} if self.hand_model else {}),
            'units': 'pixels of the picture; metres and radians, axes right, down, forward',
            'joints': 'wrist, then thumb, index, middle, ring and little finger, base to tip',
            'camera': {
                'K': to_numpy(camera['K']).tolist() if 'K' in camera else None,
                'source': 'given' if camera_given else 'guessed',
            },
            'hands': hands,
        }


def camera_note(result: PictureResult) -> str:
    """One line on a guessed camera; empty where it was given or nothing was found."""
    camera = result.samples[0].metainfo.get('camera') if result.samples else None
    if not result.num_hands or not getattr(camera, 'assumed', False):
        return ''
    return f'camera assumed: focal length {camera.K[0, 0]:.0f} px'


def _with_note(image: np.ndarray, note: str) -> np.ndarray:
    if not note:
        return image
    scale = float(np.clip(min(image.shape[:2]) / 900, 0.3, 1.2))
    return draw_text(image, note, (4, image.shape[0] - 5), scale, (255, 255, 255))


def _described(
    result: PictureResult, number: int, sample: HandDataSample
) -> list[dict[str, object]]:
    found = sample.get('pred_hands')
    if found is None or not len(found):
        return []
    # One sample for each box, or one whose hands are the boxes'.
    shared = len(result.samples) == 1 and len(result.boxes) == len(found) and 'present' in found
    placed, described = image_keypoints(found, sample), []
    for row in np.flatnonzero(present(found)):
        box = result.boxes[row if shared else number]
        hand = {'side': SIDE_NAMES[sides_of(found)[row]], 'searched_box': box.tolist()}
        # Joints at the camera itself, as of networks that place no hand, have no pixels.
        if placed is not None and np.isfinite(placed[0][row]).any():
            hand['keypoints_2d'] = _rounded(placed[0][row], 3)
        for name in _DESCRIBED:
            if name in found:
                values = to_numpy(found.get(name))[row]
                integer = values.dtype.kind in 'iu'
                hand[name] = values.tolist() if integer else _rounded(values, 6)
        described.append(hand)
    return described


def _rounded(values: np.ndarray, digits: int) -> object:
    """Nested lists; ``None`` in place of what is not finite, for which JSON has no word."""
    values = np.round(values.astype(np.float64), digits)
    return np.where(np.isfinite(values), values.astype(object), None).tolist()


def side_rgb(side: int, count: int) -> np.ndarray:
    """(count, 3) uint8 colours of a side's vertices."""
    return np.tile(np.array(SIDE_COLOURS[side], dtype=np.uint8), (count, 1))

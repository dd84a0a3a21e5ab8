"""Pictures of annotated and predicted hands."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from mmengine.structures import BaseDataElement
from mmengine.visualization import Visualizer

from mmhand.registry import VISUALIZERS
from mmhand.renderers import overlay_meshes
from mmhand.structures import HandInstances, transform_points
from mmhand.utils.errors import HandFileError

from .draw import SIDE_COLOURS, SIDE_NAMES, draw_box, draw_masks, draw_skeleton, join_panels
from .sample_view import (
    FaceTable,
    camera_matrix,
    camera_meshes,
    crop_affine_of,
    image_keypoints,
    present,
    sides_of,
    to_numpy,
)
from .two_hand_views import weak_perspective_meshes

#: Small pictures are not enlarged beyond this, pixels.
_LONGEST = 4096


@VISUALIZERS.register_module()
class HandVisualizer(Visualizer):
    """Draw data samples and send the pictures to mmengine's backends.

    A sample becomes panels side by side: the annotation, the prediction, and the predicted mesh,
    those that there are. Each panel shows the whole original picture.

    Args:
        name: the instance's name.
        image: see :class:`mmengine.visualization.Visualizer`.
        vis_backends: backends' configs.
        save_dir: folder of the backends.
        min_height: smaller pictures are enlarged to this height, pixels, so that lines stay apart.
        joint_set: order of the samples' joints.
        mesh_alpha: opacity of meshes.
    """

    def __init__(
        self,
        name: str = 'visualizer',
        image: np.ndarray | None = None,
        vis_backends: list[dict] | None = None,
        save_dir: str | None = None,
        min_height: int = 320,
        joint_set: str = 'canonical',
        mesh_alpha: float = 0.85,
    ) -> None:
        super().__init__(name, image, vis_backends, save_dir)
        self.min_height = min_height
        self.joint_set = joint_set
        self.mesh_alpha = mesh_alpha
        #: Faces of the meshes that samples may hold; see :func:`.sample_view.face_table`.
        self.faces: FaceTable = {}

    def draw_hands(
        self,
        image: np.ndarray,
        hands: HandInstances,
        sample: BaseDataElement,
        zoom: float = 1.0,
    ) -> np.ndarray:
        """Draw boxes and skeletons of some hands, in place.

        Args:
            image: (H, W, 3) uint8 RGB, the original picture enlarged ``zoom`` times.
            hands: N hands.
            sample: the sample they belong to.
            zoom: enlargement of the picture.

        Returns:
            The same picture.
        """
        if not len(hands):
            return image
        sides = sides_of(hands)
        if 'bbox' in hands:
            boxes = to_numpy(hands.bbox).reshape(len(hands), -1)[:, :4] * zoom
            for box, side, shown in zip(boxes, sides, present(hands), strict=True):
                if shown and np.isfinite(box).all() and (box[2:] > 0).all():
                    draw_box(image, box, SIDE_COLOURS[side], SIDE_NAMES[side])
        placed = image_keypoints(hands, sample)
        if placed is not None:
            for points, valid, side in zip(*placed, sides, strict=True):
                points = transform_points(points, zoom_matrix(zoom)[:2])
                draw_skeleton(image, points, valid, int(side), self.joint_set)
        return image

    def draw_meshes(
        self, image: np.ndarray, hands: HandInstances, sample: BaseDataElement, zoom: float = 1.0
    ) -> np.ndarray | None:
        """Lay the hands' meshes over the picture.

        Args:
            image: (H, W, 3) uint8 RGB, the original picture enlarged ``zoom`` times.
            hands: N hands.
            sample: the sample they belong to, with a camera.
            zoom: enlargement of the picture.

        Returns:
            A new picture, or ``None`` if no mesh can be placed.
        """
        if 'weak_perspective' in hands:
            size = (round(image.shape[0] / zoom), round(image.shape[1] / zoom))
            meshes, camera = weak_perspective_meshes(hands, sample, self.faces, size)
        else:
            meshes, camera = camera_meshes(hands, sample, self.faces), camera_matrix(sample)
        if not meshes:
            return None
        sides, vertices, faces = zip(*meshes, strict=True)
        camera = zoom_matrix(zoom) @ camera
        colours = [SIDE_COLOURS[side][::-1] for side in sides]  # BGR
        bgr = np.ascontiguousarray(image[..., ::-1])
        bgr = overlay_meshes(bgr, vertices, faces, camera, colours, self.mesh_alpha)
        return np.ascontiguousarray(bgr[..., ::-1])

    def draw_sample(
        self,
        image: np.ndarray,
        data_sample: BaseDataElement,
        draw_gt: bool = True,
        draw_pred: bool = True,
    ) -> np.ndarray:
        """All panels of one sample.

        Args:
            image: (H, W, 3) uint8 RGB, the original picture.
            data_sample: with ``gt_hands``, ``pred_hands``, ``gt_sem_seg``, ``pred_sem_seg``, any.
            draw_gt: whether the annotation gets a panel.
            draw_pred: whether the prediction gets one.

        Returns:
            One RGB picture; the bare image where there is nothing to draw.
        """
        # A picture of a single row is not to become one of 100,000 columns.
        zoom = max(1.0, min(self.min_height / image.shape[0], _LONGEST / max(image.shape[:2])))
        if zoom > 1:
            image = cv2.resize(image, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC)
        panels: dict[str, np.ndarray] = {}
        kinds = (('gt', 'annotation', draw_gt), ('pred', 'prediction', draw_pred))
        for prefix, title, wanted in kinds:
            if not wanted:
                continue
            panel = self._masked(image, data_sample, data_sample.get(f'{prefix}_sem_seg'), zoom)
            hands = data_sample.get(f'{prefix}_hands')
            if hands is not None:
                meshes = self.draw_meshes(image, hands, data_sample, zoom)
                panel = image.copy() if panel is None else panel
                title = title if present(hands).any() else f'{title}: no hand'
                panels[title] = self.draw_hands(panel, hands, data_sample, zoom)
                if meshes is not None:
                    panels[f'{title}: mesh'] = meshes
            elif panel is not None:
                panels[title] = panel
        if not panels:
            return image
        return join_panels(list(panels.values()), list(panels))

    def _masked(
        self, image: np.ndarray, sample: BaseDataElement, masks: object, zoom: float
    ) -> np.ndarray | None:
        """The picture under a sample's mask planes, brought back from the crop."""
        if masks is None or 'data' not in masks:
            return None
        planes = to_numpy(masks.data)
        # Masks of 0 to 255 and class labels alike: what is not zero.
        planes = (planes > (0.5 if planes.dtype.kind == 'f' else 0)).astype(np.uint8)
        # From the enlarged picture to the crop, at the masks' own resolution.
        height = sample.metainfo.get('img_shape', planes.shape[-2:])[0]
        scale = np.diag([planes.shape[-2] / height] * 2)
        affine = scale @ crop_affine_of(sample) @ np.linalg.inv(zoom_matrix(zoom))
        size = image.shape[1], image.shape[0]
        flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
        back = np.stack([cv2.warpAffine(plane, affine, size, flags=flags) for plane in planes])
        colours = [
            SIDE_COLOURS[(index * 2 // max(len(planes), 2)) % 2] for index in range(len(back))
        ]
        return draw_masks(image, back, colours, alpha=0.6 / max(1, len(planes) // 2))

    def add_datasample(
        self,
        name: str,
        image: np.ndarray,
        data_sample: BaseDataElement | None = None,
        draw_gt: bool = True,
        draw_pred: bool = True,
        show: bool = False,
        wait_time: float = 0.0,
        out_file: str | Path | None = None,
        step: int = 0,
    ) -> np.ndarray:
        """Draw a sample, and show it, save it, or send it to the backends.

        Args:
            name: what the backends call the picture.
            image: (H, W, 3) uint8 RGB, the original picture.
            data_sample: the sample; ``None`` leaves the picture bare.
            draw_gt: whether the annotation gets a panel.
            draw_pred: whether the prediction gets one.
            show: open a window instead of writing.
            wait_time: seconds the window stays; 0 waits for a key.
            out_file: write here instead of to the backends.
            step: step under which backends file the picture.

        Returns:
            The picture drawn, RGB.

        Raises:
            HandFileError: ``out_file`` cannot be written.
        """
        drawn = image
        if data_sample is not None:
            drawn = self.draw_sample(image, data_sample.cpu(), draw_gt, draw_pred)
        if show:
            self.show(drawn, win_name=name, wait_time=wait_time)
        elif out_file is not None:
            write_image(out_file, drawn)
        else:
            self.add_image(name, drawn, step)
        return drawn


def zoom_matrix(zoom: float) -> np.ndarray:
    """(3, 3) map of pixels that ``cv2.resize`` does; whole coordinates are pixel centres."""
    shift = 0.5 * (zoom - 1)
    return np.array([[zoom, 0.0, shift], [0.0, zoom, shift], [0.0, 0.0, 1.0]])


def write_image(path: str | Path, image: np.ndarray) -> None:
    """Write an RGB picture; its folder is made if needed.

    Args:
        path: file name with an extension that OpenCV knows.
        image: (H, W, 3) uint8 RGB.

    Raises:
        HandFileError: it cannot be written.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        written = cv2.imwrite(str(path), np.ascontiguousarray(image[..., ::-1]))
    except (OSError, cv2.error) as error:
        raise HandFileError(f'cannot write the picture {path}: {error}') from error
    if not written:
        raise HandFileError(f'cannot write the picture {path}; is its folder writable?')


def tile_images(images: Sequence[np.ndarray], columns: int, height: int = 256) -> np.ndarray:
    """A contact sheet.

    Args:
        images: RGB pictures of any sizes; scaled to one height.
        columns: pictures in a row.
        height: of a row, pixels.

    Returns:
        One RGB picture.
    """
    scaled = [
        cv2.resize(img, (max(1, round(img.shape[1] * height / img.shape[0])), height))
        for img in images
    ]
    rows = [np.concatenate(scaled[i : i + columns], 1) for i in range(0, len(scaled), columns)]
    width = max(row.shape[1] for row in rows)
    padded = [np.pad(row, ((0, 4), (0, width - row.shape[1]), (0, 0))) for row in rows]
    return np.concatenate(padded)[:-4]

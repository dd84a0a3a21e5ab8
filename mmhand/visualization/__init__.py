"""Pictures and reports."""

from .draw import draw_box, draw_masks, draw_skeleton, join_panels
from .hand_visualizer import HandVisualizer, tile_images, write_image
from .sample_view import face_table, image_keypoints

__all__ = [
    'HandVisualizer',
    'draw_box',
    'draw_masks',
    'draw_skeleton',
    'face_table',
    'image_keypoints',
    'join_panels',
    'tile_images',
    'write_image',
]

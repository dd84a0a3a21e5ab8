"""Pictures and reports."""

from .draw import draw_box, draw_masks, draw_skeleton, join_panels
from .hand_visualizer import HandVisualizer, tile_images, write_image
from .html_report import HtmlReport
from .plots import plot_curves, save_figure
from .run_log import RunLog, read_log
from .run_report import build_run_report
from .sample_view import face_table, image_keypoints
from .stage_views import draw_stages
from .viewer import viewer_html, write_viewer

__all__ = [
    'HandVisualizer',
    'HtmlReport',
    'RunLog',
    'build_run_report',
    'draw_box',
    'draw_masks',
    'draw_skeleton',
    'draw_stages',
    'face_table',
    'image_keypoints',
    'join_panels',
    'plot_curves',
    'read_log',
    'save_figure',
    'tile_images',
    'viewer_html',
    'write_image',
    'write_viewer',
]

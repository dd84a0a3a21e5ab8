"""Where results go: files of pictures and of videos."""

from .picture_files import KINDS, PictureFiles
from .rerun_file import RerunFile
from .video_files import VideoFiles
from .writing import written

__all__ = ['KINDS', 'PictureFiles', 'RerunFile', 'VideoFiles', 'written']

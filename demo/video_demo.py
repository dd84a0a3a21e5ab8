"""Follow hands through a video and write an overlay video, JSON lines and a page.

python demo/video_demo.py video.mp4 --out-dir out
"""

import sys
from pathlib import Path

try:
    from mmhand_cli import main
except ImportError:  # run from a checkout whose install is older
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from mmhand_cli import main

if __name__ == '__main__':
    main(sys.argv[1:] or ['--help'])

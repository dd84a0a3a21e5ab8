"""Follow the hands before a camera until Ctrl-C; options as ``mmhand --help`` says.

python demo/webcam_demo.py
python demo/webcam_demo.py --camera 1 --max-frames 300
"""

import sys
from pathlib import Path

try:
    from mmhand_cli import main
except ImportError:  # run from a checkout whose install is older
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from mmhand_cli import main

if __name__ == '__main__':
    argv = sys.argv[1:]
    named = any(word.split('=')[0] in ('--camera', '-h', '--help') for word in argv)
    main(argv if named else ['--camera', '0', *argv])

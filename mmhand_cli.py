"""The command ``mmhand``: hands of pictures, videos and cameras, and the tools by short names.

Beside the package and not in it, so that ``mmhand --help`` imports no torch.
"""

import argparse
import difflib
import importlib
import importlib.util
import itertools
import os
import runpy
import signal
import sys
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import FrameType, ModuleType
from typing import NoReturn

#: Tools by their short names: the file below ``tools/``, and what it does.
TOOLS = {
    'train': ('train.py', 'train a config'),
    'test': ('test.py', 'test a checkpoint'),
    'browse': ('misc/browse_dataset.py', 'look at a data set as training sees it'),
    'report': ('analysis_tools/make_report.py', 'one HTML page of a run'),
    'synth': ('synthesis/make_dataset.py', 'make a synthetic data set'),
    'convert': ('model_converters/convert_checkpoint.py', "convert authors' checkpoints"),
    'personalize': ('personalize.py', "learn the shape of a person's hands"),
    'config': ('analysis_tools/print_config.py', 'print a whole config'),
}

SAVE = ('overlay', 'json', 'mesh', 'views', 'glb', 'stages', 'npz', 'html', 'rerun')

#: What a command takes in the place of a config, and of a checkpoint.
NO_CONFIGS = ('open', 'blaze_palm', 'blaze_hand')
NO_CHECKPOINTS = ('none', 'mean')


class Parser(argparse.ArgumentParser):
    """A parser that names the flag that was meant."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and end; see :class:`argparse.ArgumentParser`."""
        what, _, words = message.partition('unrecognized arguments: ')
        flag = words.split('=')[0].split()[0] if words.startswith('--') and not what else ''
        near = nearest(flag, self._option_string_actions)
        super().error(f'{message}; did you mean {near}?' if near else message)


def nearest(word: str, known: Iterable[str]) -> str:
    """Which of the known words is spelled most like a word; empty where none is."""
    return ''.join(difflib.get_close_matches(word, list(known), 1, 0.75))


def build_parser() -> argparse.ArgumentParser:
    """Arguments of the command without a tool's name."""
    tools = '\n'.join(f'  mmhand {name:<12} {about}' for name, (_, about) in TOOLS.items())
    parser = Parser(
        prog='mmhand',
        description='Find hands and write overlays, joints and meshes.\n\n'
        '  mmhand photo.jpg\n  mmhand video.mp4 --out-dir out\n  mmhand --camera 0',
        epilog=f'tools (mmhand NAME --help):\n{tools}\n'
        '  mmhand doctor       what is installed, what is missing and how to get it\n\n'
        'exit status: 0 hands were found, 1 none in any picture, 2 a mistake, 130 stopped',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('inputs', nargs='*', help='pictures, folders of pictures, videos')
    parser.add_argument('--version', action='version', version=version())
    parser.add_argument('--camera', type=int, metavar='N', help='take frames of this camera')
    parser.add_argument('--out-dir', metavar='DIR', default='mmhand_out', help='folder to write to')
    parser.add_argument(
        '--save',
        nargs='+',
        choices=SAVE,
        default=['overlay', 'json', 'glb', 'html'],
        metavar='KIND',
        help=f'{", ".join(SAVE)} (default: overlay json glb html); '
        'mesh is an obj a hand, views three sides, npz all arrays',
    )
    parser.add_argument(
        '--model', default='open', help='config file or name; the default needs no weights'
    )
    parser.add_argument('--checkpoint', help='weights of --model')
    parser.add_argument('--hand-model', choices=('OpenHand', 'MANO'), default='OpenHand')
    parser.add_argument('--person', metavar='NPZ', help='shape of mmhand personalize')
    parser.add_argument('--engine', choices=('torch', 'onnxruntime'), default='torch')
    parser.add_argument('--device', default='cpu')
    parser.add_argument(
        '--focal', type=float, metavar='PX', help='focal length; guessed without it'
    )
    parser.add_argument('--max-frames', type=int, metavar='N', help='stop a video or camera there')
    parser.add_argument('--no-smooth', action='store_true', help='videos frame by frame')
    parser.add_argument(
        '--serve',
        nargs='?',
        const=8000,
        type=int,
        metavar='PORT',
        help='a page on this computer only, that takes pictures and shows their hands (port 8000)',
    )
    return parser


def doctor_parser() -> argparse.ArgumentParser:
    """Arguments of ``mmhand doctor``."""
    parser = Parser(
        prog='mmhand doctor', description='What is installed, what is missing and how to get it.'
    )
    parser.add_argument(
        '--install',
        action='store_true',
        help='install mmpose, mmsegmentation and mmdetection into this environment',
    )
    parser.add_argument(
        '--data-root',
        nargs='+',
        default=[],
        metavar='FOLDER',
        help='also look through these folders of data sets (default: data, if there is one)',
    )
    return parser


def hush_others() -> None:
    """Hide warnings of OpenMMLab's own code that no user of it can do anything about."""
    for words in ('pkg_resources is deprecated', '``build_loss`` would be deprecated'):
        warnings.filterwarnings('ignore', words, UserWarning)


def end_early() -> None:
    """End at Ctrl-C and SIGTERM in one line while a command imports its modules.

    From then on :func:`mmhand.utils.errors.cli_guard` lets them unwind the stack.
    """
    endings = {signal.SIGINT: (130, 'interrupted'), signal.SIGTERM: (143, 'terminated')}

    def end_at_once(number: int, frame: FrameType | None) -> None:
        status, word = endings[signal.Signals(number)]
        if not os.environ.get('MMHAND_LAUNCHED'):
            sys.stderr.write(f'{word}\n')
            sys.stderr.flush()
        os._exit(status)

    for number in endings:
        # Whoever is told to ignore Ctrl-C, as commands in the background are, goes on doing so.
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, end_at_once)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    argv = list(sys.argv[1:] if argv is None else argv)
    # Waiting threads that spin slow a busy machine down twentyfold; read when torch is imported.
    os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
    end_early()
    hush_others()
    try:
        if argv == ['help']:
            argv = ['--help']
        if argv and argv[0] in TOOLS:
            run_tool(argv[0], argv[1:])
        elif argv and argv[0] == 'doctor':
            args = doctor_parser().parse_args(argv[1:])
            from mmhand.apis.doctor import main as doctor
            from mmhand.utils.errors import cli_guard

            cli_guard(doctor)(args.install, args.data_root)
        else:
            args = build_parser().parse_args(argv)
            if args.camera is None and args.serve is None and not args.inputs:
                build_parser().error('name a picture, a folder or a video, or give --camera 0')
            args.inputs = [brought_along(given) for given in args.inputs]
            if trouble := missing_input(args.inputs) or refuse_early(args):
                sys.stderr.write(f'error: {trouble}\n')
                sys.exit(2)
            from mmhand.apis.command import run

            run(args)
    except BrokenPipeError:
        # Whoever read the output has gone; nothing may be written to it at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def brought_along(given: str) -> str:
    """A path that the docs name below ``demo/``, in the package where it is not here."""
    own = tools_folder().parent / given
    if given.startswith('demo/') and not Path(given).exists() and own.exists():
        return str(own)
    return given


def missing_input(inputs: Sequence[str]) -> str | None:
    """Say which of the inputs is not there, before torch is imported.

    Args:
        inputs: files and folders.

    Returns:
        One line that names it, and the file beside it or the tool that was meant; ``None``: all are
        there.
    """
    for given in inputs:
        path = Path(given)
        if path.exists():
            continue
        if '://' in given:
            return f'{given} is an address; download the picture and name its file'
        # A folder of very many files is not read to its end for a hint.
        beside = itertools.islice(path.parent.glob('*'), 2000)
        near = nearest(path.name, (file.name for file in beside))
        near = near and str(path.with_name(near))
        if not near and given == inputs[0] and (tool := nearest(given, [*TOOLS, 'doctor'])):
            near = f'mmhand {tool}'
        return f'{given} does not exist' + (f'; did you mean {near}?' if near else '')
    return None


def refuse_early(arguments: object) -> str | None:
    """Say what of a command's arguments names nothing that can be used, before torch is imported.

    Looked at are a config, a checkpoint and pictures, by the names that all commands have for them.

    Args:
        arguments: of a command.

    Returns:
        One line; ``None``: nothing that is soon known.
    """
    errors = light_module('errors')
    try:
        for name in ('config', 'model'):
            value = getattr(arguments, name, None)
            # Benchmarks take several, each with its weights.
            if isinstance(value, str) and value not in NO_CONFIGS:
                light_module('config_names').resolve_config(value)
        checkpoint = getattr(arguments, 'checkpoint', None)
        # The open method takes none, which it says itself.
        named = checkpoint and getattr(arguments, 'model', None) != 'open'
        if named and checkpoint not in NO_CHECKPOINTS and '://' not in str(checkpoint):
            light_module('model_zoo').weights_file(checkpoint)
        for name in ('inputs', 'pictures', 'source'):
            value = getattr(arguments, name, None) or []
            given = [value] if isinstance(value, str) else value
            if all(Path(entry).exists() for entry in given):
                light_module('picture_names').check_inputs(given)
    except errors.MMHandError as error:
        return ' '.join(map(str, error.args))
    return None


def light_module(name: str) -> ModuleType:
    """A module of ``mmhand.utils`` that imports nothing large, without the package, which does.

    Its errors are classes of their own, not those of the package.

    Args:
        name: of a file in ``mmhand/utils/``.
    """
    home = 'mmhand_light_utils'
    if home not in sys.modules:
        sys.modules[home] = ModuleType(home)
        sys.modules[home].__path__ = [str(package_folder() / 'utils')]
    return importlib.import_module(f'{home}.{name}')


def run_tool(name: str, argv: Sequence[str]) -> None:
    """Run a tool as if its file had been called.

    Args:
        name: of :data:`TOOLS`.
        argv: its arguments.
    """
    path = tools_folder() / TOOLS[name][0]
    if not path.is_file():
        sys.exit(f'error: {path} is missing; install mmhand again')
    import mmhand_flags

    mmhand_flags.COMMAND = f'mmhand {name}'
    sys.argv = [str(path), *argv]
    sys.path.insert(0, str(path.parent))
    runpy.run_path(str(path), run_name='__main__')


def package_folder() -> Path:
    """Where the package is, without importing it."""
    spec = importlib.util.find_spec('mmhand')
    return Path(spec.origin).parent if spec and spec.origin else Path(__file__).parent / 'mmhand'


def version() -> str:
    """Name and version, as ``--version`` says them."""
    told = runpy.run_path(str(package_folder() / 'version.py'))
    return f'mmhand {told["__version__"]}'


def tools_folder() -> Path:
    """Where the tools are: in the installed package, or the checkout around it."""
    package = package_folder()
    installed = package / '.mim' / 'tools'
    return installed if installed.is_dir() else package.parent / 'tools'


if __name__ == '__main__':
    main()

"""What the commands' arguments have in common: one vocabulary, read before large imports.

Beside the package and not in it, so that ``--help`` of every tool imports no torch. A tool builds its
parser at the top of its file and calls :func:`start_tool` before its other imports.

The vocabulary: ``config`` first and ``checkpoint`` second; ``--out FILE``, ``--out-dir DIR``,
``--batch-size``, ``--device``, ``--seed``. Spellings of earlier versions go on working by
:class:`ToolParser`, with a note.
"""

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import mmhand_cli

#: Values that options take, as written where they are used; a test holds the two together.
STRATEGIES = ('all', 'first', 'random', 'top', 'softmax')
FORMATS = (
    *('aih', 'dexycb', 'dhg', 'freihand', 'ho3d', 'ho3d_v3', 'humbi', 'icvl', 'interhand', 'msra'),
    *('nyu', 'obman', 'shrec'),
)
#: Arguments that name what a tool writes: files, and folders.
FILES = ('out', 'dump', 'sheet')
OUTPUTS = (*FILES, 'out_dir', 'show_dir', 'work_dir')

#: Room below which no tool starts to write, bytes.
LEAST_SPACE = 8_000_000

CAMERA_NAMES = ('nyu', 'icvl', 'msra', 'shrec', 'hands')


#: What a tool is called in its help where it was not called by its file: ``mmhand train``.
COMMAND: str | None = None


class ConfigOptions(argparse.Action):
    """``key=value ...``, read by :class:`mmhand.utils.config.ConfigOptions` when there are any."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence | None,
        option_string: str | None = None,
    ) -> None:
        """Parse the pairs; see :class:`argparse.Action`."""
        from mmhand.utils.config import ConfigOptions as Pairs

        Pairs(self.option_strings, self.dest)(parser, namespace, values, option_string)


class ToolParser(mmhand_cli.Parser):
    """A parser whose help is a tool's own text, and which takes the spellings of earlier versions.

    Args:
        about: the text, with its line breaks.
    """

    def __init__(self, about: str | None) -> None:
        super().__init__(
            prog=COMMAND,
            description=about,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        self._renamed: dict[str, str] = {}
        self._moved: dict[str, argparse.Action] = {}

    def renamed(self, old: str, new: str) -> None:
        """Take an earlier spelling of a flag, with a note.

        Args:
            old: the flag, ``--old``; it takes one value.
            new: ``--new``, or the name of an argument that is now told by its place, the first.
        """
        self._renamed[old] = new

    def moved(self, flag: str) -> None:
        """Take a value by its place, the last, that is now told by a flag, with a note.

        Args:
            flag: that was added before.
        """
        (action,) = (action for action in self._actions if flag in action.option_strings)
        place = f'{action.dest}_by_place'
        self._moved[place] = action
        self.add_argument(place, nargs='?', type=action.type, help=argparse.SUPPRESS)

    def parse_known_args(
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Read arguments; see :class:`argparse.ArgumentParser`."""
        words = self._new_spellings(list(sys.argv[1:] if args is None else args))
        needed = [action for action in self._moved.values() if action.required]
        for action in needed:
            action.required = False
        try:
            found, rest = super().parse_known_args(words, namespace)
        finally:
            for action in needed:
                action.required = True
        for place, action in self._moved.items():
            value = found.__dict__.pop(place)
            if value is not None:
                _note(action.dest.upper(), action.option_strings[0])
                setattr(found, action.dest, value)
            if action in needed and getattr(found, action.dest) is None:
                self.error(f'the following arguments are required: {action.option_strings[0]}')
        return found, rest

    def _new_spellings(self, words: list[str]) -> list[str]:
        first, rest = [], iter(words)
        found = []
        for word in rest:
            flag, joined, value = word.partition('=')
            if flag not in self._renamed:
                found.append(word)
                continue
            new = self._renamed[flag]
            _note(flag, new if new.startswith('-') else f'{new.upper()}, without a flag')
            if new.startswith('-'):
                found.append(f'{new}={value}' if joined else new)
            else:
                first += [value] if joined else [next(rest, '')]
        return [*first, *found]


def start_tool(name: str, parse_args: Callable[[], object]) -> None:
    """Answer ``--help`` and mistakes in the arguments before a tool imports the rest.

    Ctrl-C and SIGTERM end it in one line from here on. What it is to write is looked at now, not after
    an hour of work, and so is what it is to read: see :func:`refuse_outputs` and
    :func:`mmhand_cli.refuse_early`.

    Args:
        name: ``__name__`` of the tool; nothing happens where it is imported.
        parse_args: reads ``sys.argv``; called again by the tool for the result.
    """
    if name == '__main__':
        mmhand_cli.end_early()
        mmhand_cli.hush_others()
        arguments = parse_args()
        if trouble := refuse_outputs(arguments) or mmhand_cli.refuse_early(arguments):
            sys.stderr.write(f'error: {trouble}\n')
            sys.exit(2)


def refuse_outputs(arguments: object) -> str | None:
    """Say which of a tool's outputs cannot be written, because of its folder or a full disk.

    Args:
        arguments: of a tool; looked at are those of :data:`OUTPUTS` that are given.

    Returns:
        One line naming argument, file and remedy; ``None``: all can, as far as can be known.
    """
    for name in OUTPUTS:
        value = getattr(arguments, name, None)
        if not value:
            continue
        path = Path(value).expanduser().absolute()
        said = f'cannot write to {value} (--{name.replace("_", "-")}): '
        if name in FILES and path.is_dir():
            return f'{said}it is a folder; name a file in it'
        folder = path if name not in FILES else path.parent
        while not folder.exists():
            folder = folder.parent
        if not folder.is_dir():
            return f'{said}{folder} is a file, not a folder; name another place'
        if not os.access(folder, os.W_OK | os.X_OK):
            return f'{said}{folder} cannot be written to; name another place'
        try:
            free = shutil.disk_usage(folder).free
        except OSError:  # a file system that does not say
            continue
        if free < LEAST_SPACE:
            return f'{said}{folder} has {free / 1e6:.1f} MB left; make room or name another place'
    return None


def add_config_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--cfg-options``."""
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=ConfigOptions,
        metavar='KEY=VALUE',
        help='change the config, e.g. train_dataloader.batch_size=8 model.backbone.depth=18',
    )


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what training and testing both take."""
    parser.add_argument('config', help='config file, mmhand::PATH, or name of one of our configs')
    parser.add_argument('--work-dir', help='folder of logs and checkpoints (work_dirs/CONFIG)')
    parser.add_argument('--data-root', help="folder of the data, for all of the config's data sets")
    parser.add_argument('--show-dir', help='draw samples and write the pictures here')
    parser.add_argument(
        '--show-interval', type=int, default=1, metavar='N', help='draw every Nth sample'
    )
    parser.add_argument(
        '--show-max', type=int, default=None, metavar='N', help='draw at most N samples a time'
    )
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='who started the processes; see tools/dist_train.sh',
    )
    add_config_options(parser)
    # Passed by launchers that do not use the environment.
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)


_NOTED: set[str] = set()


def _note(old: str, new: str) -> None:
    """Say once that a spelling has changed."""
    if old not in _NOTED:
        _NOTED.add(old)
        sys.stderr.write(f'note: {old} is now called {new}\n')

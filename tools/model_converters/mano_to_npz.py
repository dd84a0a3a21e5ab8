#!/usr/bin/env python
"""Convert the official MANO pickles to plain ``.npz`` files that need neither chumpy nor pickle.

    python tools/model_converters/mano_to_npz.py mano_v1_2/models            # both hands, in place
    python tools/model_converters/mano_to_npz.py MANO_LEFT.pkl out/MANO_LEFT.npz

The arrays are written as they are; the left hand's shapedirs are not mended here (mmhand does that
on loading, see ``fix_shapedirs`` of ``mmhand.hand_models.MANO``). The result stays under MANO's
licence: do not share it.
"""

from pathlib import Path

from mmhand_flags import ToolParser, start_tool


def parse_args(argv=None):
    parser = ToolParser(__doc__)
    parser.add_argument('src', type=Path, help='MANO_{RIGHT,LEFT}.pkl, or the folder with them')
    parser.add_argument(
        'dst', type=Path, nargs='?', help='.npz file or folder to write; default: beside the source'
    )
    parser.add_argument('--side', choices=('right', 'left'), help='if the file name does not say')
    return parser.parse_args(argv)


start_tool(__name__, parse_args)

from mmhand.hand_models.io import find_mano_file, load_mano_file, save_mano_npz
from mmhand.utils.errors import HandConfigError, HandFileError, cli_guard


def side_of(path):
    """Side that a file's name states."""
    stem = path.stem.upper()
    sides = [side for side in ('right', 'left') if side.upper() in stem]
    if len(sides) != 1:
        raise HandConfigError(f'{path}: its name does not say which hand it is; give --side')
    return sides[0]


def sources(src, side):
    """(file, side) pairs to convert."""
    if src.is_dir():
        pairs = []
        for each in (side,) if side else ('right', 'left'):
            files = [f for f in src.rglob(f'MANO_{each.upper()}.pkl') if f.is_file()]
            pairs += [(file, each) for file in sorted(files)[:1]]
        if not pairs:
            raise HandFileError(f'{src}: holds no MANO_RIGHT.pkl or MANO_LEFT.pkl')
        return pairs
    side = side or (side_of(src) if src.exists() else 'right')
    return [(find_mano_file(src, side), side)]


def target(file, dst):
    """The file to write for one source."""
    if dst is None:
        return file.with_suffix('.npz')
    return dst if dst.suffix == '.npz' else dst / f'{file.stem}.npz'


@cli_guard
def main(argv=None):
    args = parse_args(argv)
    pairs = sources(args.src, args.side)
    if len(pairs) > 1 and args.dst is not None and args.dst.suffix == '.npz':
        raise HandConfigError(f'{args.dst}: two hands were found; give a folder to write to')
    for file, side in pairs:
        path = target(file, args.dst)
        arrays = load_mano_file(file)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise HandFileError(f'{path.parent}: cannot be made ({error.strerror})') from None
        save_mano_npz(arrays, path, side)
        print(f'{file} ({side} hand) -> {path} ({path.stat().st_size / 1e6:.1f} MB)')


if __name__ == '__main__':
    main()

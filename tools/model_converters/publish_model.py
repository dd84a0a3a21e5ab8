"""Make a checkpoint of a training ready to be passed on: weights only, as safetensors.

python tools/model_converters/publish_model.py CONFIG CHECKPOINT --out NAME.safetensors --half

Prints what a model's card in its metafile needs. Optimiser, schedule, log and embedded config are left
out; names and shapes must be those of the config's model. With --part weights of a frozen part that are
in the package already are left out, too; whoever reads the file gets them from there:

python tools/model_converters/publish_model.py twohand_cpu_interhand epoch_20.pth \
    --out NAME.safetensors --half --part heatmap=internet_cpu_interhand
"""

import argparse

from mmhand_flags import ToolParser, start_tool


def parse_args() -> argparse.Namespace:
    parser = ToolParser(__doc__)
    parser.add_argument('config', help='config file or name')
    parser.add_argument('checkpoint', help='checkpoint of its training')
    parser.add_argument('--out', required=True, metavar='FILE.safetensors')
    parser.add_argument('--half', action='store_true', help='store float16')
    parser.add_argument(
        '--part',
        nargs='+',
        default=[],
        metavar='PREFIX=NAME',
        help='weights under PREFIX are those NAME of the package: leave them out',
    )
    parser.add_argument(
        '--meta', nargs='*', default=[], metavar='KEY=WORDS', help='noted in the file'
    )
    return parser.parse_args()


start_tool(__name__, parse_args)

import hashlib
from pathlib import Path

from mmhand.apis import init_model
from mmhand.utils.checkpoint import check_state_dict, load_checkpoint
from mmhand.utils.checkpoint_parts import KEY as PARTS
from mmhand.utils.checkpoint_parts import without_part
from mmhand.utils.errors import HandConfigError, cli_guard
from mmhand.utils.safetensors_checkpoint import write_safetensors
from mmhand.utils.trained_hand import KEY, check_trained_hand, stated_hands
from mmhand.version import __version__


@cli_guard
def main() -> None:
    args = parse_args()
    if not args.out.endswith('.safetensors'):
        raise HandConfigError(f'--out {args.out} must end in .safetensors')
    for pair in (*args.meta, *args.part):
        if '=' not in pair:
            raise HandConfigError(
                f'"{pair}" has no "=": --meta takes KEY=WORDS, --part PREFIX=NAME'
            )
    checkpoint = load_checkpoint(args.checkpoint)
    state_dict = checkpoint.get('state_dict', checkpoint)
    model = init_model(args.config)
    check_state_dict(model, state_dict, args.checkpoint)
    check_trained_hand(model, checkpoint, args.checkpoint)
    wanted = model.state_dict()
    state_dict = {key: value for key, value in state_dict.items() if key in wanted}
    if missing := sorted(set(wanted) - set(state_dict)):
        raise HandConfigError(f'{args.checkpoint} lacks {len(missing)} weights, e.g. {missing[0]}')
    meta = dict(pair.split('=', 1) for pair in args.meta)
    if args.part:
        meta[PARTS] = ' '.join(without_part(state_dict, *part.split('=', 1)) for part in args.part)
    meta |= {'config': Path(model.cfg.filename).stem, 'mmhand': __version__}
    if kinds := stated_hands(checkpoint):
        meta[KEY] = ','.join(kinds)
    write_safetensors(args.out, state_dict, meta, args.half)
    content = Path(args.out).read_bytes()
    print(f'Weights: {args.out}')
    print(f'SHA256: {hashlib.sha256(content).hexdigest()}')
    print(f'Size: {len(content) / 1e6:.1f} MB')


if __name__ == '__main__':
    main()

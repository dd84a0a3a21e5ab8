"""Count the parameters and multiply-adds of a model.

python tools/analysis_tools/get_flops.py internet_r50_interhand
python tools/analysis_tools/get_flops.py CONFIG --input-shape image:8,256,256 mask:8,256,256
"""

import argparse

from mmhand_flags import ToolParser, add_config_options, start_tool


def parse_args() -> argparse.Namespace:
    parser = ToolParser(__doc__)
    parser.add_argument('config', help='config file or name')
    parser.add_argument(
        '--input-shape',
        nargs='+',
        metavar='SHAPE',
        help="C,H,W or H,W or one side; NAME:C,H,W for each of several inputs; the config's if left",
    )
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--table', action='store_true', help='also print module by module')
    add_config_options(parser)
    return parser.parse_args()


start_tool(__name__, parse_args)

import re

import torch
from mmengine.analysis import get_model_complexity_info
from mmengine.config import Config
from torch import Tensor, nn

from mmhand.apis import init_model
from mmhand.utils.errors import HandConfigError, cli_guard
from mmhand.utils.pipeline import pipeline_steps


def parse_shape(text: str) -> tuple[str, tuple[int, ...]]:
    """``NAME:C,H,W`` to its name (empty if none) and shape."""
    match = re.fullmatch(r'(?:(\w+):)?(\d+(?:,\d+){0,2})', text)
    if not match:
        raise HandConfigError(f'--input-shape {text} is not C,H,W, H,W, one side, or NAME:C,H,W')
    sizes = tuple(int(size) for size in match.group(2).split(','))
    sizes = sizes * 2 if len(sizes) == 1 else sizes
    return match.group(1) or '', sizes if len(sizes) == 3 else (3, *sizes)


def shape_of(cfg: Config) -> tuple[int, int, int]:
    """The input's shape as the config's codec or pipeline states it, (width, height) there."""
    dataset = (cfg.get('test_dataloader') or {}).get('dataset') or {}
    places = (cfg, cfg.get('codec'), *pipeline_steps(dataset.get('pipeline')))
    for place in places:
        size = place.get('input_size') if isinstance(place, dict | Config) else None
        if size is not None:
            width, height = (size, size) if isinstance(size, int) else size
            return 3, height, width
    raise HandConfigError(f'{cfg.filename} states no input_size; give --input-shape')


class TensorMode(nn.Module):
    """A model's ``tensor`` mode as a function of tensors that returns a tuple of tensors."""

    def __init__(self, model: nn.Module, names: list[str]) -> None:
        super().__init__()
        self.model = model
        self.names = names

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Run the model on tensors in the order of the names."""
        given = dict(zip(self.names, inputs, strict=True)) if self.names else inputs[0]
        return tuple(tensors_in(self.model(given, None, mode='tensor')))


def tensors_in(value: object) -> list[Tensor]:
    """All tensors in nested containers."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return (
        [t for entry in value for t in tensors_in(entry)] if isinstance(value, list | tuple) else []
    )


@cli_guard
def main() -> None:
    args = parse_args()
    model = init_model(args.config, None, args.device, args.cfg_options)
    given = [parse_shape(text) for text in args.input_shape or ()] or [('', shape_of(model.cfg))]
    names = [name for name, _ in given if name]
    if len(names) != len(given) and len(given) > 1:
        raise HandConfigError('several inputs need names: --input-shape NAME:C,H,W ...')
    inputs = tuple(torch.zeros(1, *shape, device=args.device) for _, shape in given)
    with torch.no_grad():
        info = get_model_complexity_info(
            TensorMode(model, names), inputs=inputs, show_table=args.table, show_arch=False
        )
    if args.table:
        print(info['out_table'])
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    print(f'model         {type(model).__name__} ({args.config})')
    shapes = ', '.join(f'{name or "image"} {shape}' for name, shape in given)
    print(f'input         {shapes}')
    print(f'parameters    {info["params"]:,} ({trained:,} trained)')
    print(f'multiply-adds {info["flops"]:,.0f} ({info["flops_str"]}), one sample')
    print('Operations that mmengine has no rule for are not counted; see its log.')


if __name__ == '__main__':
    main()

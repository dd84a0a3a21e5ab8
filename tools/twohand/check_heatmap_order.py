"""Tell in which joint order a two-hand checkpoint's heat maps are.

Two-Hand-Shape-Pose pairs peak k of the heat maps with joint k of its hands; an InterNet with its joints
in another order loads as well and spoils every stage without a word. This runs the network under every
order that InterNets come in and fits its hands to the peaks; under the right one they fit far better.

python tools/twohand/check_heatmap_order.py CONFIG CHECKPOINT PICTURES_OR_FOLDER [--bbox X Y W H]
"""

import argparse

from mmhand_flags import ToolParser, add_config_options, start_tool


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = ToolParser(__doc__)
    parser.add_argument('config')
    parser.add_argument('checkpoint')
    parser.add_argument('pictures', help='crops of two hands: a picture or a folder')
    parser.add_argument('--bbox', nargs=4, type=float, metavar=('X', 'Y', 'W', 'H'))
    parser.add_argument('--device', default='cpu')
    add_config_options(parser)
    return parser.parse_args(argv)


start_tool(__name__, parse_args)

import torch
from mmengine.dataset import pseudo_collate
from torch import Tensor

from mmhand.apis import init_model
from mmhand.apis.inference import picture_pipeline, picture_record, read_image
from mmhand.apis.pictures import list_pictures
from mmhand.models.twohand import TwoHandShapePose
from mmhand.models.twohand.hand_registration import register_hands
from mmhand.models.twohand.two_hand_mesh_head import MM
from mmhand.utils.errors import HandConfigError, cli_guard

#: Orders that trained InterNets have their volumes in.
ORDERS = ('mano21', 'interhand21', 'canonical')

#: The best residual against the second best.
_CLEARLY = 0.7


def residual(joints: Tensor, peaks: Tensor) -> Tensor:
    """Weighted RMS residual of a registration.

    Args:
        joints: (..., 21, 3) canonical, any unit.
        peaks: (..., 21, 3) x, y and height, canonical.

    Returns:
        (...) heat-map pixels.
    """
    difference = register_hands(joints, peaks).project(joints) - peaks[..., :2]
    weight = peaks[..., 2].square()
    energy = (weight * difference.square().sum(-1)).sum(-1) / weight.sum(-1).clamp(min=1e-12)
    return energy.sqrt()


@torch.no_grad()
def order_residuals(model: TwoHandShapePose, inputs: Tensor) -> dict[str, float]:
    """Residual of the first and the last stage if the heat maps were in each order.

    Both are looked at because the first has not been registered to the peaks yet, and the last one
    should have gained by it.

    Args:
        model: in evaluation mode; its stated order is put back.
        inputs: (B, 3, H, W) RGB in [0, 1].

    Returns:
        Order to heat-map pixels, mean over pictures and hands.
    """
    codec = model.heatmap.head.codec
    stated, found = codec.joint_set, {}
    try:
        for order in ORDERS:
            codec.joint_set = order
            stages, _, seen, _ = model.estimate(inputs)
            both = [residual(MM * stages[i].joints, seen.peaks).mean() for i in (0, -1)]
            found[order] = torch.stack(both).mean().item()
    finally:
        codec.joint_set = stated
    return found


def verdict(means: dict[str, float], stated: str, count: int) -> str:
    """What the residuals say, in a line.

    Args:
        means: order to residual.
        stated: the order the config says.
        count: of the pictures.
    """
    best, second = sorted(means.values())[:2]
    name = min(means, key=means.get)
    if best > _CLEARLY * second:
        return f'undecided over {count} picture(s): no order fits clearly better'
    if name == stated:
        return f'the heat maps are in the order that the config states, {name}'
    return (
        f'the heat maps are in the order {name}, the config states {stated}: set '
        f'model.heatmap.head.codec.joint_set={name}'
    )


@cli_guard
def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    model = init_model(args.config, args.checkpoint, args.device, args.cfg_options)
    if not isinstance(model, TwoHandShapePose):
        raise HandConfigError(f'{args.config} is a {type(model).__name__}, not a TwoHandShapePose')
    pipeline = picture_pipeline(model)
    found: dict[str, list[float]] = {order: [] for order in ORDERS}
    pictures = list_pictures(args.pictures)
    for picture in pictures:
        batch = pseudo_collate([pipeline(picture_record(read_image(picture), args.bbox))])
        inputs = model.data_preprocessor(batch)['inputs']
        for order, value in order_residuals(model, inputs).items():
            found[order].append(value)
    means = {order: sum(values) / len(values) for order, values in found.items()}
    for order, value in sorted(means.items(), key=lambda item: item[1]):
        print(f'{order:12s} {value:8.3f} heat-map pixels RMS')
    print(verdict(means, model.volume_set, len(pictures)))


if __name__ == '__main__':
    main()

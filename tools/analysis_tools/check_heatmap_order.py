"""Tell in which joint order a two-hand checkpoint's heat maps are.

Two-Hand-Shape-Pose pairs peak k of the heat maps with joint k of its hands; an InterNet with its joints
in another order loads as well and spoils every stage without a word. This fits the predicted hands to
the peaks under every order that InterNets come in; the right one fits far better than the others.

python tools/analysis_tools/check_heatmap_order.py CONFIG CHECKPOINT PICTURES_OR_FOLDER [--bbox X Y W H]
"""

import argparse

import torch
from mmengine.dataset import pseudo_collate

from mmhand.apis import init_model
from mmhand.apis.hand_inferencer import list_pictures
from mmhand.apis.inference import picture_pipeline, picture_record, read_image
from mmhand.models.estimators import TwoHandShapePose
from mmhand.models.layers.hand_registration import register_hands
from mmhand.structures import convert_joints
from mmhand.utils.config import ConfigOptions
from mmhand.utils.errors import HandConfigError, cli_guard

#: Orders that trained InterNets have their volumes in.
ORDERS = ('mano21', 'interhand21', 'canonical')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config')
    parser.add_argument('checkpoint')
    parser.add_argument('pictures', help='crops of two hands: a picture or a folder')
    parser.add_argument('--bbox', nargs=4, type=float, metavar=('X', 'Y', 'W', 'H'))
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions, metavar='KEY=VALUE')
    return parser.parse_args()


def order_residuals(
    joints: torch.Tensor, peaks: torch.Tensor, stated: str
) -> dict[str, torch.Tensor]:
    """Weighted RMS residual of the registration under each order.

    Args:
        joints: (..., 21, 3) canonical, any unit.
        peaks: (..., 21, 3) x, y and height, made canonical from ``stated``.
        stated: the order the config says.

    Returns:
        Order to (...) residuals, heat-map pixels.
    """
    raw = convert_joints(peaks, 'canonical', stated)
    residuals = {}
    for order in ORDERS:
        paired = convert_joints(raw, order, 'canonical')
        difference = register_hands(joints, paired).project(joints) - paired[..., :2]
        weight = paired[..., 2].square()
        energy = (weight * difference.square().sum(-1)).sum(-1) / weight.sum(-1).clamp(min=1e-12)
        residuals[order] = energy.sqrt()
    return residuals


@cli_guard
def main() -> None:
    args = parse_args()
    model = init_model(args.config, args.checkpoint, args.device, args.cfg_options)
    if not isinstance(model, TwoHandShapePose):
        raise HandConfigError(f'{args.config} is a {type(model).__name__}, not a TwoHandShapePose')
    pipeline = picture_pipeline(model)
    found: dict[str, list[torch.Tensor]] = {order: [] for order in ORDERS}
    pictures = list_pictures(args.pictures)
    for picture in pictures:
        batch = pseudo_collate([pipeline(picture_record(read_image(picture), args.bbox))])
        with torch.no_grad():
            out = model(model.data_preprocessor(batch)['inputs'], mode='tensor')
        # The first stage has not been registered yet, so a wrong order has not touched its pose.
        for stage in (out['stages'][0], out['stages'][-1]):
            residuals = order_residuals(stage['joints'], out['peaks'], model.volume_set)
            for order, value in residuals.items():
                found[order].append(value.mean())
    means = {order: torch.stack(values).mean().item() for order, values in found.items()}
    for order, value in sorted(means.items(), key=lambda item: item[1]):
        print(f'{order:12s} {value:8.3f} heat-map pixels RMS')
    best, second = sorted(means.values())[:2]
    name = min(means, key=means.get)
    if best > 0.6 * second:
        print(f'undecided over {len(pictures)} picture(s): no order fits clearly better')
    elif name == model.volume_set:
        print(f'the heat maps are in the order that the config states, {name}')
    else:
        print(
            f'the heat maps are in the order {name}, the config states {model.volume_set}: set '
            f'model.heatmap.head.codec.joint_set={name}'
        )


if __name__ == '__main__':
    main()

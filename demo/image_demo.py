"""Find hands in pictures and write overlays, joints and meshes.

python demo/image_demo.py photo.jpg                       # open weights, nothing to fetch
python demo/image_demo.py photo.jpg --model internet_r50_interhand --checkpoint FILE.pth
python demo/image_demo.py photo.jpg --model CONFIG.py --bbox 120 80 300 300 --out-dir out
"""

import argparse

import mmhand_cli
from mmhand_flags import ToolParser, add_config_options, start_tool


def parse_args() -> argparse.Namespace:
    """Arguments of the command line."""
    parser = ToolParser(__doc__)
    parser.add_argument('pictures', nargs='+', help='pictures and folders of pictures')
    parser.add_argument(
        '--model', default='open', help='config file, or name of one of our configs'
    )
    parser.add_argument('--checkpoint', help='weights; without them the model is untrained')
    parser.add_argument(
        '--bbox', nargs=4, type=float, metavar=('X', 'Y', 'W', 'H'), help='box around the hands'
    )
    parser.add_argument(
        '--camera',
        nargs=4,
        type=float,
        metavar=('FX', 'FY', 'CX', 'CY'),
        help='intrinsics in pixels; guessed without them',
    )
    parser.add_argument(
        '--side', choices=('right', 'left'), help='of the hand, for networks of right hands only'
    )
    parser.add_argument(
        '--detector',
        nargs='+',
        metavar='FINDER',
        help='finds the hands: open (weights in the package), or config and weights of mmdet',
    )
    parser.add_argument(
        '--fit-mesh',
        nargs='?',
        const='OpenHand',
        choices=('OpenHand', 'MANO'),
        help='lay a hand model into the joints of methods without meshes (HDR); OpenHand if not '
        'said, MANO is read from MMHAND_MANO_ROOT',
    )
    parser.add_argument(
        '--person',
        metavar='NPZ',
        help='whose hands they are: a file of tools/personalize.py; hands get its shape',
    )
    parser.add_argument(
        '--deploy',
        action='store_true',
        help='prepare the network first: worth it for many pictures',
    )
    parser.add_argument('--out-dir', metavar='DIR', default='demo_out', help='folder to write to')
    parser.add_argument(
        '--save', nargs='+', choices=mmhand_cli.SAVE, default=list(mmhand_cli.SAVE[:6])
    )
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--batch-size', type=int, default=8)
    add_config_options(parser)
    return parser.parse_args()


start_tool(__name__, parse_args)

import numpy as np

from mmhand.apis import HandInferencer, MMDetHandDetector
from mmhand.apis.pictures import list_pictures
from mmhand.utils.errors import HandConfigError, cli_guard
from mmhand.utils.setup_env import ensure_writable


def _detector(given: list[str] | None, device: str) -> MMDetHandDetector | str | None:
    if given in (None, ['open']):
        return given[0] if given else None
    if len(given) != 2:
        raise HandConfigError(
            f'--detector is {" ".join(given)}; give open, or CONFIG and CHECKPOINT of mmdet'
        )
    return MMDetHandDetector(*given, device=device)


@cli_guard
def main() -> None:
    """Run the demo."""
    args = parse_args()
    if args.bbox and args.detector:
        raise HandConfigError('--bbox and --detector both say where the hands are; give one')
    pictures = [picture for given in args.pictures for picture in list_pictures(given)]
    ensure_writable(args.out_dir)
    detector = _detector(args.detector, args.device)
    fitter = None
    if args.fit_mesh:
        fitter = dict(type='JointFitter', hand_model=dict(type=args.fit_mesh))
    inferencer = HandInferencer(
        args.model,
        args.checkpoint,
        args.device,
        args.cfg_options,
        detector,
        fitter,
        args.deploy,
        args.person,
    )
    print(f'weights: {inferencer.weights}')
    camera = None
    if args.camera:
        fx, fy, cx, cy = args.camera
        camera = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]], dtype=np.float32)
    results = inferencer(
        pictures,
        bboxes=[args.bbox] * len(pictures) if args.bbox else None,
        cameras=[camera] * len(pictures) if args.camera else None,
        out_dir=args.out_dir,
        save=args.save,
        batch_size=args.batch_size,
        sides=[args.side] * len(pictures) if args.side else None,
    )
    for result in results:
        files = [str(file) for kind in result.files.values() for file in kind]
        print(f'{result.source}: {len(result.boxes)} box(es) -> {", ".join(files)}')
    spent = ', '.join(f'{name} {1000 * s:.0f} ms' for name, s in inferencer.seconds.items())
    print(f'{len(results)} picture(s): {spent}')


if __name__ == '__main__':
    main()

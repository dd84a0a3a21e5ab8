#!/usr/bin/env python
"""The hand of one person from pictures of the person.

    python tools/personalize.py pictures/anna --out anna.npz       # open weights, nothing to fetch
    python tools/personalize.py anna.mp4 --out anna.npz
    mmhand photo.jpg --person anna.npz
    python tools/personalize.py pictures/anna --model iahm_r50_confidence_dexycb-s1 \\
        --checkpoint FILE.pth --out anna.npz
    python demo/image_demo.py photo.jpg --model CONFIG --checkpoint FILE.pth --person anna.npz

Any model works that predicts shape coefficients; with a confidence the best pictures are taken. Writes
anna.npz (shape, what it was made of), anna.glb (the hand at rest) and anna.html (a report).
"""

from mmhand_flags import STRATEGIES, ToolParser, add_config_options, start_tool


def parse_args(argv=None):
    parser = ToolParser(__doc__)
    parser.add_argument('source', help='folder of pictures of one person, a picture, or a video')
    parser.add_argument(
        '--model', default='open', help='config file, or name of one of our configs; open weights'
    )
    parser.add_argument('--checkpoint', help='its weights; without them it is untrained')
    parser.add_argument(
        '--hand-model',
        choices=('OpenHand', 'MANO'),
        default='OpenHand',
        help='of the open method; MANO is read from MMHAND_MANO_ROOT',
    )
    parser.add_argument(
        '--out', metavar='FILE.npz', default='person.npz', help='.npz file to write'
    )
    parser.add_argument(
        '--strategy',
        choices=STRATEGIES,
        help='which estimates count; the most confident ones, or all if the model states no confidence',
    )
    parser.add_argument('--num', type=int, default=20, help='hands that are taken at most')
    parser.add_argument(
        '--frames', type=int, default=100, help='frames of a video that are looked at; all are held'
    )
    parser.add_argument('--side', choices=('right', 'left'), help='look at this hand only')
    parser.add_argument(
        '--bbox', nargs=4, type=float, metavar=('X', 'Y', 'W', 'H'), help='box around the hands'
    )
    parser.add_argument('--detector', nargs=2, metavar=('CONFIG', 'CHECKPOINT'), help='of mmdet')
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--batch-size', type=int, default=8)
    add_config_options(parser)
    return parser.parse_args(argv)


start_tool(__name__, parse_args)

from pathlib import Path

import numpy as np

from mmhand.apis import HandInferencer, MMDetHandDetector
from mmhand.apis.person_report import person_report, shrunk
from mmhand.apis.personalize import personal_hand, sightings_of
from mmhand.apis.pictures import list_pictures, unique_stems
from mmhand.apis.video_frames import is_video, video_frames
from mmhand.apis.worn_shape import hand_model_of
from mmhand.geometry.mesh_io import save_mesh
from mmhand.utils.errors import HandConfigError, HandDataError, HandFileError, cli_guard


def read_source(source, limit):
    """Names and pictures."""
    if is_video(source):
        frames = video_frames(source, limit)
        return list(frames), list(frames.values())
    if not Path(source).exists():
        raise HandFileError(f'{source} does not exist')
    pictures = list_pictures(source)
    stems = unique_stems([str(picture) for picture in pictures])
    return stems, pictures


@cli_guard
def main(argv=None):
    args = parse_args(argv)
    if Path(args.out).suffix != '.npz':
        raise HandConfigError(f'--out {args.out} does not end in .npz')
    if args.frames < 1:
        raise HandConfigError(f'--frames is {args.frames}; it must be at least 1')
    if args.bbox and args.detector:
        raise HandConfigError('--bbox and --detector both say where the hands are; give one')
    names, pictures = read_source(args.source, args.frames)
    detector = MMDetHandDetector(*args.detector, device=args.device) if args.detector else None
    inferencer = HandInferencer(
        args.model,
        args.checkpoint,
        args.device,
        args.cfg_options,
        detector,
        hand_model=args.hand_model,
    )
    model = inferencer.model
    if getattr(model, 'needs_betas', False):
        raise HandConfigError(
            f'{args.model} is given shapes and predicts none; personalize with its baseline, then use '
            'the result with it'
        )
    only = getattr(model, 'right_hands_only', False) and args.side
    results = inferencer.stream(
        pictures,
        bboxes=[args.bbox] * len(pictures) if args.bbox else None,
        batch_size=args.batch_size,
        sides=[args.side] * len(pictures) if only else None,
        progress=True,
    )
    drawn = []

    def drawn_small():
        # Pictures are let go one by one; the report shows them small.
        for result in results:
            drawn.append(shrunk(inferencer.draw(result)))
            yield result

    sightings = sightings_of(drawn_small(), args.side)
    if not sightings:
        raise HandDataError(f'no hand was found in the {len(names)} pictures of {args.source}')
    hand = personal_hand(hand_model_of(model), sightings, args.strategy, args.num)
    out = Path(args.out)
    hand.table(names).save(out)
    faces = hand.hand_model.faces.cpu().numpy()
    skin = np.tile(np.array([224, 172, 140, 255], np.uint8), (hand.hand_model.num_verts, 1))
    save_mesh(out.with_suffix('.glb'), hand.rest_vertices(), faces, skin)
    title = f'The hand in {Path(args.source).name}'
    report = person_report(hand, names, drawn, inferencer.weights, title)
    report.write(out.with_suffix('.html'))
    print(f'weights: {inferencer.weights}')
    odd = [names[hand.sightings[row].picture] for row in np.flatnonzero(hand.odd)]
    if odd:
        print(f'left out, unlike the others: {", ".join(odd)}')
    print(
        f'{len(hand.used)} of {len(sightings)} hands in {len(names)} pictures, {hand.strategy}: '
        f'{hand.length[0] / 10:.1f} cm long, sure to about {hand.uncertainty[0]:.1f} mm'
    )
    for suffix in ('.npz', '.glb', '.html'):
        print(f'-> {out.with_suffix(suffix)}')


if __name__ == '__main__':
    main()

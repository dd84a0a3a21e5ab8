#!/usr/bin/env python
"""Move predicted hands of known shape until their joints fall on 2D joints, all at once.

    python tools/iahm/optimize_poses.py predictions.npz --hand-model MANO --shapes shapes.npz \\
        --keypoints keypoints.npz --out optimized.npz

Without --shapes the predicted shapes are kept (the baseline). Without --keypoints the annotated pixels
are taken, which only tells what perfect 2D joints would give. keypoints.npz holds sample_id (N,) and
keypoints_2d (N, 21, 2) in pixels of the crop, in any order; they are joined by name.
"""

from mmhand_flags import ToolParser, start_tool


def parse_args(argv=None):
    parser = ToolParser(__doc__)
    parser.add_argument('predictions', help='.npz of collect_predictions.py')
    parser.add_argument('--hand-model', choices=('OpenHand', 'MANO'), required=True)
    parser.add_argument('--shapes', help='.npz of calibrate_shapes.py')
    parser.add_argument('--keypoints', help='.npz of 2D joints')
    parser.add_argument('--out', metavar='FILE.npz', help='.npz file to write')
    return parser.parse_args(argv)


start_tool(__name__, parse_args)

import numpy as np
import torch

from mmhand.fitting import ShapeTable, optimize_pose
from mmhand.fitting.prediction_file import load_columns, load_predictions
from mmhand.registry import MODELS
from mmhand.utils.atomic_io import save_npz
from mmhand.utils.errors import HandConfigError, HandDataError, cli_guard


def joined_keypoints(path, names):
    """(N, 21, 2) pixels in the order of the names."""
    columns = load_columns(path, 'sample_id', 'keypoints_2d')
    rows = {name: row for row, name in enumerate(columns['sample_id'].tolist())}
    missing = [name for name in names if name not in rows]
    if missing:
        raise HandDataError(
            f'{path} has no 2D joints of {len(missing)} samples, such as {missing[0]}'
        )
    return columns['keypoints_2d'][[rows[name] for name in names]]


def mean_vertex_error(columns, model, vertices):
    """Millimetres in the hand model's frame; ``None`` without annotations."""
    if 'gt_pose' not in columns or 'gt_betas' not in columns:
        return None
    pose, betas = (torch.from_numpy(columns[name]).float() for name in ('gt_pose', 'gt_betas'))
    # Annotated fingers lack the mean pose.
    fingers = pose[:, 3:] + model.hand_mean
    with torch.no_grad():
        truth = model(pose[:, :3], fingers, betas).vertices.numpy()
    return 1000 * float(np.linalg.norm(vertices - truth, axis=-1).mean())


@cli_guard
def main(argv=None):
    args = parse_args(argv)
    columns = load_predictions(args.predictions, 'rotations_6d', 'K', 'sample_id')
    if str(columns['hand_model']) not in ('', args.hand_model):
        raise HandConfigError(
            f'{args.predictions} holds hands of {columns["hand_model"]}, not {args.hand_model}'
        )
    model = MODELS.build(dict(type=f'mmhand.{args.hand_model}', flat_hand_mean=True))
    betas = columns['betas']
    if args.shapes:
        table = ShapeTable.load(args.shapes)
        if table.hand_model not in ('', args.hand_model):
            raise HandConfigError(f'{args.shapes} holds shapes of {table.hand_model}')
        betas = np.stack([table[subject] for subject in columns['subject']])
    if args.keypoints:
        pixels = joined_keypoints(args.keypoints, columns['sample_id'].tolist())
    elif 'gt_keypoints_2d' in columns:
        pixels = columns['gt_keypoints_2d']
    else:
        raise HandDataError(f'{args.predictions} has no annotated pixels: give --keypoints')
    given = (columns['rotations_6d'], betas, pixels, columns['K'], model)
    before = optimize_pose(*given, steps=(200, 0))
    after = optimize_pose(*given)
    print(f'{len(pixels)} hands: {before.energy[-1]:.2f} -> {after.energy[-1]:.2f} squared pixels')
    errors = [mean_vertex_error(columns, model, x.vertices) for x in (before, after)]
    if errors[0] is not None:
        print(f"MPVPE in the model's frame: {errors[0]:.2f} -> {errors[1]:.2f} mm")
    if args.out:
        kept = {name: columns[name] for name in ('sample_id', 'subject')}
        fields = ('rotations_6d', 'transl', 'vertices', 'joints')
        save_npz(args.out, kept | {name: getattr(after, name) for name in fields})
        print(f'-> {args.out}')


if __name__ == '__main__':
    main()

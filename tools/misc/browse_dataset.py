#!/usr/bin/env python
"""Draw what a data set gives: joints, boxes, meshes and masks, before or after its pipeline.

    python tools/misc/browse_dataset.py configs/internet/internet_r50_interhand.py --num 20
    python tools/misc/browse_dataset.py --type InterHand26MDataset --data-root data/interhand2.6m \
        --split val --subset hand_type=interacting cameras=color --sheet sheet.jpg

``--view original`` lays the annotation over the whole picture as the files have it, ``crop`` over
what the network gets, after augmentation; they must agree with the hands in both. Meshes are drawn
from MANO-style parameters where the data set's hand model is known (synthetic sets name theirs, real
ones need ``--hand-model``), masks where there are any. Depth samples show crop and joints and, with
``--hand-model OpenHand``, a mesh laid into the joints; ``original`` adds their points from three sides.
One picture a sample goes to ``--out-dir``.
"""

from pathlib import Path

from mmhand_flags import ConfigOptions, ToolParser, add_config_options, start_tool

VIEWS = ('original', 'crop')


def parse_args(argv=None):
    parser = ToolParser(__doc__)
    parser.add_argument('config', nargs='?', help='config with data loaders; or give --type')
    parser.add_argument('--loader', default='train', choices=['train', 'val', 'test'])
    parser.add_argument('--type', help='data set class, instead of a config')
    parser.add_argument('--data-root', help='folder of the data set')
    parser.add_argument('--split', help="split, instead of the config's")
    parser.add_argument('--subset', nargs='+', action=ConfigOptions, help='filters, KEY=VALUE')
    parser.add_argument(
        '--hand-model', help='MANO or OpenHand: draw meshes with it (depth: fitted)'
    )
    parser.add_argument('--view', choices=[*VIEWS, 'both'], default='original')
    parser.add_argument('--num', type=int, default=16, help='samples to draw')
    parser.add_argument('--start', type=int, default=0, help='first sample')
    parser.add_argument('--shuffle', action='store_true', help='draw random samples')
    parser.add_argument('--seed', type=int, default=0, help='of --shuffle and the augmentation')
    parser.add_argument('--out-dir', metavar='DIR', type=Path, default=Path('work_dirs/browse'))
    parser.add_argument('--sheet', type=Path, help='also write all pictures as one')
    parser.add_argument('--columns', type=int, default=2, help='of the sheet')
    add_config_options(parser)
    return parser.parse_args(argv)


start_tool(__name__, parse_args)

import inspect
import sys

import cv2
import numpy as np
import torch
from mmengine.utils import ProgressBar

from mmhand.datasets import AIHDataset, DepthHandDataset
from mmhand.datasets.mano_params import AnnotatedPair, find_hand_model
from mmhand.datasets.transforms.load_hand_image import decode_image, read_file
from mmhand.engine.user_errors import readable_errors
from mmhand.registry import DATASETS
from mmhand.structures import HandCamera
from mmhand.utils.config import load_config
from mmhand.utils.errors import HandConfigError, cli_guard
from mmhand.utils.pipeline import pipeline_steps
from mmhand.utils.setup_env import ensure_writable, init_default_scope
from mmhand.visualization import HandVisualizer, draw_box, tile_images, write_image
from mmhand.visualization.depth_samples import draw_depth_sample, mesh_fitter

BOX_COLOUR = (255, 220, 60)


#: What loads the masks that a record names.
LOADERS = {
    'mask_path': dict(type='LoadHandMasks'),
    'mask_sources': dict(type='LoadSoftHandMasks', required=False),
}

PLAIN = ('LoadHandImage', 'HandBBoxCrop', 'HandTopdownAffine', 'PackHandInputs')
PLAIN_DEPTH = ('LoadDepthImage', 'CubeCrop', 'PackHandInputs')
PLAIN_AIH = ('LoadAIHSample', 'PackDeocclusionInputs')


def dataset_config(args):
    """Config of the data set that the arguments ask for."""
    if (args.config is None) == (args.type is None):
        raise HandConfigError('give either a config or --type')
    if args.config is not None:
        config = load_config(args.config, args.cfg_options)
        # Data sets that are not ours look for their transforms there, as they do in training.
        init_default_scope(config.get('default_scope') or 'mmhand')
        loader = config.get(f'{args.loader}_dataloader')
        if loader is None:
            raise HandConfigError(f'{args.config} has no {args.loader}_dataloader')
        dataset = loader.dataset.to_dict()
    else:
        dataset = dict(type=args.type, pipeline=_steps(_plain(args.type)))
        dataset.update(args.cfg_options or {})
    given = dict(data_root=args.data_root, split=args.split, subset=args.subset)
    dataset.update({key: value for key, value in given.items() if value is not None})
    return dataset


def build_views(dataset, hand_model):
    """The data set with its own pipeline and with one that changes nothing.

    Hand-model parameters and masks are asked for where they can be had.
    """
    plain = _plain(dataset['type'])
    if plain is not PLAIN:
        pipelines = {'original': _steps(plain), 'crop': pipeline_steps(dataset['pipeline'])}
        return {view: DATASETS.build(dict(dataset, pipeline=pipelines[view])) for view in VIEWS}
    known = hand_model or dataset.get('hand_model') or find_hand_model(dataset.get('data_root', ''))
    takes = _arguments(dataset['type'])
    if known and 'hand_model' in takes:
        # Sets of pairs of hands give parameters, those of single hands pose the mesh themselves.
        meshes = [key for key in ('with_mano', 'with_vertices') if key in takes]
        dataset.update(dict.fromkeys(meshes, True), hand_model=known)
    info = DATASETS.build(dict(dataset, pipeline=[])).get_data_info(0)
    loader = next((LOADERS[key] for key in LOADERS if info.get(key)), None)
    pipelines = {'original': _steps(PLAIN), 'crop': pipeline_steps(dataset['pipeline'])}
    for pipeline in pipelines.values():
        names = [step['type'] for step in pipeline]
        if loader and loader['type'] not in names and 'LoadHandImage' in names:
            pipeline.insert(names.index('LoadHandImage') + 1, loader)
    return {view: DATASETS.build(dict(dataset, pipeline=pipelines[view])) for view in VIEWS}


def _arguments(kind):
    """Names of a data set class's own arguments."""
    found = DATASETS.get(kind)
    return () if found is None else inspect.signature(found).parameters


def _plain(kind):
    """Steps of a pipeline that changes nothing, for a data set class."""
    found = DATASETS.get(kind)
    kinds = {DepthHandDataset: PLAIN_DEPTH, AIHDataset: PLAIN_AIH}
    known = [
        steps
        for kind, steps in kinds.items()
        if isinstance(found, type) and issubclass(found, kind)
    ]
    return known[0] if known else PLAIN


def _steps(names):
    return [dict(type=name) for name in names]


def add_vertices(sample, hands):
    """Pose the hand models of a data set by a sample's parameters."""
    rows = sample.gt_hands
    if 'pose' not in rows:
        return
    meshes = []
    for side, row in zip(rows.side.tolist(), range(len(rows)), strict=True):
        pose, model = rows.pose[row : row + 1], hands.models[side]
        posed = model(
            pose[:, :3], pose[:, 3:], rows.betas[row : row + 1], rows.transl[row : row + 1]
        )
        # A hand without parameters has no mesh; the visualiser leaves out what is not finite.
        meshes.append(torch.where(rows.mano_valid[row] > 0, posed.vertices, torch.nan))
    if len({mesh.shape for mesh in meshes}) == 1:
        rows.vertices = torch.cat(meshes)


def draw_view(view, sample, inputs, visualizer, fitter=None):
    """The annotation over the original picture or over the crop; RGB."""
    meta = sample.metainfo
    if 'crop_affine' in meta:
        return draw_depth_sample(inputs[0].numpy(), sample, view == 'original', fitter)
    if isinstance(inputs, dict):
        return draw_holes(inputs)
    if view == 'original':
        path = meta['img_path']
        image = decode_image(read_file(path, meta['sample_id']), path, meta['sample_id'])
        image = np.ascontiguousarray(image[..., ::-1])
        if 'bbox' in meta:
            draw_box(image, meta['bbox'], BOX_COLOUR, meta.get('hand_type', ''))
        return visualizer.draw_sample(image, sample, draw_pred=False)
    sample = sample.clone()
    # In the crop the crop's own camera holds, and nothing has to be brought back.
    if 'camera' in meta:
        camera = HandCamera(K=meta['camera'].K_crop)
        sample.set_field(camera, 'camera', field_type='metainfo')
    else:
        sample.set_field(np.eye(2, 3, dtype=np.float32), 'affine', field_type='metainfo')
    image = inputs.permute(1, 2, 0).numpy()[..., ::-1].clip(0, 255).astype(np.uint8)
    return visualizer.draw_sample(np.ascontiguousarray(image), sample, draw_pred=False)


def draw_holes(inputs):
    """What is seen, the truth, and the masks of AIH: hidden, removed, visible, background; RGB."""
    pictures = [inputs[key].permute(1, 2, 0).numpy()[..., ::-1] for key in ('image', 'target')]
    masks = inputs['masks'].numpy()[..., None] * np.uint8(255)
    return np.concatenate([*pictures, *np.repeat(masks, 3, -1)], axis=1)


@cli_guard
def main(argv=None):
    args = parse_args(argv)
    with readable_errors():
        both = build_views(dataset_config(args), args.hand_model)
    data = both['crop']
    out_dir = ensure_writable(args.out_dir)
    # mmengine asks for a folder even where nothing is sent to backends.
    visualizer = HandVisualizer(vis_backends=None)
    hands = data.hands if getattr(data, 'with_mano', False) else None
    models = [] if hands is None else hands.models
    if getattr(data, 'with_vertices', False):
        config = find_hand_model(data.data_root) if args.hand_model is None else args.hand_model
        models = AnnotatedPair(config).models if config else []
    visualizer.faces = {
        (side, model.num_verts): model.faces.numpy() for side, model in enumerate(models)
    }
    depth = isinstance(data, DepthHandDataset) and args.hand_model is not None
    fitter = mesh_fitter(args.hand_model) if depth else None
    np.random.seed(args.seed)  # noqa: NPY002 - the state that transforms draw from
    order = np.arange(args.start, len(data))
    if args.shuffle:
        np.random.default_rng(args.seed).shuffle(order)
    order = order[: args.num]
    if not len(order):
        raise HandConfigError(f'--start {args.start}: the data set has only {len(data)} samples')
    views = VIEWS if args.view == 'both' else (args.view,)
    pictures = []
    bar = ProgressBar(len(order), file=sys.stderr) if sys.stderr.isatty() else None
    for index in order:
        drawn = []
        for view in views:
            packed = both[view][int(index)]
            sample = packed['data_samples']
            if hands is not None:
                with torch.no_grad():
                    add_vertices(sample, hands)
            drawn.append(draw_view(view, sample, packed['inputs'], visualizer, fitter))
        picture = drawn[0] if len(drawn) == 1 else _beside(drawn)
        name = str(sample.metainfo['sample_id']).replace('/', '_')
        write_image(out_dir / f'{index:06d}_{name}.png', picture)
        pictures.append(picture)
        if bar:
            bar.update()
    if bar:
        bar.file.write('\n')
    print(f'{len(pictures)} of {len(data)} samples drawn to {out_dir}')
    skipped = sum(getattr(both[view], 'num_skipped', 0) for view in views)
    if skipped:
        print(f'{skipped} unusable samples were skipped')
    if args.sheet:
        write_image(args.sheet, tile_images(pictures, args.columns, pictures[0].shape[0]))


def _beside(pictures):
    height = max(picture.shape[0] for picture in pictures)
    padded = []
    for picture in pictures:
        below = height - picture.shape[0]
        padded.append(cv2.copyMakeBorder(picture, 0, below, 0, 0, cv2.BORDER_CONSTANT))
    return np.concatenate(padded, axis=1)


if __name__ == '__main__':
    main()

#!/usr/bin/env python
"""Time a fine-tuning step of DSF beside the two passes of its network alone.

    python tools/benchmark/bench_dsf_step.py
    python tools/benchmark/bench_dsf_step.py --threads 2 --batch-size 8 --out bench.json

A step is forward and backward of rendered and sensor crops with all losses; the network alone runs the
same crops with nothing drawn between its stages and the sum of its outputs as loss. Crops are of posed
OpenHands.
"""

from pathlib import Path

from mmhand_flags import ToolParser, start_tool


def parse_args(argv=None):
    parser = ToolParser(__doc__)
    parser.add_argument('config', nargs='?', default='dsf_r18_nyu')
    parser.add_argument('--batch-size', type=int, default=8, help='of each stream')
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--threads', type=int, default=2, help='torch CPU threads')
    parser.add_argument(
        '--out', metavar='FILE.json', type=Path, help='also write the numbers as JSON'
    )
    parser.renamed('--config', 'config')
    return parser.parse_args(argv)


start_tool(__name__, parse_args)

import json
import time

import torch

from mmhand.apis.inference import without_pretraining
from mmhand.cameras import cube_to_uvd
from mmhand.registry import MODELS
from mmhand.structures import HandDataSample
from mmhand.utils.config import load_config
from mmhand.utils.errors import cli_guard
from mmhand.utils.setup_env import setup_env


def batch_of(reader, count):
    """Both streams: posed hands and their crops."""
    generator = torch.Generator().manual_seed(0)
    mpe = torch.zeros(count, reader.hand.num_params)
    mpe[:, :48] = 0.3 * torch.randn(count, 48, generator=generator)
    mpe[:, -4] = 1
    center, cube = torch.tensor([[0.0, 0.0, 0.7]]).repeat(count, 1), torch.full((count, 3), 0.25)
    with torch.no_grad():
        mpe[:, -3:] = -reader.hand(mpe).joints.mean(1)
        hand = reader.hand(mpe)
        metres = reader.hand.to_camera(hand.vertices, center, cube)
        image, affine = reader.renderer(metres, reader.hand.faces, center, cube)
        uvd = cube_to_uvd(hand.joints, center, cube, affine, reader.camera)
    synthetic = dict(image=image, joints_uvd=uvd, joints_cube=hand.joints, affine=affine)
    synthetic.update(vertices_cube=hand.vertices, center=center, cube=cube)
    samples = [
        HandDataSample(metainfo=dict(crop_center=center[i].numpy(), crop_cube=cube[i].numpy()))
        for i in range(count)
    ]
    return dict(inputs=dict(real=image, synthetic=synthetic), data_samples=samples), mpe


@cli_guard
def main(argv=None):
    args = parse_args(argv)
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    config = load_config(args.config)
    setup_env(config)
    model = without_pretraining(config.model)
    model['hand_model'], model['generator'] = dict(type='OpenHand'), None
    model = MODELS.build(model).train()
    data, mpe = batch_of(model.reader, args.batch_size)
    for stage in model.network.stages:
        # A hand in the cube, as a trained network sees one.
        stage.params.bias.data.copy_(mpe[0])
    image = data['inputs']['real']

    def step():
        inputs = model.data_preprocessor(data, True)
        model.parse_losses(model(**inputs, mode='loss'))[0].backward()

    def passes():
        drawn = torch.zeros(len(image), 84, 64, 64)
        for _ in range(2):
            outputs = model.network(image, lambda mpe: drawn + 0 * mpe.sum())
            sum(value.sum() for stage in outputs for value in stage).backward()

    least = {}
    for _ in range(args.rounds):
        for name, run in (('network', passes), ('step', step)):
            model.zero_grad()
            start, spent = time.perf_counter(), time.process_time()
            run()
            took = time.perf_counter() - start, time.process_time() - spent
            least[name] = min(took, least.get(name, took))
    for name, (wall, processor) in least.items():
        print(f'{name:8s} {wall:.2f} s, {processor:.2f} s of processors')
    ratio = least['step'][1] / least['network'][1]
    print(f'a step takes {ratio:.2f} times its two network passes')
    if args.out:
        args.out.write_text(json.dumps(dict(ratio=ratio, **least), indent=1))


if __name__ == '__main__':
    main()

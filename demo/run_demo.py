"""From nothing to meshes and a report: find hands, then make some, train on them, test, show it.

python demo/run_demo.py --out-dir work_dirs/demo
python demo/run_demo.py --out-dir work_dirs/demo --skip-tour
python demo/run_demo.py --out-dir work_dirs/demo --method internet

First the open weights of the package lay meshes into the pictures of ``demo/images``, which takes less
than a minute. Then comes the tour of training: HDR, the default, is trained stage by stage, masks,
restored hands, joints of single hands, the whole. Each step is a command that works on its own and is
printed before it runs; a step that is done is not run again unless an earlier one was, so an interrupted
demo goes on where it stopped.
"""

import argparse
from collections.abc import Sequence

from mmhand_flags import ToolParser, start_tool


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Arguments of the command line."""
    parser = ToolParser(__doc__)
    parser.add_argument(
        '--out-dir', metavar='DIR', default='work_dirs/demo', help='folder for everything it makes'
    )
    parser.add_argument('--skip-tour', action='store_true', help='meshes on pictures only')
    parser.add_argument('--method', choices=('hdr', 'internet'), default='hdr')
    parser.add_argument('--num', type=int, default=700, help='synthetic pictures')
    parser.add_argument('--scenes', type=int, default=160, help='scenes of hands to restore (hdr)')
    parser.add_argument(
        '--iters',
        nargs=4,
        type=int,
        default=(1400, 200, 600, 100),
        metavar=('HASM', 'HDRM', 'SHPE', 'HDR'),
        help='training iterations of the four stages (hdr)',
    )
    parser.add_argument('--epochs', type=int, default=10, help='training epochs (internet)')
    parser.add_argument('--seed', type=int, default=0)
    parser.renamed('--out', '--out-dir')
    return parser.parse_args(argv)


start_tool(__name__, parse_args)

import json
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

from mmhand.utils.config import load_config

ROOT = Path(__file__).resolve().parents[1]

Step = tuple[str, list[str]]

#: Test pictures whose stages are shown.
PICTURES = 6

#: HDR's reduced stages, in the order they are trained.
HDR = {
    'hasm': 'configs/hdr/hdr_hasm_mitb0_cpu_interhand.py',
    'hdrm': 'configs/hdr/hdr_hdrm_cpu_aih.py',
    'shpe': 'configs/hdr/hdr_shpe_cpu_interhand.py',
    'hdr': 'configs/hdr/hdr_cpu_interhand.py',
}

#: Options of the sets HDR learns from: two gestures, wrists and cameras that hardly turn, a studio,
#: and in so few pictures as many people and poses as they hold.
NARROW = shlex.split('--turn 0.05 --gestures spread fist --backgrounds studio plain --captures 24')

INTERNET = 'configs/internet/internet_r18_cpu_interhand.py'


def squeezed(config: str, iterations: int) -> list[str]:
    """Options that fit a config's schedule into fewer iterations.

    Args:
        config: path below the repository.
        iterations: how many.

    Returns:
        ``KEY=VALUE`` for ``--cfg-options``: length, one validation at the end, a checkpoint every
        quarter, and every scheduler's milestones in proportion.
    """
    cfg = load_config(ROOT / config)
    share = iterations / cfg.train_cfg.max_iters
    options = [
        f'train_cfg.max_iters={iterations}',
        f'train_cfg.val_interval={iterations}',
        f'default_hooks.checkpoint.interval={max(1, iterations // 4)}',
    ]

    def scaled(value: int) -> int:
        return max(1, round(value * share)) if value else 0

    schedulers = cfg.get('param_scheduler') or []
    single = isinstance(schedulers, dict)
    for index, scheduler in enumerate([schedulers] if single else schedulers):
        name = 'param_scheduler' if single else f'param_scheduler.{index}'
        for key in ('begin', 'end', 'T_max', 'step_size'):
            if isinstance(scheduler.get(key), int):
                options.append(f'{name}.{key}={scaled(scheduler[key])}')
        if scheduler.get('milestones'):
            stops = ','.join(str(scaled(value)) for value in scheduler['milestones'])
            options.append(f'{name}.milestones=[{stops}]')
    return options


def mean_hand(config: str, data: Path, out: Path) -> list[str]:
    """The test of the mean hand in a config's place, which a report sets beside its numbers."""
    return [
        *('tools/test.py', config, 'mean', '--work-dir', str(out / 'mean')),
        *('--out', str(out / 'mean.json'), '--data-root', str(data)),
    ]


def hdr_steps(args: argparse.Namespace, out: Path) -> list[Step]:
    """Data, four trainings, tests, the gain table, pictures and the report."""
    hands, scenes, report = out / 'interhand', out / 'aih', out / 'report.html'
    seed = str(args.seed)

    def make(layout: str, folder: Path, *options: str) -> list[str]:
        start = ['tools/synthesis/make_dataset.py', '--format', layout, '--seed', seed]
        return [*start, *NARROW, *options, '--out-dir', str(folder)]

    def train(stage: str, *options: str) -> list[str]:
        data = scenes if stage == 'hdrm' else hands
        iterations = args.iters[list(HDR).index(stage)]
        return [
            *('tools/train.py', HDR[stage], '--work-dir', str(out / stage), '--seed', seed),
            *('--resume', '--data-root', str(data)),
            *('--cfg-options', *squeezed(HDR[stage], iterations), *options),
        ]

    # In so little time more steps are worth more than larger ones.
    small = 'train_dataloader.batch_size=8'

    def test(stage: str, *options: str) -> list[str]:
        data = scenes if stage == 'hdrm' else hands
        return [
            *('tools/test.py', HDR[stage], f'{{last:{stage}}}', '--work-dir', str(out / stage)),
            *('--out', str(out / f'{stage}.json'), '--data-root', str(data), *options),
        ]

    stages = {'segmentor': 'hasm', 'remover': 'hdrm', 'pose_estimator': 'shpe'}
    loaded = [f'model.{p}.init_cfg.checkpoint={{last:{s}}}' for p, s in stages.items()]
    return [
        (
            f'{args.num} pictures of one and two synthetic hands',
            make(
                *('interhand', hands, '--num', str(args.num), '--image-size', '256x256'),
                *('--single-poses', 'meeting', '--views', '1'),
                *('--splits', 'train:0.85,val:0.05,test:0.1'),
            ),
        ),
        (
            f'{args.scenes} scenes of two hands, with and without each other',
            make('aih', scenes, '--num', str(args.scenes), '--splits', 'train:0.84,val:0.16'),
        ),
        ('HASM: masks of whole and of visible hands', train('hasm', small)),
        ('HDRM: filling in what is hidden, taking the other hand away', train('hdrm')),
        ('SHPE: joints of one hand', train('shpe', small)),
        ('HDR: the joints of restored hands, the first two stages frozen', train('hdr', *loaded)),
        ('masks on the test split', test('hasm')),
        (
            'restored hands on held-out scenes',
            test('hdrm', '--cfg-options', 'test_dataloader.dataset.split=val'),
        ),
        (
            "the whole pipeline on the test split, by HDR's and InterNet's protocols, with overlays",
            test(
                *('hdr', '--show-dir', str(out / 'overlays')),
                # Meshes for the overlays; the joints, which are scored, stay what they are.
                *('--cfg-options', 'model.mesh_fitter.type=JointFitter'),
            ),
        ),
        (
            'what restoring gains: the same weights with and without it',
            [
                *('tools/hdr/hdr_gain.py', HDR['hdr'], '{last:hdr}'),
                *('--work-dir', str(out / 'gain'), '--data-root', str(hands)),
                *('--out', str(out / 'gain.json')),
            ],
        ),
        (
            'crops, masks, holes and restored hands of some test pictures',
            [
                *('demo/image_demo.py', '{pictures}', '--model', HDR['hdr']),
                *('--checkpoint', '{last:hdr}', '--out-dir', str(out / 'stages')),
                *('--save', 'stages'),
            ],
        ),
        ('what is to be beaten: one mean hand for all pictures', mean_hand(HDR['hdr'], hands, out)),
        (
            'one file with pictures, curves and numbers',
            [
                *('tools/analysis_tools/make_report.py', str(out / 'hdr'), '--out', str(report)),
                *('--title', 'HDR on synthetic hands', '--results'),
                *(str(out / f'{name}.json') for name in ('hdr', 'mean', 'gain', 'hasm', 'hdrm')),
                *('--pictures', str(out / 'stages'), str(out / 'overlays')),
            ],
        ),
    ]


def internet_steps(args: argparse.Namespace, out: Path) -> list[Step]:
    """Data, training, test and report."""
    data, work, report = out / 'synthetic', out / 'internet', out / 'report.html'
    where = ['--data-root', str(data)]
    # The config's own schedule, squeezed into the demo's time.
    length = [
        *('--cfg-options', f'train_cfg.max_epochs={args.epochs}', 'train_cfg.val_interval=5'),
        f'param_scheduler.milestones=[{args.epochs * 7 // 10},{args.epochs * 9 // 10}]',
    ]
    seed = str(args.seed)
    return [
        (
            f'{args.num} pictures of one and two synthetic hands',
            [
                *('tools/synthesis/make_dataset.py', '--format', 'interhand', '--num'),
                *(str(args.num), '--seed', seed, '--out-dir', str(data)),
            ],
        ),
        (
            'a reduced InterNet, trained on this CPU',
            [
                *('tools/train.py', INTERNET, '--work-dir', str(work), '--seed', seed),
                *('--resume', *where, *length),
            ],
        ),
        (
            'the InterHand2.6M metric on the test split, with overlays',
            [
                *('tools/test.py', INTERNET, '{last:internet}', '--work-dir', str(work)),
                *('--out', str(out / 'results.json'), '--show-dir', str(out / 'overlays')),
                *where,
            ],
        ),
        ('what is to be beaten: one mean hand for all pictures', mean_hand(INTERNET, data, out)),
        (
            'one file with pictures, curves and numbers',
            [
                *('tools/analysis_tools/make_report.py', str(work), '--out', str(report)),
                *('--results', str(out / 'results.json'), str(out / 'mean.json')),
                *('--pictures', str(out / 'overlays')),
            ],
        ),
    ]


def resolved(word: str, out: Path) -> list[str]:
    """A word of a command with what is known only once earlier steps have run.

    ``{last:STAGE}`` is the last checkpoint of a training, ``{pictures}`` some test pictures of two
    hands.
    """

    def last(match: re.Match) -> str:
        return (out / match[1] / 'last_checkpoint').read_text().strip()

    if word != '{pictures}':
        return [re.sub(r'\{last:(\w+)\}', last, word)]
    root = out / 'interhand'
    records = root / 'annotations' / 'test' / 'InterHand2.6M_test_data.json'
    data = json.loads(records.read_text())
    names = {image['id']: image['file_name'] for image in data['images']}
    kinds = {note['image_id']: note['hand_type'] for note in data['annotations']}
    files = [name for number, name in names.items() if kinds[number] == 'interacting']
    files = files or list(names.values())
    step = -(-len(files) // PICTURES)
    return [str(root / 'images' / 'test' / name) for name in files[::step]]


def run_step(title: str, command: list[str], mark: Path, again: bool) -> float:
    """Run one command of the demo unless it ended well before.

    Args:
        title: what it does.
        command: arguments after the interpreter.
        mark: file that remembers the command once it ended well.
        again: run it anyway: what it reads has changed.

    Returns:
        Seconds it took; 0 if it did not run.
    """
    line = shlex.join(command)
    print(f'\n== {title}\n   python {line}', flush=True)
    if mark.exists() and mark.read_text() == line and not again:
        print('   done before')
        return 0.0
    mark.unlink(missing_ok=True)
    start = time.monotonic()
    status = subprocess.run([sys.executable, *command], cwd=ROOT).returncode
    if status:
        sys.exit(f'error: this step ended with status {status}: {title}')
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.write_text(line)
    return time.monotonic() - start


def main(argv: Sequence[str] | None = None) -> None:
    """Run the demo."""
    args = parse_args(argv)
    out = Path(args.out_dir).resolve()
    pictures = out / 'pictures'
    command = ['demo/image_demo.py', 'demo/images', '--out-dir', str(pictures)]
    command += ['--save', 'overlay', 'json', 'glb', 'html']
    title = 'meshes in pictures of hands, from the open weights in the package'
    spent = run_step(title, command, out / 'done' / 'pictures', False)
    print(f'{spent:7.1f} s  overlays, meshes and 3D pages are in {pictures}')
    if args.skip_tour:
        return
    steps = (hdr_steps if args.method == 'hdr' else internet_steps)(args, out)
    times: list[tuple[float, str]] = []
    for number, (title, command) in enumerate(steps):
        command = [part for word in command for part in resolved(word, out)]
        mark = out / 'done' / f'{args.method}-{number}'
        again = any(seconds for seconds, _ in times)
        times.append((run_step(title, command, mark, again), title))
    print()
    for seconds, title in times:
        print(f'{seconds:7.1f} s  {title}')
    print(f'{sum(seconds for seconds, _ in times):7.1f} s  in all')
    print(f'\nOpen {out / "report.html"} in a browser.')


if __name__ == '__main__':
    main()

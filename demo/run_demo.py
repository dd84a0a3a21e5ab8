"""From nothing to a report: make hands, train on them, test, and show what came out.

python demo/run_demo.py --out work_dirs/demo

Each step is a command that works on its own and is printed before it runs; a step that is done is not
run again, so an interrupted demo goes on where it stopped.
"""

import argparse
import shlex
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CONFIG = 'configs/internet/internet_r18_cpu_interhand.py'


def step(title: str, command: list[str], mark: Path) -> float:
    """Run one command of the demo unless it ended well before.

    Args:
        title: what it does.
        command: arguments after the interpreter.
        mark: file that remembers the command once it ended well.

    Returns:
        Seconds it took.
    """
    line = shlex.join(command)
    print(f'\n== {title}\n   python {line}', flush=True)
    if mark.exists() and mark.read_text() == line:
        print('   done before')
        return 0.0
    start = time.monotonic()
    status = subprocess.run([sys.executable, *command], cwd=ROOT).returncode
    if status:
        sys.exit(f'error: this step ended with status {status}: {title}')
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.write_text(line)
    return time.monotonic() - start


def main() -> None:
    """Run the demo."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--out', default='work_dirs/demo', help='folder for everything it makes')
    parser.add_argument('--num', type=int, default=600, help='synthetic pictures')
    parser.add_argument('--epochs', type=int, default=10, help='training epochs')
    parser.add_argument('--seed', type=int, default=0)
    args = parser.parse_args()
    out = Path(args.out).resolve()
    data, work, report = out / 'synthetic', out / 'train', out / 'report.html'
    where = ['--data-root', str(data)]
    # The config's own schedule, squeezed into the demo's time.
    length = [
        *('--cfg-options', f'train_cfg.max_epochs={args.epochs}', 'train_cfg.val_interval=5'),
        f'param_scheduler.milestones=[{args.epochs * 7 // 10},{args.epochs * 9 // 10}]',
    ]
    seed = str(args.seed)
    steps = [
        (
            f'{args.num} pictures of one and two synthetic hands',
            [
                *('tools/synthesis/make_dataset.py', '--format', 'interhand', '--num'),
                *(str(args.num), '--seed', seed, '--out', str(data)),
            ],
        ),
        (
            'a reduced InterNet, trained on this CPU',
            [
                *('tools/train.py', CONFIG, '--work-dir', str(work), '--seed', seed),
                *('--resume', *where, *length),
            ],
        ),
        (
            'the InterHand2.6M metric on the test split, with overlays',
            [
                *('tools/test.py', CONFIG, 'LAST', '--work-dir', str(work)),
                *('--out', str(out / 'results.json'), '--show-dir', str(out / 'overlays')),
                *where,
            ],
        ),
        (
            'one file with pictures, curves and numbers',
            [
                *('tools/analysis_tools/make_report.py', str(work), '--out', str(report)),
                *('--results', str(out / 'results.json'), '--pictures', str(out / 'overlays')),
            ],
        ),
    ]
    times = []
    for number, (title, command) in enumerate(steps):
        if 'LAST' in command:
            last = (work / 'last_checkpoint').read_text().strip()
            command = [last if word == 'LAST' else word for word in command]
        times.append((step(title, command, out / 'done' / str(number)), title))
    print()
    for seconds, title in times:
        print(f'{seconds:7.1f} s  {title}')
    print(f'\nOpen {report} in a browser.')


if __name__ == '__main__':
    main()

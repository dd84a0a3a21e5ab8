#!/usr/bin/env python
"""Time the annotation store on generated InterHand2.6M annotations of full size.

    python tools/benchmark/bench_annotation_store.py
    python tools/benchmark/bench_annotation_store.py --records 100000 --out bench.json

Writes data, camera, joint_3d and MANO files in the released layout (1.4 GB for the default 1.36
million records, in a temporary folder unless ``--folder`` is given), then, each in a process of its
own: builds the store, and opens it. Bars: building stays below 8 GB, opening takes less than 2 s
and makes less than 300 MB resident. Importing torch alone makes 200 to 500 MB resident, by build, so
the memory before opening is printed beside what the opened data set adds. Pages of the maps that
reading brings in are shared between processes and given back by the system on demand; the last
number includes them. Exits 1 if a bar is missed.
"""

from pathlib import Path

from mmhand_flags import ToolParser, start_tool


def parse_args(argv=None):
    parser = ToolParser(__doc__)
    parser.add_argument('--records', type=int, default=1_361_062, help='as many as v1.0 train has')
    parser.add_argument('--folder', type=Path, help='where to generate; kept, and used again')
    parser.add_argument(
        '--out', metavar='FILE.json', type=Path, help='also write the numbers as JSON'
    )
    return parser.parse_args(argv)


start_tool(__name__, parse_args)

import json
import subprocess
import sys
import tempfile
import time

import numpy as np
from mmengine.utils import ProgressBar

from mmhand.utils.errors import cli_guard

BARS = {'build_peak_mb': 8192, 'open_s': 2.0, 'open_added_mb': 300}

CAPTURES = 26
CAMERAS = 34  # of one frame; 1.36 million pictures show 40 thousand moments

#: Runs in a fresh process, so that memory is that of the step alone.
CHILD = """
import json, resource, sys, time

def resident():
    with open('/proc/self/status') as file:
        line = next(line for line in file if line.startswith('VmRSS'))
    return int(line.split()[1]) / 1024

import numpy as np
from mmhand.datasets import InterHand26MDataset
imported = resident()
start = time.perf_counter()
data = InterHand26MDataset(data_root=sys.argv[1], split='train', subset=json.loads(sys.argv[2]))
opened = time.perf_counter() - start
after = resident()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
rows = np.random.RandomState(0).randint(0, len(data), 2000)
start = time.perf_counter()
for row in rows:
    data.get_data_info(int(row))
read = (time.perf_counter() - start) / len(rows)
print(json.dumps(dict(samples=len(data), seconds=opened, imported_mb=imported, resident_mb=after,
                      peak_mb=peak, read_us=read * 1e6, after_reading_mb=resident(),
                      store_mb=data.store.nbytes / 2**20)))
"""


def write_cameras(path, rng):
    cameras = {}
    for capture in range(CAPTURES):
        names = [f'{400000 + 10000 * (i % 2) + 200 + i}' for i in range(CAMERAS)]
        cameras[str(capture)] = {
            'campos': {name: rng.normal(0, 1000, 3).tolist() for name in names},
            'camrot': {name: np.eye(3).tolist() for name in names},
            'focal': {name: [1261.5, 1261.7] for name in names},
            'princpt': {name: [155.8, 258.8] for name in names},
        }
    path.write_text(json.dumps(cameras))


def write_frames(joint_path, mano_path, frames, rng):
    """Joint and MANO files of so many frames, dealt to the captures in turn."""
    valid = json.dumps([[1]] * 42)
    with joint_path.open('w') as joints, mano_path.open('w') as mano:
        for capture in range(CAPTURES):
            own = range(capture, frames, CAPTURES)
            world = np.round(rng.normal(0, 300, (len(own), 42, 3)), 4)
            pose = np.round(rng.normal(0, 0.5, (len(own), 2, 48)), 6)
            for file in (joints, mano):
                file.write(f'{", " if capture else "{"}"{capture}": {{')
            for row, frame in enumerate(own):
                comma = ', ' if row else ''
                joints.write(
                    f'{comma}"{frame}": {{"world_coord": {world[row].tolist()}, "joint_valid": '
                    f'{valid}, "hand_type": "interacting", "hand_type_valid": true}}'
                )
                hands = (
                    f'{{"pose": {pose[row, side].tolist()}, "shape": {[0.1] * 10}, '
                    '"trans": [0.1, 0.2, 0.9]}'
                    for side in range(2)
                )
                right, left = hands
                mano.write(f'{comma}"{frame}": {{"right": {right}, "left": {left}}}')
            for file in (joints, mano):
                file.write('}')
        for file in (joints, mano):
            file.write('}')


def write_data(path, records, rng):
    valid = json.dumps([[1]] * 42)
    types = ('right', 'left', 'interacting', 'interacting')
    boxes = np.round(rng.uniform(20, 200, (4096, 4)), 4).tolist()
    bar = ProgressBar(2 * records // 10000 + 1, file=sys.stderr) if sys.stderr.isatty() else None
    with path.open('w') as file:
        file.write('{"images": [')
        for number in range(records):
            frame, view = divmod(number, CAMERAS)
            capture = frame % CAPTURES
            camera = 400000 + 10000 * (view % 2) + 200 + view
            comma = ', ' if number else ''
            file.write(
                f'{comma}{{"id": {number}, "file_name": "Capture{capture}/ROM0{capture % 9}_Interaction'
                f'_2_Hand/cam{camera}/image{frame}.jpg", "width": 334, "height": 512, "capture": '
                f'{capture}, "subject": {capture}, "seq_name": "ROM0{capture % 9}_Interaction_2_Hand", '
                f'"camera": "{camera}", "frame_idx": {frame}}}'
            )
            if bar and number % 10000 == 0:
                bar.update()
        file.write('], "annotations": [')
        for number in range(records):
            comma = ', ' if number else ''
            file.write(
                f'{comma}{{"id": {number}, "image_id": {number}, "bbox": {boxes[number % 4096]}, '
                f'"joint_valid": {valid}, "hand_type": "{types[number % 4]}", "hand_type_valid": 1}}'
            )
            if bar and number % 10000 == 0:
                bar.update()
        file.write(']}')


def generate(root, records):
    """Write the files, unless a run before has."""
    done = root / f'generated_{records}'
    if done.exists():
        return
    rng = np.random.default_rng(0)
    folder = root / 'annotations' / 'train'
    folder.mkdir(parents=True, exist_ok=True)
    (root / 'images' / 'train').mkdir(parents=True, exist_ok=True)
    stem = f'{folder}/InterHand2.6M_train_'
    write_cameras(Path(f'{stem}camera.json'), rng)
    frames = -(-records // CAMERAS)
    write_frames(Path(f'{stem}joint_3d.json'), Path(f'{stem}MANO_NeuralAnnot.json'), frames, rng)
    write_data(Path(f'{stem}data.json'), records, rng)
    done.touch()


def step(root, subset=None):
    """Open the data set in a fresh process; returns its numbers."""
    child = subprocess.run(
        [sys.executable, '-c', CHILD, str(root), json.dumps(subset or {})],
        capture_output=True,
        text=True,
    )
    if child.returncode:
        raise SystemExit(child.stderr)
    return json.loads(child.stdout.splitlines()[-1])


def measure(root, records):
    """Generate, build, open; returns the numbers."""
    start = time.monotonic()
    generate(root, records)
    source_mb = sum(file.stat().st_size for file in root.rglob('*.json')) / 2**20
    print(f'{records} records, {source_mb:.0f} MB of JSON ({time.monotonic() - start:.0f} s)')
    build = step(root)
    print(
        f'build: {build["seconds"]:.1f} s, peak {build["peak_mb"]:.0f} MB, '
        f'store {build["store_mb"]:.0f} MB on disk'
    )
    numbers = {
        'records': records,
        'source_mb': source_mb,
        'store_mb': build['store_mb'],
        'build_s': build['seconds'],
        'build_peak_mb': build['peak_mb'],
    }
    for name, subset in (('all', {}), ('subset', {'hand_type': 'interacting', 'cameras': 'color'})):
        opened = step(root, subset)
        print(
            f'open ({name}, {opened["samples"]} samples): {opened["seconds"] * 1000:.0f} ms, '
            f'{opened["resident_mb"] - opened["imported_mb"]:.0f} MB on top of '
            f'{opened["imported_mb"]:.0f} MB of imports; {opened["read_us"]:.0f} us a record, '
            f'{opened["after_reading_mb"] - opened["resident_mb"]:.0f} MB of mapped pages after 2000'
        )
        numbers[f'open_{name}'] = opened
    numbers['open_s'] = max(numbers[f'open_{name}']['seconds'] for name in ('all', 'subset'))
    numbers['open_added_mb'] = max(
        numbers[f'open_{name}']['resident_mb'] - numbers[f'open_{name}']['imported_mb']
        for name in ('all', 'subset')
    )
    return numbers


@cli_guard
def main(argv=None):
    args = parse_args(argv)
    with tempfile.TemporaryDirectory(prefix='mmhand_store_') as scratch:
        numbers = measure(args.folder or Path(scratch), args.records)
    missed = [
        f'{key} {numbers[key]:.1f} > {bar}' for key, bar in BARS.items() if numbers[key] > bar
    ]
    if args.out:
        args.out.write_text(json.dumps(numbers, indent=1))
    print('missed: ' + ', '.join(missed) if missed else 'all bars met')
    return 1 if missed else 0


if __name__ == '__main__':
    main()

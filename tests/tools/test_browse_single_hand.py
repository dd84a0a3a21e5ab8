"""``browse_dataset --type`` draws every clean synthetic set of single hands, AIH, and flat files."""

import json
import os
import subprocess
import sys

import cv2
import numpy as np
import pytest

from mmhand.synthesis import generate_dataset, get_writer

SETS = {
    'HO3DDataset': ('ho3d', 'train'),
    'DexYCBDataset': ('dexycb', 'train'),
    'ObManDataset': ('obman', 'train'),
    'FreiHANDDataset': ('freihand', 'training'),
    'AIHDataset': ('aih', 'train'),
    'CocoHandDataset': (None, 'train'),
}

#: One process draws them all: what takes time is its start.
SCRIPT = """
import runpy, sys
for line in sys.stdin.read().splitlines():
    sys.argv = ['browse_dataset.py', *line.split()]
    try:
        runpy.run_path('tools/misc/browse_dataset.py', run_name='__main__')
    except SystemExit as error:
        if error.code:
            raise
"""


def flat_set(folder):
    cv2.imwrite(str(folder / 'a.png'), np.full((96, 96, 3), 90, np.uint8))
    points = np.random.default_rng(0).uniform(20, 70, (21, 2)).round(1)
    keypoints = [[*point, 1] for point in points.tolist()]
    images = [dict(id=0, file_name='a.png', width=96, height=96)]
    notes = [dict(id=0, image_id=0, keypoints=keypoints, hand_type='left')]
    (folder / 'hands.json').write_text(json.dumps(dict(images=images, annotations=notes)))


@pytest.fixture(scope='module')
def drawn(repo, tmp_path_factory):
    """Pictures by data set class."""
    root = tmp_path_factory.mktemp('browse')
    lines = []
    for kind, (layout, split) in SETS.items():
        data = root / kind
        data.mkdir()
        options = ''
        if layout is None:
            flat_set(data)
            options = '--cfg-options ann_file=hands.json'
        else:
            writer = get_writer(layout)
            generate_dataset(writer(data, writer.make_config(), seed=2), {split: 1}, progress=False)
        lines.append(
            f'--type {kind} --data-root {data} --split {split} --num 1 --view both '
            f'--out-dir {root / "out" / kind} {options}'
        )
    result = subprocess.run(
        [sys.executable, '-c', SCRIPT],
        input='\n'.join(lines),
        cwd=repo,
        env=dict(os.environ, PYTHONPATH=str(repo)),
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    return root / 'out'


@pytest.mark.parametrize('kind', SETS)
def test_a_clean_set_is_drawn(drawn, kind):
    (path,) = (drawn / kind).glob('*.png')
    picture = cv2.imread(str(path))
    assert picture.shape[0] >= 96
    # Something is drawn on it.
    assert picture.std() > 5

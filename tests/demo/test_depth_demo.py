"""The depth demo and the browser, on frames that our sensor model made."""

import runpy

import cv2
import numpy as np
import pytest

from mmhand.synthesis import generate_dataset, get_writer
from mmhand.synthesis.depth_scene import DepthSceneConfig, render_depth_frame


@pytest.fixture(scope='module')
def nyu(tmp_path_factory):
    root = tmp_path_factory.mktemp('demo') / 'nyu'
    kind = get_writer('nyu')
    generate_dataset(kind(root, kind.make_config(), 5), {'train': 2}, progress=False)
    return root


def run(repo, script, *arguments):
    main = runpy.run_path(str(repo / script))['main']
    with pytest.raises(SystemExit) as done:
        main([str(value) for value in arguments])
    return done.value.code or 0


@pytest.mark.parametrize('camera', [['nyu'], ['588.03', '587.07', '320', '240']])
def test_files_of_a_frame(repo, nyu, tmp_path, camera):
    frame = nyu / 'train/depth_1_0000001.png'
    options = ['--cfg-options', 'model.network.width=4', 'model.network.channels=8']
    options += ['--out-dir', tmp_path, '--camera', *camera]
    assert run(repo, 'demo/depth_demo.py', frame, *options) == 0
    names = {path.name.removeprefix('depth_1_0000001') for path in tmp_path.iterdir()}
    assert names == {'_overlay.png', '_cloud.png', '.glb', '.npz'}
    with np.load(tmp_path / 'depth_1_0000001.npz') as made:
        assert made['joints'].shape == (21, 3)
        assert np.isfinite(made['vertices']).all()
        assert 0.3 < made['center'][2] < 1.2


def test_the_hand_at_the_end_of_an_arm_is_read_with_nothing_but_a_frame(repo, tmp_path):
    """No place, no checkpoint: what ships finds hands whose arms come in over the border."""
    config = DepthSceneConfig('nyu', (0.55, 0.75), turn=0.3)
    frames = [render_depth_frame(40, index, config) for index in range(3)]
    for index, frame in enumerate(frames):
        cv2.imwrite(str(tmp_path / f'{index}.png'), frame.depth[0])
    pictures = [tmp_path / f'{index}.png' for index in range(3)]
    options = ['--camera', 'nyu', '--out-dir', tmp_path / 'out']
    assert run(repo, 'demo/depth_demo.py', *pictures, *options) == 0
    errors = []
    for index, frame in enumerate(frames):
        with np.load(tmp_path / 'out' / f'{index}.npz') as made:
            errors.append(np.linalg.norm(made['joints'] - frame.joints[0], axis=1).mean())
    assert np.median(errors) < 0.025, errors


def test_random_weights_say_so(repo, nyu, tmp_path):
    frame = nyu / 'train/depth_1_0000001.png'
    options = ['--camera', 'nyu', '--model', 'dsf_r18_cpu_nyu', '--out-dir', tmp_path]
    assert run(repo, 'demo/depth_demo.py', frame, *options) == 0
    top = cv2.imread(str(tmp_path / 'depth_1_0000001_overlay.png'))[:60].astype(int)
    assert (top[..., 2] - top[..., :2].max(-1) > 150).sum() > 100


@pytest.mark.parametrize(
    ('camera', 'message'),
    [
        (['kinect'], 'not one of nyu'),
        (['icvl'], 'pictures of 320 x 240, this one has 640 x 480'),
        (['1', '2', '3'], 'takes a name, or FX FY CX CY'),
    ],
)
def test_wrong_cameras(repo, nyu, tmp_path, camera, message, capsys):
    frame = nyu / 'train/depth_1_0000001.png'
    assert run(repo, 'demo/depth_demo.py', frame, '--out-dir', tmp_path, '--camera', *camera) == 2
    assert message in capsys.readouterr().err


def test_browsing_depth(repo, nyu, tmp_path):
    arguments = ['--type', 'NYUDataset', '--data-root', nyu, '--num', 2, '--view', 'both']
    assert run(repo, 'tools/misc/browse_dataset.py', *arguments, '--out-dir', tmp_path) == 0
    assert len(list(tmp_path.glob('*.png'))) == 2

"""From a data set through predictions to calibrated shapes and optimised poses, and one person."""

import runpy
import sys

import cv2
import numpy as np
import pytest
import torch

from mmhand.apis import init_model
from mmhand.datasets.transforms import AttachBetas
from mmhand.fitting import ShapeTable
from mmhand.utils.errors import HandConfigError, HandDataError


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    from mmhand.synthesis import count_splits, generate_dataset, get_writer

    folder = tmp_path_factory.mktemp('iahm')
    kind = get_writer('dexycb')
    writer = kind(folder / 'data', kind.make_config(captures=2, views=2), seed=3)
    generate_dataset(writer, count_splits(14, dict(writer.splits)), progress=False)
    torch.manual_seed(0)
    for name in ('baseline', 'confidence'):
        model = init_model(f'iahm_r18_{name}_cpu_dexycb-s1')
        torch.save(dict(meta={}, state_dict=model.state_dict()), folder / f'{name}.pth')
    return folder


def run(repo, tool, *args, code=None):
    path = repo / 'tools' / tool
    with pytest.MonkeyPatch.context() as patch:
        # As Python does for a script.
        patch.syspath_prepend(path.parent)
        main = runpy.run_path(str(path))['main']
    with pytest.raises(SystemExit) as stopped:
        main([str(arg) for arg in args])
    assert stopped.value.code == code


def test_from_predictions_to_poses(repo, folder, capsys):
    options = [
        f'test_dataloader.dataset.data_root={folder / "data"}',
        'test_dataloader.dataset.setup=s0',
        'test_dataloader.batch_size=4',
        'test_dataloader.num_workers=0',
        'test_dataloader.persistent_workers=False',
    ]
    config, predictions = 'iahm_r18_confidence_cpu_dexycb-s1', folder / 'predictions.npz'
    collect = (
        'iahm/collect_predictions.py',
        config,
        folder / 'confidence.pth',
        '--out',
        predictions,
    )
    run(repo, *collect, '--split', 'train', '--cfg-options', *options)
    with np.load(predictions) as file:
        count = len(file['subject'])
        assert count % 4  # the last, smaller batch is there
        assert file['confidence'].shape == (count, 1) or file['confidence'].shape == (count,)
        assert file['rotations_6d'].shape == (count, 16, 6)
        assert file['K'].shape == (count, 3, 3)
        subjects = set(file['subject'].tolist())
    shapes = folder / 'shapes.npz'
    run(
        repo,
        'iahm/calibrate_shapes.py',
        predictions,
        '--out',
        shapes,
        '--strategy',
        'top',
        '--num',
        2,
    )
    table = ShapeTable.load(shapes)
    assert set(table.subjects) == subjects
    assert table.hand_model == 'OpenHand'
    curve = ('iahm/shape_curve.py', predictions, '--out', folder / 'curve', '--nums', 1, 2)
    run(repo, *curve, '--strategies', 'random', 'top', '--hand-model', 'OpenHand')
    lines = (folder / 'curve.csv').read_text().splitlines()
    assert lines[0] == 'strategy,pictures,error_mm,deviation_over_seeds'
    assert len(lines) == 5
    assert (folder / 'curve.svg').read_text().startswith('<?xml')
    poses = ('iahm/optimize_poses.py', predictions, '--hand-model', 'OpenHand')
    run(repo, *poses, '--shapes', shapes, '--out', folder / 'poses.npz')
    said = capsys.readouterr().out
    before, after = said.split(' hands: ')[1].split(' squared')[0].split(' -> ')
    assert float(after) < float(before)
    with np.load(folder / 'poses.npz') as file:
        assert file['transl'].shape == (count, 3)
    run(repo, 'iahm/optimize_poses.py', predictions, '--hand-model', 'MANO', code=2)
    assert 'hands of OpenHand' in capsys.readouterr().err

    record = dict(subject=sorted(subjects)[0], hand_model='OpenHand', sample_id='s')
    attached = AttachBetas(str(shapes))(dict(record))['betas']
    assert np.array_equal(attached, table.betas[0])
    with pytest.raises(HandDataError, match='"nobody"'):
        AttachBetas(str(shapes))(dict(record, subject='nobody'))
    with pytest.raises(HandConfigError, match='shapes of OpenHand'):
        AttachBetas(str(shapes))(dict(record, hand_model='MANO'))


def test_a_person(repo, folder, capsys):
    pictures = folder / 'pictures'
    pictures.mkdir()
    rng = np.random.default_rng(0)
    for number in range(3):
        picture = rng.integers(0, 255, (60, 60, 3)).astype(np.uint8)
        cv2.imwrite(str(pictures / f'{number}.png'), picture)
    model = (
        '--model',
        'iahm_r18_confidence_cpu_dexycb-s1',
        '--checkpoint',
        folder / 'confidence.pth',
    )
    out = folder / 'anna.npz'
    run(repo, 'personalize.py', pictures, *model, '--out', out)
    assert '3 of 3 hands in 3 pictures, top' in capsys.readouterr().out
    assert ShapeTable.load(out).person.shape == (10,)
    assert out.with_suffix('.glb').read_bytes()[:4] == b'glTF'
    assert 'cm long' in out.with_suffix('.html').read_text()
    (folder / 'empty').mkdir()
    for source, text in (('empty', 'holds no picture'), ('absent', 'does not exist')):
        run(repo, 'personalize.py', folder / source, *model, '--out', out, code=2)
        assert text in capsys.readouterr().err
    given = ('--model', 'iahm_r18_cpu_dexycb-s1')
    run(repo, 'personalize.py', pictures, *given, '--out', out, code=2)
    assert 'predicts none' in capsys.readouterr().err
    run(repo, 'personalize.py', pictures, *model, '--out', folder / 'a.txt', code=2)


def test_the_benchmark_runs(repo, capsys):
    bench = runpy.run_path(str(repo / 'tools/benchmark/bench_pose_optimization.py'))
    bench['main'].__wrapped__.__globals__['STEPS'] = (3, 3)
    with pytest.raises(SystemExit):
        bench['main'](['--hands', '4', '--plain-hands', '2', '--alone', '1'])
    said = capsys.readouterr().out
    assert float(said.split('meshes ')[1].split(' mm')[0]) < 0.05
    assert sys.modules['torch'].get_num_threads() == 1


def test_identity_table(repo, tmp_path):
    """Two people to learn from, two others to be tested on; the second run finds all as it was."""
    from mmhand.synthesis import generate_dataset, get_writer

    kind = get_writer('freihand')
    settings = dict(captures=2, image_size=(64, 64), framing='rig', gestures=('flat',))
    for split, count in (('training', 8), ('evaluation', 12)):
        writer = kind(tmp_path / split, kind.make_config(**settings), 0)
        generate_dataset(writer, {split: count}, progress=False)
    given = []
    for name in ('baseline', 'confidence', 'identity'):
        part = '' if name == 'identity' else f'{name}_'
        path = tmp_path / f'{name}.py'
        base = repo / 'configs' / 'iahm' / f'iahm_blaze_{part}cpu_freihand.py'
        roots = [str(tmp_path / split) for split in ('training', 'evaluation')]
        path.write_text(
            f'_base_ = [{str(base)!r}]\n'
            f'train_dataloader = dict(batch_size=4, dataset=dict(data_root={roots[0]!r},'
            ' subset=dict(_delete_=True)))\n'
            f'test_dataloader = dict(dataset=dict(data_root={roots[1]!r}))\n'
        )
        given += [f'--{name}', str(path)]
    out = tmp_path / 'out'
    arguments = [*given, '--out-dir', out, '--seeds', 3, '--num', 2, '--tested', 2]
    run(repo, 'iahm/identity_table.py', *arguments, '--epochs', 1, '--warm', 1)
    table = (out / 'table.md').read_text()
    assert len(table.splitlines()) == 9
    assert '| identity-aware, true shape |' in table
    assert table.splitlines()[-1].endswith('| 0.00 ± 0.00 | 0.00 ± 0.00 |')
    before = (out / 'baseline_3.pth').stat().st_mtime_ns
    run(repo, 'iahm/identity_table.py', *arguments)
    assert (out / 'table.md').read_text() == table
    assert (out / 'baseline_3.pth').stat().st_mtime_ns == before
    assert (out / 'curve.svg').is_file()
    with np.load(out / 'predictions_3.npz') as file:
        assert file['betas'].shape == (8, 10)

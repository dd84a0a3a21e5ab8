"""The gesture project: the published network, both protocols' sequences, and its commands."""

import json
import runpy
import sys

import numpy as np
import pytest
import torch

import mmhand.models  # noqa: F401
from mmhand.registry import MODELS
from mmhand.structures import HandDataSample
from mmhand.synthesis import generate_dataset, get_writer
from mmhand.utils.errors import HandDataError


@pytest.fixture(scope='module')
def project(repo):
    folder = repo / 'projects' / 'gesture_recognition'
    sys.path.insert(0, str(folder))
    import gesture_recognition

    yield gesture_recognition
    sys.path.remove(str(folder))


@pytest.fixture(scope='module')
def shrec(tmp_path_factory):
    root = tmp_path_factory.mktemp('gestures') / 'shrec'
    kind = get_writer('shrec')
    writer = kind(root, kind.make_config(pictures=False, captures=2), 1)
    generate_dataset(writer, {'train': 56, 'test': 28}, progress=False)
    return root


def test_the_published_network(project):
    for classes, parameters in ((14, 267022), (28, 268828)):
        model = project.DGSTA(num_classes=classes)
        assert sum(p.numel() for p in model.parameters()) == parameters
        state = model.state_dict()
        assert len(state) == 32
    assert state['s_att.attn.t_mask'].shape == state['s_att.attn.s_mask'].shape == (176, 176)
    assert state['t_att.pe.pe'].shape == (1, 176, 128)
    assert {'input_map.2.a_2', 's_att.ft_map.2.b_2', 't_att.attn.value_map.0.weight'} <= set(state)
    published = {f'module.{key}': torch.randn_like(value) for key, value in state.items()}
    model.load_state_dict(published)
    assert torch.equal(model.cls.weight, published['module.cls.weight'])


def test_who_attends_to_whom(project):
    model = project.DGSTA().eval()
    x = torch.randn(1, 8, 22, 3)
    tokens = model.input_map(x.flatten(1, 2))
    other = tokens.clone()
    other[:, 22 * 3 + 5] += 1  # one joint of the fourth frame
    changed = (model.s_att(tokens) - model.s_att(other)).abs().amax(-1).view(8, 22) > 1e-6
    assert changed[3].all()
    assert not changed[[0, 1, 2, 4, 5, 6, 7]].any()
    changed = (model.t_att(tokens) - model.t_att(other)).abs().amax(-1).view(8, 22) > 1e-6
    assert changed[[0, 1, 2, 4, 5, 6, 7]].all()
    assert changed[3].nonzero().tolist() == [[5]]


def test_modes(project):
    model = project.DGSTA().eval()
    inputs = [torch.randn(8, 22, 3) for _ in range(2)]
    samples = [HandDataSample(metainfo=dict(label=3)) for _ in inputs]
    logits = model(inputs)
    assert logits.shape == (2, 14)
    loss = model(inputs, samples, 'loss')['loss']
    torch.testing.assert_close(
        loss, torch.nn.functional.cross_entropy(logits, torch.tensor([3, 3]))
    )
    said = model(inputs, samples, 'predict')
    assert [sample.pred_label for sample in said] == logits.argmax(1).tolist()
    with pytest.raises(HandDataError, match='frames, joints, 3'):
        model(torch.zeros(1, 8, 21, 3))


def test_sequences_of_both_protocols(project, shrec):
    train, test = (
        project.GestureDataset(str(shrec), split=split, num_classes=28)
        for split in ('train', 'test')
    )
    assert (len(train), len(test)) == (56, 28)
    assert sorted(set(train.labels)) == list(range(28))
    item = train[0]['inputs']
    assert item.shape == (8, 22, 3)
    assert torch.equal(item[0, 1], torch.zeros(3))
    rows = []
    for folder in sorted(shrec.glob('gesture_*/finger_*/subject_*/essai_*')):
        (folder / 'skeleton_world.txt').write_bytes((folder / 'skeletons_world.txt').read_bytes())
        numbers = [part.split('_')[1] for part in folder.relative_to(shrec).parts]
        rows.append(' '.join([*numbers, '2', '9']))
    (shrec / 'informations_troncage_sequences.txt').write_text('\n'.join(rows))
    left = project.GestureDataset(str(shrec), 'dhg', 'train', 28, test_subject=2)
    out = project.GestureDataset(str(shrec), 'dhg', 'test', 28, test_subject=2)
    assert len(left) + len(out) == 84
    assert len(out[0]['inputs']) == 8
    assert all('subject_2/' in name for name in out.names)
    assert out.labels[0] == int(out.names[0].split('/')[0].split('_')[1]) - 1


def test_frames_and_augmentation(project):
    sequence = np.random.default_rng(0).normal(0, 0.1, (5, 22, 3))
    assert np.array_equal(project.sample_frames(sequence, 8)[5:], np.stack([sequence[-1]] * 3))
    longer = np.arange(20)[:, None, None] * np.ones((1, 22, 3))
    assert project.sample_frames(longer, 8)[[0, -1], 0, 0].tolist() == [0, 19]
    rng = np.random.RandomState(0)
    made = [project.augment_skeletons(sequence, rng) for _ in range(40)]
    moved = [np.abs(m - sequence).max((0, 2)) > 1e-9 for m in made if m.shape == sequence.shape]
    assert {int(m.sum()) for m in moved} == {4, 22}
    assert any(m.shape == (4, 22, 3) for m in made)


def test_training_by_its_commands(project, shrec, repo, tmp_path, monkeypatch):
    monkeypatch.chdir(repo)
    arguments = [
        'train.py',
        'projects/gesture_recognition/configs/dg_sta_cpu_shrec17.py',
        *('--data-root', str(shrec), '--work-dir', str(tmp_path)),
        *('--cfg-options', 'train_cfg.max_epochs=1', 'model.channels=16', 'model.width=4'),
    ]
    monkeypatch.setattr(sys, 'argv', arguments)
    with pytest.raises(SystemExit) as done:
        runpy.run_path('tools/train.py', run_name='__main__')
    assert not done.value.code
    assert (tmp_path / 'epoch_1.pth').is_file()


def test_dhg_from_pictures_to_folds(project, repo, tmp_path, monkeypatch):
    """A synthetic set in DHG's layout, DSF's skeletons of its frames, and a fold of each person."""
    monkeypatch.chdir(repo)
    root, tools = tmp_path / 'dhg', repo / 'projects/gesture_recognition/tools'
    kind = get_writer('dhg')
    generate_dataset(kind(root, kind.make_config(captures=2), 1), {'all': 1}, progress=False)
    config = MODELS.build(
        dict(type='DSF', hand_model=dict(type='OpenHand'), network=dict(width=4, channels=8))
    )
    torch.save(dict(state_dict=config.state_dict()), tmp_path / 'dsf.pth')
    export = runpy.run_path(str(tools / 'export_skeletons.py'))['main']
    options = ['model.network.width=4', 'model.network.channels=8', 'model.network.stem_stride=1']
    arguments = ['dsf_r18_cpu_nyu', str(tmp_path / 'dsf.pth'), '--data-root', str(root)]
    with pytest.raises(SystemExit) as done:
        export([*arguments, '--layout', 'dhg', '--cfg-options', *options, 'model.codec.size=64'])
    assert not done.value.code
    (said,) = root.glob('gesture_*/finger_*/subject_*/essai_*/skeletons_dsf.txt')
    frames = len(list(said.parent.glob('depth_*.png')))
    assert np.loadtxt(said).shape == (frames, 66)

    generate_dataset(
        kind(tmp_path / 'two', kind.make_config(captures=2, pictures=False), 1),
        {'all': 56},
        progress=False,
    )
    folds = runpy.run_path(str(tools / 'dhg_folds.py'))['main']
    arguments = ['--data-root', str(tmp_path / 'two'), '--subjects', '1', '2', '--epochs', '1']
    with pytest.raises(SystemExit) as done:
        folds([*arguments, '--work-dir', str(tmp_path / 'w'), '--classes', '28'])
    assert not done.value.code
    scores = json.loads((tmp_path / 'w/folds_28.json').read_text())
    assert set(scores['scores']) == {'1', '2'}
    assert all(0 <= value <= 100 for value in scores['scores'].values())

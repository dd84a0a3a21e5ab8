"""Data sets that ``mmhand doctor`` tells by their files."""

import subprocess
import sys

import pytest

from mmhand.apis.doctor_data import KNOWN_SETS, find_data, identify
from mmhand.synthesis import generate_dataset, get_writer
from mmhand.synthesis.writers import DepthWriter
from mmhand.synthesis.writers.base import SYNTHESIS_WRITERS

LAYOUTS = {
    'InterHand2.6M v1.0': (
        'annotations/test/InterHand2.6M_test_data.json',
        'annotations/test/InterHand2.6M_test_camera.json',
        'annotations/test/InterHand2.6M_test_joint_3d.json',
        'annotations/test/InterHand2.6M_test_MANO_NeuralAnnot.json',
        'images/test/Capture0/a.jpg',
    ),
    'InterHand2.6M v0.0': (
        'annotations/all/InterHand2.6M_train_data.json',
        'annotations/all/InterHand2.6M_train_camera.json',
        'annotations/all/InterHand2.6M_train_joint_3d.json',
        'annotations/all/InterHand2.6M_train_MANO_NeuralAnnot.json',
        'images/train/Capture0/a.jpg',
    ),
    'AIH': ('AIH_syn/a.jpg',),
    'HO3D v2': ('train/S/meta/0000.pkl', 'train/S/rgb/0.png', 'train.txt', 'evaluation.txt'),
    'HO3D v3': (
        'evaluation/S/meta/0000.pkl',
        'evaluation/S/rgb/0.jpg',
        'train.txt',
        'evaluation.txt',
    ),
    'ObMan': ('train/meta/00000001.pkl', 'train/rgb/00000001.jpg'),
    'DexYCB': ('20200709-subject-01/S/meta.yml', 'calibration/mano_1/mano.yml'),
    'FreiHAND': ('training_K.json', 'training_mano.json', 'training/rgb/00000000.jpg'),
    'HUMBI': ('subject_1/hand/a',),
    'NYU': ('train/depth_1_0000001.png', 'train/joint_data.mat', 'test/joint_data.mat'),
    'ICVL': ('test_seq_1.txt', 'Depth/a.png'),
    'MSRA (1 of 9 people)': ('P0/1/joint.txt',),
    'HANDS 2017': ('training/Training_Annotation.txt', 'training/images/a.png'),
    'DHG': ('informations_troncage_sequences.txt', 'gesture_1/finger_1/subject_1/a'),
    "SHREC'17": ('train_gestures.txt', 'test_gestures.txt', 'gesture_1/finger_1/a'),
}


def lay(root, files):
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


@pytest.mark.parametrize('name', LAYOUTS)
def test_a_layout_is_told_and_lacks_nothing_that_is_needed(name, tmp_path):
    found = identify(lay(tmp_path, LAYOUTS[name]))
    assert found.name == name
    assert all(need.optional for need in found.missing)


def test_every_known_set_has_a_layout_here():
    assert {known.name for known in KNOWN_SETS} == {
        name.split(' v')[0].split(' (')[0] for name in LAYOUTS
    }


@pytest.mark.parametrize(
    ('name', 'lost', 'words'),
    [
        ('NYU', 'test/joint_data.mat', 'test/joint_data.mat: the joints'),
        ('InterHand2.6M v1.0', 'images/test/Capture0/a.jpg', 'pictures: images/SPLIT'),
        ('HO3D v2', 'evaluation.txt', 'list of the test split'),
        ('DexYCB', 'calibration/mano_1/mano.yml', 'calibration/'),
    ],
)
def test_what_is_missing_is_named(name, lost, words, tmp_path):
    found = identify(lay(tmp_path, [file for file in LAYOUTS[name] if file != lost]))
    assert [need.remedy for need in found.missing if not need.optional][0].startswith(words)


def test_ground_truth_published_apart_may_lack(tmp_path):
    root = lay(tmp_path, LAYOUTS['HO3D v2'])
    assert 'score nothing' in identify(root).missing[0].remedy
    (root / 'evaluation_xyz.json').touch()
    assert not identify(root).missing


def test_sets_are_found_in_a_folder_and_below(tmp_path):
    lay(tmp_path / 'nyu', (*LAYOUTS['NYU'], 'synthetic.json'))
    lay(tmp_path / 'other', ['a.txt'])
    assert identify(tmp_path / 'other') is None
    assert [(item.root.name, item.name) for item in find_data([tmp_path])] == [
        ('nyu', 'NYU (synthetic)')
    ]


@pytest.mark.parametrize('name', SYNTHESIS_WRITERS.module_dict)
def test_stand_ins_are_told_and_whole(name, tmp_path):
    kind = get_writer(name)
    fixed = name == 'obman' or issubclass(kind, DepthWriter)
    small = {} if fixed else {'image_size': (64, 64)}
    writer = kind(tmp_path, kind.make_config(**small), 0)
    generate_dataset(writer, dict.fromkeys(kind.splits, 1), progress=False)
    found = identify(tmp_path)
    assert '(synthetic)' in found.name
    assert not [need for need in found.missing if not need.optional]


def test_command_lists_them(tmp_path, repo):
    lay(tmp_path / 'data' / 'nyu', LAYOUTS['NYU'][:2])

    def run(*words):
        command = [sys.executable, str(repo / 'mmhand_cli.py'), 'doctor', *words]
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)

    done = run()
    assert 'ok  NYU            data/nyu' in done.stdout
    assert 'NO  NYU            data/nyu lacks test/joint_data.mat' in done.stdout
    assert done.returncode == 1
    done = run('--data-root', 'nowhere')
    assert done.returncode == 2
    assert done.stderr.strip().endswith('there is no folder nowhere: name one that holds data sets')

"""DexYCB: official splits, labels, mirrored left hands, HandOccNet's JSON."""

import json
import random
import shutil

import numpy as np
import pytest
import torch
import yaml
from mmengine.dataset import Compose

from mmhand.datasets.dexycb import DexYCBDataset
from mmhand.datasets.dexycb.files import SUBJECTS, split_members
from mmhand.hand_models import OpenHand
from mmhand.registry import TRANSFORMS
from mmhand.structures import HAND_MASK_PLANES
from mmhand.synthesis import generate_dataset, get_writer
from mmhand.utils.errors import HandConfigError, HandDataError, HandFileError


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    out = tmp_path_factory.mktemp('dexycb') / 'set'
    kind = get_writer('dexycb')
    config = kind.make_config(image_size=(160, 120), captures=2, views=2, cameras=2)
    generate_dataset(kind(out, config, 4), {'train': 8, 'val': 4, 'test': 4}, progress=False)
    return out


@pytest.mark.parametrize(
    ('setup', 'sizes'),
    [
        # recordings x cameras of train, val, test; the toolkit's own numbers of subjects and cameras
        ('s0', (800 * 8, 40 * 8, 160 * 8)),
        ('s1', (700 * 8, 100 * 8, 200 * 8)),
        ('s2', (1000 * 6, 1000, 1000)),
        ('s3', (750 * 8, 100 * 8, 150 * 8)),
    ],
)
def test_splits_are_the_toolkits(setup, sizes):
    members = [split_members(setup, split) for split in ('train', 'val', 'test')]
    assert tuple(int(a.sum() * b.sum() * c.sum()) for a, b, c in members) == sizes
    seen = sum(np.multiply.outer(np.multiply.outer(a, b), c).astype(int) for a, b, c in members)
    assert seen.max() == 1


def official_samples(root, split):
    """Labels of a split of s0 by the toolkit's rules, in its order: (number, path, label)."""
    last = split != 'train'
    subjects = {'train': range(10), 'val': range(2), 'test': range(2, 10)}[split]
    number = 0
    for subject in subjects:
        recordings = sorted(path for path in (root / SUBJECTS[subject]).iterdir())
        for index, recording in enumerate(recordings):
            if (index % 5 == 4) != last:
                continue
            meta = yaml.safe_load((recording / 'meta.yml').read_text())
            betas = root / 'calibration' / f'mano_{meta["mano_calib"][0]}' / 'mano.yml'
            for serial in meta['serials']:
                for frame in range(meta['num_frames']):
                    path = recording / serial / f'labels_{frame:06d}.npz'
                    if path.is_file():
                        label = dict(np.load(path))
                        label['side'] = meta['mano_sides'][0]
                        label['betas'] = yaml.safe_load(betas.read_text())['betas']
                        if not (label['joint_3d'] == -1).all():
                            yield number, path, label
                    number += 1


@pytest.mark.parametrize('split', ['train', 'val', 'test'])
def test_samples_are_the_labels(root, split):
    data = DexYCBDataset(data_root=root, split=split, with_vertices=True)
    official = list(official_samples(root, split))
    assert len(data) == len(official) > 0
    models = {side: OpenHand(side=side) for side in ('right', 'left')}
    for row, (number, path, label) in enumerate(official):
        info = data.get_data_info(row)
        assert info['toolkit_index'] == number
        assert info['img_path'] == str(path.with_suffix('.jpg')).replace('labels', 'color')
        side = int(label['side'] == 'left')
        assert info['hand_type'] == label['side']
        np.testing.assert_allclose(info['keypoints_3d'][side], label['joint_3d'][0], atol=1e-6)
        np.testing.assert_allclose(info['keypoints_2d'][side], label['joint_2d'][0], atol=1e-2)
        # The labels' numbers through a hand model with PCA give the labels' joints.
        hand = OpenHand(side=label['side'], num_pca=45)
        pose = torch.from_numpy(label['pose_m'])
        betas = torch.tensor([label['betas']])
        joints = hand(pose[:, :3], pose[:, 3:48], betas, pose[:, 48:]).joints[0]
        np.testing.assert_allclose(joints, label['joint_3d'][0], atol=1e-4)
        # And so do ours, through the one without.
        ours = torch.from_numpy(info['mano_pose'][side])[None]
        shape = torch.from_numpy(info['mano_betas'][side])[None]
        output = models[label['side']](ours[:, :3], ours[:, 3:], shape)
        joints = output.joints[0] - output.joints[0, 0] + label['joint_3d'][0, 0]
        np.testing.assert_allclose(joints, label['joint_3d'][0], atol=1e-4)
        mesh = output.vertices[0] - output.joints[0, 0] + label['joint_3d'][0, 0]
        # OpenHand's left shapes are the right's mirrored, so both definitions agree.
        np.testing.assert_allclose(info['vertices'][side], mesh, atol=1e-4)


def test_left_hands_become_right_ones(root):
    data = DexYCBDataset(
        data_root=root, split='train', subset=dict(hand_type='left'), with_vertices=True
    )
    steps = [
        dict(type='LoadHandImage'),
        dict(type='LoadSoftHandMasks'),
        dict(type='HandOccNetBBoxCrop'),
        dict(type='MirrorLeftHand'),
        dict(type='HandTopdownAffine', input_size=128, mask_mode='linear'),
        dict(type='PackHandInputs'),
    ]
    pipeline = Compose([TRANSFORMS.build(step) for step in steps])
    info = data.get_data_info(0)
    sample = pipeline(data.get_data_info(0))['data_samples']
    hands = sample.gt_hands
    assert hands.side.tolist() == [0]
    flip = np.array([-1, 1, 1])
    np.testing.assert_allclose(hands.keypoints_3d[0], info['keypoints_3d'][1] * flip, atol=1e-6)
    np.testing.assert_allclose(hands.vertices[0], info['vertices'][1] * flip, atol=1e-6)
    output = OpenHand()(hands.pose[:, :3], hands.pose[:, 3:], hands.betas)
    joints = output.joints[0] - output.joints[0, 0] + hands.root[0]
    np.testing.assert_allclose(joints, hands.keypoints_3d[0], atol=1e-4)
    # The crop shows the mirrored hand where its mirrored joints are.
    K = sample.camera['K_crop']
    projected = hands.keypoints_3d[0].numpy() @ K.T
    np.testing.assert_allclose(
        projected[:, :2] / projected[:, 2:], hands.keypoints_2d[0], atol=0.02
    )
    np.testing.assert_allclose(
        hands.keypoints_3d[0].numpy() @ sample.camera['frame'], info['keypoints_3d'][1], atol=1e-6
    )
    planes = dict(zip(HAND_MASK_PLANES, sample.gt_sem_seg.data, strict=True))
    assert planes['right_visible'].any()
    assert not planes['left_visible'].any()
    inside = [
        planes['right_amodal'][int(round(float(v))), int(round(float(u)))] > 127
        for u, v in hands.keypoints_2d[0]
        if 0 <= u < 127 and 0 <= v < 127
    ]
    assert np.mean(inside) > 0.8


def test_handoccnets_json_gives_the_same_samples(root, tmp_path):
    labels = DexYCBDataset(data_root=root, split='train')
    images, annotations = [], []
    for row in range(len(labels)):
        info = labels.get_data_info(row)
        side = int(info['hand_type'] == 'left')
        K = info['camera']['K']
        images.append(dict(id=row, file_name=f'{info["sample_id"]}.jpg', width=160, height=120))
        annotations.append(
            dict(
                id=row,
                image_id=row,
                hand_type=info['hand_type'],
                joints_coord_cam=info['keypoints_3d'][side].tolist(),
                joints_img=info['keypoints_2d'][side].tolist(),
                cam_param=dict(focal=K.diagonal()[:2].tolist(), princpt=K[:2, 2].tolist()),
                mano_param=dict(
                    pose=info['mano_pose'][side].tolist(), shape=info['mano_betas'][side].tolist()
                ),
            )
        )
    path = tmp_path / 'DEX_YCB_s0_train_data.json'
    path.write_text(json.dumps(dict(images=images, annotations=annotations)))
    listed = DexYCBDataset(data_root=root, ann_file=str(path), cache_dir=tmp_path)
    assert 'json' in listed.store.folder.name, 'the JSON is what is read'
    # Whose pictures are of 640 x 480 as DexYCB's are.
    inside = DexYCBDataset(
        data_root=root, ann_file=str(path), cache_dir=tmp_path, subset=dict(in_frame=True)
    )
    points = np.array([annotation['joints_img'] for annotation in annotations])
    assert len(inside) == ((points >= 0) & (points <= [640, 480])).all((1, 2)).sum()
    # Labels without a hand, should a file list them, are no samples.
    none = dict(annotations[0], joints_coord_cam=[[-1.0] * 3] * 21)
    other = tmp_path / 'other.json'
    other.write_text(json.dumps(dict(images=images, annotations=[none, *annotations[1:]])))
    some = DexYCBDataset(data_root=root, ann_file=str(other), cache_dir=tmp_path)
    assert len(some) == len(labels) - 1
    assert some.get_data_info(0)['toolkit_index'] == 1
    assert len(listed) == len(labels)
    for row in range(len(labels)):
        a, b = labels.get_data_info(row), listed.get_data_info(row)
        assert (a['img_path'], a['hand_type']) == (b['img_path'], b['hand_type'])
        for key in ('keypoints_3d', 'bbox', 'mano_pose', 'mano_betas'):
            np.testing.assert_allclose(a[key], b[key], rtol=1e-4, atol=1e-4)


def test_labels_place_the_mesh(root):
    data = DexYCBDataset(data_root=root, split='train', with_vertices=True)
    for row, (_, _, label) in enumerate(official_samples(root, 'train')):
        info = data.get_data_info(row)
        side = int(label['side'] == 'left')
        hand = OpenHand(side=label['side'])
        pose, betas, transl = (
            torch.from_numpy(info[key][side])[None]
            for key in ('mano_pose', 'mano_betas', 'mano_trans')
        )
        output = hand(pose[:, :3], pose[:, 3:], betas, transl)
        np.testing.assert_allclose(output.vertices[0], info['vertices'][side], atol=1e-5)
        np.testing.assert_allclose(output.joints[0], label['joint_3d'][0], atol=1e-4)
        rest = output.rest_joints[0, 0]
        np.testing.assert_allclose(info['mano_rest_wrist'][side], rest, atol=1e-6)
        if not side:
            np.testing.assert_allclose(info['mano_trans'][0], label['pose_m'][0, 48:], atol=1e-6)
        assert info['mano_trans'][1 - side].tolist() == [0, 0, 0]


def test_a_subject_is_one_person(root):
    """In all splits and recordings, and not another subject's."""
    shapes = {}
    for split in ('train', 'val', 'test'):
        data = DexYCBDataset(data_root=root, split=split)
        for row in range(len(data)):
            info = data.get_data_info(row)
            side = int(info['hand_type'] == 'left')
            shapes.setdefault(info['subject'], set()).add(tuple(info['mano_betas'][side]))
    assert len(shapes) > 2
    assert all(len(of_one) == 1 for of_one in shapes.values())
    assert len(set.union(*shapes.values())) == len(shapes)
    stated = data.subject_betas()
    for subject, (betas,) in shapes.items():
        np.testing.assert_allclose(stated.get(subject, betas), betas)
    calibrated = {path.name.split('_', 2)[2] for path in (root / 'calibration').glob('mano_*')}
    assert len(calibrated) == 20


def test_right_hands_have_the_right_calibration(root, tmp_path):
    """A left calibration of the subject, whatever it says, is not looked at."""
    copy = shutil.copytree(root, tmp_path / 'set', ignore=shutil.ignore_patterns('.mmhand_cache'))
    for path in (copy / 'calibration').glob('mano_*_left/mano.yml'):
        path.write_text(yaml.safe_dump(dict(betas=[9.0] * 10)))
    right = dict(hand_type='right')
    before, after = (DexYCBDataset(data_root=folder, subset=right) for folder in (root, copy))
    assert len(before) == len(after)
    for row in range(len(before)):
        a, b = before.get_data_info(row), after.get_data_info(row)
        assert (a['mano_betas'] == b['mano_betas']).all()
    assert np.abs(np.stack(list(after.subject_betas().values()))).max() < 3


@pytest.mark.parametrize(
    ('setup', 'test', 'val'),
    [
        *(('s5', (0, 1), (3,)), ('s6', (4, 5), (9,)), ('s7', (2, 9), (5,))),
        *(('s9', (4, 9), (5,)), ('s10', (2, 3), (0,)), ('s11', (0, 2), (3,))),
    ],
)
def test_further_splits_hold_out_subjects(setup, test, val):
    subjects = {split: split_members(setup, split)[0] for split in ('train', 'val', 'test')}
    assert np.flatnonzero(subjects['test']).tolist() == list(test)
    assert np.flatnonzero(subjects['val']).tolist() == list(val)
    assert subjects['train'].sum() == 7
    assert not (subjects['train'] & (subjects['val'] | subjects['test'])).any()
    assert all(flags.all() for flags in split_members(setup, 'train')[1:])


def test_s4_is_a_random_cut_of_all_that_filters_leave(root):
    names = {}
    for split in ('train', 'test'):  # nothing is left for validation of so few
        data = DexYCBDataset(
            data_root=root, split=split, setup='s4', subset=dict(hand_type='right', in_frame=True)
        )
        names[split] = [data.get_data_info(row)['sample_id'] for row in range(len(data))]
    whole = [
        DexYCBDataset(data_root=root, split=split, subset=dict(hand_type='right', in_frame=True))
        for split in ('train', 'val', 'test')
    ]
    listed = [data.get_data_info(row)['sample_id'] for data in whole for row in range(len(data))]
    random.Random(0).shuffle(listed)
    first, second = int(0.8 * len(listed)), int(0.85 * len(listed))
    assert set(names['train']) == set(listed[:first])
    assert set(names['test']) == set(listed[second:])


def test_hands_that_leave_the_picture_are_left_out(root, tmp_path):
    copy = shutil.copytree(root, tmp_path / 'set', ignore=shutil.ignore_patterns('.mmhand_cache'))
    all_of_it = len(DexYCBDataset(data_root=copy, subset=dict(in_frame=True)))
    assert all_of_it == len(DexYCBDataset(data_root=copy))
    for path in (copy / 'calibration' / 'intrinsics').iterdir():
        path.rename(path.with_name(path.name.replace('160x120', '90x120')))
    (next(iter(copy.glob('2*/*/meta.yml')))).touch()
    data = DexYCBDataset(data_root=copy)
    wanted = []
    for row in range(len(data)):
        info = data.get_data_info(row)
        points = info['keypoints_2d'][int(info['hand_type'] == 'left')]
        if (points >= 0).all() and (points <= [90, 120]).all():
            wanted.append(info['sample_id'])
    kept = DexYCBDataset(data_root=copy, subset=dict(in_frame=True))
    assert [kept.get_data_info(row)['sample_id'] for row in range(len(kept))] == wanted
    assert 0 < len(wanted) < all_of_it


def test_joints_are_regressed_as_the_toolkits(root):
    """From meshes in evaluation; training sets, which checkpoints describe, have no such array."""
    regressor = DexYCBDataset(data_root=root, split='test').metainfo['joint_regressor']
    hand = OpenHand()
    mesh = torch.randn(hand.num_verts, 3).double()
    np.testing.assert_allclose(regressor @ mesh.numpy(), hand.regress_joints(mesh), atol=1e-6)
    np.testing.assert_allclose(regressor.sum(1), 1, atol=1e-6)
    assert (regressor[[4, 8, 12, 16, 20]] == 1).sum() == 5
    assert 'joint_regressor' not in DexYCBDataset(data_root=root).metainfo
    assert 'joint_regressor' in DexYCBDataset(data_root=root, test_mode=True).metainfo


def recording(root):
    """A recording of a right hand with a label, by the paths of both."""
    for path in sorted(root.glob('2*/*/meta.yml')):
        meta = yaml.safe_load(path.read_text())
        labels = sorted(path.parent.glob('*/labels_*.npz'))
        if labels and meta['mano_sides'] == ['right']:
            return path, labels[0]
    raise AssertionError


def edit_yaml(path, **changes):
    content = {**yaml.safe_load(path.read_text()), **changes}
    path.write_text(yaml.safe_dump({k: v for k, v in content.items() if v is not None}))


def intrinsics(root):
    return sorted((root / 'calibration' / 'intrinsics').iterdir())[0]


def calibration(root):
    return sorted((root / 'calibration').glob('mano_*_right/mano.yml'))[0]


def save_label(path, **changes):
    label = {**np.load(path), **changes}
    np.savez(path, **{key: value for key, value in label.items() if value is not None})


@pytest.mark.parametrize(
    ('spoil', 'error', 'match'),
    [
        (lambda r: shutil.rmtree(r / 'calibration'), HandFileError, 'holds no "calibration"'),
        (lambda r: shutil.rmtree(r / 'calibration/intrinsics'), HandFileError, 'no intrinsics of'),
        (lambda r: intrinsics(r).write_text('depth: {}'), HandDataError, 'has no "color"'),
        (
            lambda r: intrinsics(r).write_text('color: {fx: x, fy: 1, ppx: 1, ppy: 1}'),
            HandDataError,
            '"fx" is \'x\', expected a number',
        ),
        (lambda r: calibration(r).unlink(), HandFileError, 'mano.yml'),
        (
            lambda r: calibration(r).write_text('betas: [1, 2]'),
            HandDataError,
            'expected 10 numbers',
        ),
        (lambda r: calibration(r).write_text('betas: [a]'), HandDataError, 'expected 10 numbers'),
        (lambda r: calibration(r).write_text('{'), HandFileError, 'cannot be read'),
        (
            lambda r: edit_yaml(
                recording(r)[0], mano_calib=[calibration(r).parent.name[5:-5] + 'left']
            ),
            HandDataError,
            'the right hand refers to the calibration of the other one',
        ),
        (
            lambda r: edit_yaml(recording(r)[0], mano_sides=['both']),
            HandDataError,
            'known: right, left',
        ),
        (lambda r: edit_yaml(recording(r)[0], serials=None), HandDataError, 'has no "serials"'),
        (lambda r: edit_yaml(recording(r)[0], serials=['1']), HandDataError, "none of DexYCB's"),
        (
            lambda r: recording(r)[1].write_bytes(recording(r)[1].read_bytes()[:300]),
            HandFileError,
            'cannot be read as .npz',
        ),
        (lambda r: save_label(recording(r)[1], pose_m=None), HandDataError, 'has no "pose_m"'),
        (
            lambda r: save_label(recording(r)[1], pose_m=np.zeros((1, 48))),
            HandDataError,
            '"pose_m" has shape',
        ),
    ],
)
def test_bad_files_end_in_one_line(root, tmp_path, spoil, error, match):
    copy = shutil.copytree(
        root, tmp_path / 'set', ignore=shutil.ignore_patterns('.mmhand_cache', '*.jpg', '*.png')
    )
    spoil(copy)
    with pytest.raises(error, match=match) as caught:
        DexYCBDataset(data_root=copy)
    assert '\n' not in str(caught.value)


def test_mistakes_are_named(root, tmp_path):
    with pytest.raises(HandConfigError, match='s8'):
        DexYCBDataset(data_root=root, setup='s8')
    with pytest.raises(HandConfigError, match='in_view'):
        DexYCBDataset(data_root=root, subset=dict(in_view=True))
    (tmp_path / 'calibration').mkdir()
    with pytest.raises(HandFileError, match='no recording'):
        DexYCBDataset(data_root=tmp_path)
    other = DexYCBDataset(data_root=root)
    names = other.store['sequence']['name']
    first = names[int(np.flatnonzero(other.store['sequence']['left'] == 0)[0])].split('/')[0]
    copy = shutil.copytree(root, tmp_path / 'set', ignore=shutil.ignore_patterns('.mmhand_cache'))
    second = shutil.copytree(calibration(copy).parent, copy / 'calibration' / 'mano_again')
    (second / 'mano.yml').write_text(yaml.safe_dump(dict(betas=[1.0] * 10)))
    for path in sorted((copy / first).glob('*/meta.yml'))[-1:]:
        edit_yaml(path, mano_calib=['again'], mano_sides=['right'])
    with pytest.raises(HandDataError, match='has two shapes'):
        DexYCBDataset(data_root=copy).subject_betas()

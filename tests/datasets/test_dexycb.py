"""DexYCB: official splits, labels, mirrored left hands, HandOccNet's JSON."""

import json

import numpy as np
import pytest
import torch
import yaml
from mmengine.dataset import Compose

from mmhand.datasets.dexycb import DexYCBDataset
from mmhand.datasets.dexycb.files import SERIALS, SUBJECTS, split_members
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
    assert len(listed) == len(labels)
    for row in range(len(labels)):
        a, b = labels.get_data_info(row), listed.get_data_info(row)
        assert (a['img_path'], a['hand_type']) == (b['img_path'], b['hand_type'])
        for key in ('keypoints_3d', 'bbox', 'mano_pose', 'mano_betas'):
            np.testing.assert_allclose(a[key], b[key], rtol=1e-4, atol=1e-4)


def test_mistakes_are_named(root, tmp_path):
    with pytest.raises(HandFileError, match='calibration'):
        DexYCBDataset(data_root=tmp_path)
    with pytest.raises(HandConfigError, match='s9'):
        DexYCBDataset(data_root=root, setup='s9')
    (tmp_path / 'calibration').mkdir()
    with pytest.raises(HandFileError, match='no recording'):
        DexYCBDataset(data_root=tmp_path)
    recording = tmp_path / SUBJECTS[0] / '20200709_140000'
    (recording / SERIALS[0]).mkdir(parents=True)
    meta = dict(serials=[SERIALS[0]], num_frames=1, mano_sides=['right'], mano_calib=['x'])
    (recording / 'meta.yml').write_text(yaml.safe_dump(meta))
    with pytest.raises(HandFileError, match='mano.yml'):
        DexYCBDataset(data_root=tmp_path)
    (tmp_path / 'calibration/mano_x').mkdir()
    (tmp_path / 'calibration/mano_x/mano.yml').write_text('betas: [1, 2]')
    with pytest.raises(HandDataError, match='expected 10 numbers'):
        DexYCBDataset(data_root=tmp_path)

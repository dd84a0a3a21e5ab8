"""FreiHAND: the official layout, and what a synthetic set in it says."""

import json

import cv2
import numpy as np
import pytest
import torch

from mmhand.datasets import FreiHANDDataset
from mmhand.datasets.transforms import AnchorMeshAtWrist, CMRCrop
from mmhand.hand_models import OpenHand
from mmhand.registry import TRANSFORMS
from mmhand.structures import HAND_MASK_PLANES
from mmhand.synthesis import generate_dataset, get_writer
from mmhand.utils.errors import HandConfigError, HandDataError, HandFileError


@pytest.fixture(scope='module')
def synthetic(tmp_path_factory):
    root = tmp_path_factory.mktemp('freihand') / 'set'
    kind = get_writer('freihand')
    config = kind.make_config(captures=2, occluder_prob=0.0)
    generate_dataset(kind(root, config, 3), {'training': 4, 'evaluation': 1}, progress=False)
    return root


@pytest.fixture
def official(tmp_path):
    """Three frames in two versions with numbers of no meaning, and two to be evaluated."""
    rng = np.random.default_rng(0)
    for split, count, pictures in (('training', 3, 6), ('evaluation', 2, 2)):
        for folder in ('rgb', 'mask') if split == 'training' else ('rgb',):
            (tmp_path / split / folder).mkdir(parents=True)
        for number in range(pictures):
            picture = np.full((224, 224, 3), 40 * number, np.uint8)
            cv2.imwrite(str(tmp_path / split / 'rgb' / f'{number:08d}.jpg'), picture)
        lists = dict(
            K=np.tile([[480.0, 0, 112], [0, 480, 112], [0, 0, 1]], (count, 1, 1)),
            scale=np.full(count, 0.03),
        )
        if split == 'training':
            lists['xyz'] = rng.normal(0, 0.05, (count, 21, 3)) + [0, 0, 0.7]
            lists['mano'] = rng.normal(0, 0.1, (count, 1, 61))
            for number in range(count):
                mask = np.zeros((224, 224), np.uint8)
                mask[60:120, 80:180] = 255
                cv2.imwrite(str(tmp_path / split / 'mask' / f'{number:08d}.jpg'), mask)
        for name, values in lists.items():
            (tmp_path / f'{split}_{name}.json').write_text(json.dumps(values.tolist()))
    return tmp_path


def read(root, name):
    return json.loads((root / f'{name}.json').read_text())


def test_all_backgrounds_of_a_frame_share_its_annotation(official):
    data = FreiHANDDataset(data_root=official)
    assert len(data) == 6
    xyz, mano = np.array(read(official, 'training_xyz')), np.array(read(official, 'training_mano'))
    for row in range(6):
        info = data.get_data_info(row)
        assert info['img_path'].endswith(f'{row:08d}.jpg')
        assert info['mask_sources']['visible'].path.endswith(f'{row % 3:08d}.jpg')
        np.testing.assert_allclose(info['keypoints_3d'][0], xyz[row % 3], atol=1e-6)
        np.testing.assert_allclose(info['mano_pose'][0], mano[row % 3, 0, :48], atol=1e-6)
        np.testing.assert_allclose(info['mano_betas'][0], mano[row % 3, 0, 48:58], atol=1e-6)
        assert info['toolkit_index'] == row
        assert 'vertices' not in info
    only = FreiHANDDataset(data_root=official, subset=dict(versions=['hom']))
    assert [only.get_data_info(row)['toolkit_index'] for row in range(3)] == [3, 4, 5]
    with pytest.raises(HandConfigError, match='has no version "auto"'):
        FreiHANDDataset(data_root=official, subset=dict(versions=['auto']))


def test_evaluation_without_truth_is_not_scored(official):
    data = FreiHANDDataset(data_root=official, split='evaluation')
    info = data.get_data_info(1)
    assert not info['scored']
    assert info['keypoint_valid'].sum() == 0
    assert info['bbox'].tolist() == [47, 47, 130, 130]
    (official / 'truth').mkdir()
    xyz = np.full((2, 21, 3), 0.5)
    (official / 'truth' / 'evaluation_xyz.json').write_text(json.dumps(xyz.tolist()))
    data = FreiHANDDataset(data_root=official, split='evaluation', ground_truth_dir='truth')
    with pytest.raises(HandDataError, match='no area'):  # all joints in one place
        data.get_data_info(0)


@pytest.mark.parametrize(
    ('name', 'content', 'error', 'match'),
    [
        ('xyz', None, HandFileError, 'training_xyz.json is missing'),
        ('xyz', '[[1, 2]]', HandDataError, 'training_xyz.json: entry 0'),
        ('xyz', '[]', HandDataError, 'is empty'),
        ('K', '{"a": 1}', HandFileError, 'training_K.json'),
        ('mano', '[[1, 2], [3]]', HandDataError, 'training_mano.json: entry 0'),
        ('scale', '[1, 2]', HandDataError, 'training_scale.json has 2 entries'),
        ('scale', '[1, 2, NaN]', HandDataError, 'entry 2: "scale" nan is no length'),
    ],
)
def test_mistakes_name_file_and_entry(official, name, content, error, match):
    path = official / f'training_{name}.json'
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises(error, match=match) as caught:
        FreiHANDDataset(data_root=official)
    assert '\n' not in str(caught.value)


def test_synthetic_sets_are_consistent(synthetic):
    data = FreiHANDDataset(data_root=synthetic, with_vertices=True)
    hand = OpenHand(side='right')
    betas = {}
    for row in range(len(data)):
        info = data.get_data_info(row)
        pose, shape = (torch.from_numpy(info[f'mano_{n}'][:1]) for n in ('pose', 'betas'))
        output = hand(pose[:, :3], pose[:, 3:], shape)
        shift = info['keypoints_3d'][0, 0] - output.joints[0, 0].numpy()
        np.testing.assert_allclose(output.joints[0] + shift, info['keypoints_3d'][0], atol=1e-5)
        np.testing.assert_allclose(output.vertices[0] + shift, info['vertices'][0], atol=1e-5)
        betas.setdefault(info['subject'], []).append(info['mano_betas'][0])
    assert len(betas) == 2
    for rows in betas.values():
        assert len(rows) == 2
        assert (rows[0] == rows[1]).all()
    chosen = FreiHANDDataset(data_root=synthetic, subset=dict(subjects=['training-1']))
    infos = [chosen.get_data_info(row) for row in range(len(chosen))]
    assert [(info['subject'], info['toolkit_index']) for info in infos] == [
        ('training-1', 1),
        ('training-1', 3),
    ]
    with pytest.raises(HandConfigError, match='no subject "ann"'):
        FreiHANDDataset(data_root=synthetic, subset=dict(subjects=['ann']))
    (synthetic / 'training_verts.json').rename(synthetic / 'kept.json')
    try:
        posed = FreiHANDDataset(data_root=synthetic, with_vertices=True)
        ours, theirs = (d.get_data_info(1)['vertices'][0] for d in (posed, data))
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    finally:
        (synthetic / 'kept.json').rename(synthetic / 'training_verts.json')


def test_training_crops_hold_the_mask_and_turn_all(synthetic):
    np.random.seed(0)
    steps = [
        dict(type='LoadHandImage'),
        dict(type='LoadSoftHandMasks', masks=('visible',)),
        dict(type='CMRCrop', rotate=90),
        dict(type='HandTopdownAffine', input_size=224, mask_mode='linear'),
        dict(type='AnchorMeshAtWrist'),
    ]
    data = FreiHANDDataset(data_root=synthetic, with_vertices=True, pipeline=steps)
    raw = FreiHANDDataset(data_root=synthetic, with_vertices=True)
    plane = HAND_MASK_PLANES.index('right_visible')
    for row in (0, 1, 2, 3):
        results, before = data[row], raw.get_data_info(row)
        assert results['img'].shape == (224, 224, 3)
        mask = results['hand_masks'][..., plane] > 128
        assert mask.sum() > 1000
        joints, K = results['keypoints_3d'][0], results['camera']['K_crop']
        pixels = joints @ K.T
        np.testing.assert_allclose(
            pixels[:, :2] / pixels[:, 2:], results['keypoints_2d'][0], atol=1e-2
        )
        # The mesh keeps its shape about the wrist, and turned with the picture.
        mesh = results['vertices'][0] - results['mano_trans'][0]
        was = before['vertices'][0] - before['keypoints_3d'][0, 0]
        np.testing.assert_allclose(
            np.linalg.norm(mesh, axis=1), np.linalg.norm(was, axis=1), atol=1e-5
        )
        np.testing.assert_allclose(mesh[:, 2], was[:, 2], atol=1e-5)


def crop(**settings):
    box = np.zeros((224, 224, 4), np.uint8)
    box[60:120, 80:180, HAND_MASK_PLANES.index('right_visible')] = 255
    results = dict(img_shape=(224, 224), bbox=np.array([0.0, 0, 10, 10]), hand_masks=box)
    return CMRCrop(**settings).transform(results)


def test_crop_sizes_shifts_and_turns():
    np.random.seed(0)
    draws = [crop() for _ in range(200)]
    sides = np.array([d['bbox_size'][0] for d in draws]) * 223 / 224
    assert sides.min() == pytest.approx(110, abs=2)
    assert sides.max() == pytest.approx(150, abs=2)
    centers = np.array([d['bbox_center'] for d in draws])
    assert np.abs(centers - [130.5, 90.5]).max() < 26
    assert np.abs(centers - [130.5, 90.5]).max() > 12
    turns = {d['bbox_rotation'] for d in draws}
    assert min(turns) >= -90
    assert max(turns) <= 89
    still = crop(mode='center')
    assert still['bbox_size'][0] == pytest.approx(130 * 224 / 223)
    assert still['bbox_rotation'] == 0
    box = crop(mode='box')
    assert box['bbox_size'][0] == pytest.approx(13 * 224 / 223)
    assert box['bbox_center'] == pytest.approx([5, 5], abs=0.1)
    with pytest.raises(HandConfigError):
        CMRCrop(mode='random')


def test_the_wrist_anchors_the_mesh():
    joints = np.arange(126, dtype=np.float32).reshape(2, 21, 3)
    results = AnchorMeshAtWrist().transform(dict(keypoints_3d=joints))
    assert (results['mano_trans'] == joints[:, 0]).all()
    assert TRANSFORMS.get('mmhand.AnchorMeshAtWrist') is AnchorMeshAtWrist

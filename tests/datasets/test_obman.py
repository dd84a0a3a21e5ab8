"""ObMan: pickles, masks by label, and wrist rotations found from the meshes."""

import pickle

import cv2
import numpy as np
import pytest
import torch

from mmhand.datasets.obman import ObManDataset
from mmhand.datasets.obman.store import fit_poses
from mmhand.hand_models import OpenHand
from mmhand.registry import TRANSFORMS
from mmhand.structures import HAND_MASK_PLANES
from mmhand.synthesis import generate_dataset, get_writer
from mmhand.utils.errors import HandDataError, HandFileError

SIGNS = np.array([1.0, -1.0, -1.0])


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    out = tmp_path_factory.mktemp('obman') / 'set'
    kind = get_writer('obman')
    generate_dataset(kind(out, kind.make_config(captures=4), 6), {'train': 5}, progress=False)
    return out


def test_samples_are_the_pickles(root):
    data = ObManDataset(data_root=root, subset=dict(mano=True))
    names = sorted(path.stem for path in (root / 'train/meta').glob('*.pkl'))
    assert len(data) == len(names) == 5
    sides = set()
    for row, name in enumerate(names):
        meta = pickle.loads((root / f'train/meta/{name}.pkl').read_bytes())
        info = data.get_data_info(row)
        side = int(meta['side'] == 'left')
        sides.add(side)
        joints, vertices = meta['coords_3d'] * SIGNS, meta['verts_3d'] * SIGNS
        np.testing.assert_allclose(info['keypoints_3d'][side], joints, atol=1e-6)
        np.testing.assert_allclose(info['keypoints_2d'][side], meta['coords_2d'], atol=1e-2)
        np.testing.assert_allclose(info['vertices'][side], vertices, atol=1e-6)
        # The wrist's rotation, which the pickle leaves out, is found.
        pose = torch.from_numpy(info['mano_pose'][side])[None]
        betas = torch.from_numpy(info['mano_betas'][side])[None]
        output = OpenHand(side=meta['side'])(pose[:, :3], pose[:, 3:], betas)
        mesh = (output.vertices - output.joints[:, :1])[0] + torch.from_numpy(joints[0])
        np.testing.assert_allclose(mesh, vertices, atol=1e-4)
        info = TRANSFORMS.build(dict(type='LoadHandImage'))(info)
        info = TRANSFORMS.build(dict(type='LoadSoftHandMasks'))(info)
        planes = dict(zip(HAND_MASK_PLANES, info['hand_masks'].transpose(2, 0, 1), strict=True))
        segm = cv2.imread(str(root / f'train/segm/{name}.png'))
        labels = (21, 23) if side else (22, 24)
        for plane, channel in (('visible', 0), ('amodal', 1)):
            expected = np.isin(segm[..., channel], labels)
            np.testing.assert_array_equal(planes[f'{meta["side"]}_{plane}'] > 0, expected)
            assert expected.any()
        # The picture and its masks are seen by ObMan's camera.
        inside = [
            planes[f'{meta["side"]}_amodal'][round(float(v)), round(float(u))] > 0
            for u, v in meta['coords_2d']
            if 0 <= u < 255 and 0 <= v < 255
        ]
        assert np.mean(inside) > 0.75
    assert sides == {0, 1}


def test_flat_and_relative_poses_are_told_apart():
    hand = OpenHand()
    generator = torch.Generator().manual_seed(0)
    pose = hand.sample_pose(3, generator)
    wrist = torch.randn(3, 3, generator=generator)
    betas = torch.randn(3, 10, generator=generator)
    vertices = hand(wrist, pose, betas).vertices.numpy() + 0.5
    flat = (pose + hand.hand_mean).numpy()
    left = np.zeros(3, bool)
    for given in (pose.numpy(), flat):
        found, valid = fit_poses(hand, given, betas.numpy(), vertices, left)
        assert valid.all()
        np.testing.assert_allclose(found[:, 3:], pose, atol=1e-6)
    found, valid = fit_poses(hand, -flat, betas.numpy(), vertices, left)
    assert not valid.any()


def test_mistakes_are_named(root, tmp_path):
    with pytest.raises(HandFileError, match='train/meta'):
        ObManDataset(data_root=tmp_path, hand_model='OpenHand')
    (tmp_path / 'train/meta').mkdir(parents=True)
    with pytest.raises(HandDataError, match='holds no pickle'):
        ObManDataset(data_root=tmp_path, hand_model='OpenHand')
    meta = pickle.loads((root / 'train/meta/00000000.pkl').read_bytes())
    del meta['shape']
    (tmp_path / 'train/meta/00000000.pkl').write_bytes(pickle.dumps(meta))
    with pytest.raises(HandDataError, match='"shape"'):
        ObManDataset(data_root=tmp_path, hand_model='OpenHand')

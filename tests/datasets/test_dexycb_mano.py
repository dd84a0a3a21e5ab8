"""Official DexYCB labels made with MANO, through data set, losses and the release's evaluation."""

import numpy as np
import pytest
import torch
import yaml

from mmhand.datasets import DexYCBDataset
from mmhand.datasets.dexycb.files import SERIALS, SUBJECTS
from mmhand.datasets.transforms import PackHandInputs
from mmhand.evaluation.metrics import HandPoseMetric
from mmhand.hand_models import MANO, synthetic_mano
from mmhand.models.iahm import IdentityAwareHandMesh
from mmhand.structures import HandInstances

MANO_TO_21 = (0, 13, 14, 15, 16, 1, 2, 3, 17, 4, 5, 6, 18, 10, 11, 12, 19, 7, 8, 9, 20)
TIPS = (745, 317, 444, 556, 673)
FRAMES = 5


@pytest.fixture(scope='module')
def content():
    return synthetic_mano('right')


@pytest.fixture(scope='module')
def official(content, tmp_path_factory):
    """Recordings of the right hands of subjects 08 and 09 by one camera, and their labels."""
    root = tmp_path_factory.mktemp('dexycb_mano')
    rng = np.random.default_rng(7)
    hand = MANO(data=content, side='right', num_pca=45)
    labels = {}
    for subject in (7, 8):
        date, name = SUBJECTS[subject].split('-', 1)
        folder = root / SUBJECTS[subject] / f'{date}_100000'
        (folder / SERIALS[0]).mkdir(parents=True)
        betas = rng.normal(0, 1, 10)
        calibration = f'{date}_090000_{name}_right'
        for side, shape in (('right', betas), ('left', betas + 1)):
            path = root / 'calibration' / f'mano_{date}_090000_{name}_{side}'
            path.mkdir(parents=True)
            (path / 'mano.yml').write_text(yaml.safe_dump(dict(betas=shape.tolist())))
        meta = dict(
            serials=[SERIALS[0]],
            num_frames=FRAMES,
            mano_sides=['right'],
            mano_calib=[calibration],
        )
        (folder / 'meta.yml').write_text(yaml.safe_dump(meta))
        for frame in range(FRAMES):
            pose = np.concatenate([rng.normal(0, 1, 3), rng.normal(0, 0.5, 45)])
            transl = rng.normal(0, 0.05, 3) + [0, 0, 0.9]
            values = [torch.tensor(x[None]).float() for x in (pose, betas, transl)]
            output = hand(values[0][:, :3], values[0][:, 3:], *values[1:])
            label = dict(
                pose_m=np.concatenate([pose, transl])[None].astype(np.float32),
                joint_3d=output.joints.numpy(),
                seg=np.zeros((4, 4), np.uint8),
            )
            if frame == FRAMES - 1:
                label['joint_3d'] = np.full((1, 21, 3), -1, np.float32)
            else:
                labels[f'{SUBJECTS[subject]}/{folder.name}/{SERIALS[0]}/color_{frame:06d}'] = dict(
                    mesh=output.vertices[0].numpy(),
                    transl=transl,
                    betas=betas,
                    joints=label['joint_3d'][0],
                )
            np.savez(folder / SERIALS[0] / f'labels_{frame:06d}.npz', **label)
    intrinsics = root / 'calibration' / 'intrinsics'
    intrinsics.mkdir()
    color = dict(color=dict(fx=600.0, fy=601.0, ppx=320.0, ppy=240.0))
    (intrinsics / f'{SERIALS[0]}_640x480.yml').write_text(yaml.safe_dump(color))
    return root, labels


@pytest.fixture(scope='module')
def data(official, content):
    root, _ = official
    return DexYCBDataset(
        data_root=root,
        setup='s1',
        split='test',
        subset=dict(hand_type='right', in_frame=True),
        with_vertices=True,
        hand_model=dict(type='MANO', data=content),
        test_mode=True,
    )


def packed(info):
    info.update(img=np.zeros((4, 4, 3), np.uint8), img_shape=(4, 4))
    return PackHandInputs()(info)['data_samples']


def test_labels_are_mano_with_the_translation(official, data, content):
    _, labels = official
    assert len(data) == len(labels) == 2 * (FRAMES - 1)
    hand = MANO(data=content, side='right')
    betas = data.subject_betas()
    for row in range(len(data)):
        info = data.get_data_info(row)
        truth = labels[info['sample_id']]
        pose, shape, transl = (
            torch.from_numpy(info[key][:1]) for key in ('mano_pose', 'mano_betas', 'mano_trans')
        )
        output = hand(pose[:, :3], pose[:, 3:], shape, transl)
        assert np.abs(output.joints[0].numpy() - truth['joints']).max() < 1e-4
        np.testing.assert_allclose(output.vertices[0], truth['mesh'], atol=1e-5)
        np.testing.assert_allclose(info['vertices'][0], truth['mesh'], atol=1e-5)
        np.testing.assert_allclose(info['mano_betas'][0], truth['betas'], atol=1e-6)
        np.testing.assert_allclose(betas[info['subject']], truth['betas'], atol=1e-6)
    assert {info.split('-', 1)[1] for info in betas} == {'subject-08', 'subject-09'}


def test_the_losses_target_is_the_mesh_without_translation(official, data, content):
    _, labels = official
    network = IdentityAwareHandMesh(
        hand_model=dict(type='mmhand.MANO', data=content, side='right'),
        backbone=dict(
            type='mmhand.ResNetLogits', depth=18, base_channels=8, stem_channels=8, num_features=16
        ),
        pose_head=dict(type='mmhand.IterativePose6DHead', in_channels=16, hidden_channels=(8,)),
    )
    samples = [packed(data.get_data_info(row)) for row in (0, 3)]
    target = network.mesh_target(samples, torch.zeros(1))
    for mesh, sample in zip(target, samples, strict=True):
        truth = labels[sample.get('sample_id')]
        np.testing.assert_allclose(mesh, truth['mesh'] - truth['transl'], atol=1e-5)


def test_the_releases_numbers(official, data, content):
    """Means of batch means, MANO's frame, about the wrist, joints by DexYCB's regressor."""
    _, labels = official
    rng = np.random.default_rng(3)
    regressor = np.zeros((21, len(content['v_template'])))
    regressor[:16] = np.asarray(
        content['J_regressor'].todense()
        if hasattr(content['J_regressor'], 'todense')
        else content['J_regressor']
    )
    regressor[np.arange(16, 21), TIPS] = 1
    regressor = regressor[list(MANO_TO_21)]
    np.testing.assert_allclose(data.metainfo['joint_regressor'], regressor, atol=1e-6)
    metrics = {name: HandPoseMetric(name) for name in ('iahm_release', 'iahm')}
    expected = []
    for rows in (range(0, 3), range(3, 7), range(7, 8)):
        samples, errors = [], []
        for row in rows:
            sample = packed(data.get_data_info(row))
            truth = labels[sample.get('sample_id')]
            gt = truth['mesh'] - truth['transl']
            pred = gt + rng.normal(0, 0.01, gt.shape) + rng.normal(0, 0.01, 3)
            place = rng.normal(0, 1, 3)
            sample.pred_hands = HandInstances(
                side=torch.zeros(1, dtype=torch.long),
                vertices=torch.tensor(pred + place)[None].float(),
                keypoints_3d=torch.zeros(1, 21, 3),
                transl=torch.tensor(place)[None].float(),
            )
            samples.append(sample.to_dict())
            joints, true_joints = regressor @ pred, regressor @ gt
            rr = [mesh - wrist[0] for mesh, wrist in ((pred, joints), (gt, true_joints))]
            rr_joints = [points - points[0] for points in (joints, true_joints)]
            errors.append(
                [
                    1000 * np.linalg.norm(a - b, axis=-1).mean()
                    for a, b in ((pred, gt), rr, (joints, true_joints), rr_joints)
                ]
            )
        expected.append(np.array(errors))
        for metric in metrics.values():
            metric.dataset_meta = data.metainfo
            metric.process(None, samples)
    names = ('MPVPE', 'RR-MPVPE', 'MPJPE', 'RR-MPJPE')
    whole = np.concatenate(expected).mean(0)
    batches = np.mean([errors.mean(0) for errors in expected], axis=0)
    assert np.abs(whole - batches).max() > 0.01
    for metric, wanted in (('iahm_release', batches), ('iahm', whole)):
        numbers = metrics[metric].compute_metrics(metrics[metric].results)
        for name, value in zip(names, wanted, strict=True):
            assert numbers[name] == pytest.approx(value, abs=1e-3), (metric, name)

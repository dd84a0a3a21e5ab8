"""HUMBI: the official files, cameras of crops, splits."""

import random
import shutil

import cv2
import numpy as np
import pytest
import torch

from mmhand.datasets import HUMBIDataset
from mmhand.datasets.humbi.files import NUM_PARAMS
from mmhand.datasets.humbi.splits import SETUPS, split_rows
from mmhand.hand_models import MANO, OpenHand, rotations, synthetic_mano
from mmhand.synthesis import generate_dataset, get_writer
from mmhand.utils.errors import HandConfigError, HandDataError, HandFileError


@pytest.fixture(scope='module')
def synthetic(tmp_path_factory):
    root = tmp_path_factory.mktemp('humbi') / 'set'
    kind = get_writer('humbi')
    config = kind.make_config(captures=2, views=2, cameras=3, image_size=(160, 120))
    generate_dataset(kind(root, config, 3), {'all': 8}, progress=False)
    return root


def test_synthetic_sets_are_consistent(synthetic):
    data = HUMBIDataset(data_root=synthetic, split='train', setup='split_3', with_vertices=True)
    hand = OpenHand()
    shapes = {}
    for row in range(len(data)):
        info = data.get_data_info(row)
        pose, betas, transl = (
            torch.from_numpy(info[key][:1]) for key in ('mano_pose', 'mano_betas', 'mano_trans')
        )
        output = hand(pose[:, :3], pose[:, 3:], betas, transl)
        np.testing.assert_allclose(output.vertices[0], info['vertices'][0], atol=1e-5)
        np.testing.assert_allclose(output.joints[0], info['keypoints_3d'][0], atol=1e-5)
        rest = output.rest_joints[0, 0]
        np.testing.assert_allclose(info['mano_rest_wrist'][0], rest, atol=1e-6)
        camera, points = info['camera'], info['keypoints_3d'][0]
        pixels = points @ camera.K.T
        np.testing.assert_allclose(
            pixels[:, :2] / pixels[:, 2:], info['keypoints_2d'][0], atol=1e-2
        )
        # The crop is about the hand.
        assert ((info['keypoints_2d'][0] > 0) & (info['keypoints_2d'][0] < 250)).all()
        assert cv2.imread(info['img_path']).shape == (250, 250, 3)
        assert info['mano_betas'][0, 0] != 0
        assert (info['mano_betas'][0, 1:] == 0).all()
        shapes.setdefault(info['subject'], set()).add(float(info['mano_betas'][0, 0]))
    assert sorted(shapes) == ['subject_1', 'subject_2']
    assert [len(values) for values in shapes.values()] == [1, 1]
    regressor = HUMBIDataset(data_root=synthetic, split='test', setup='split_3').metainfo
    assert regressor['joint_regressor'].shape == (21, hand.num_verts)
    assert 'joint_regressor' not in data.metainfo


@pytest.fixture
def official(tmp_path):
    """Two subjects of HUMBI's layout with MANO's mesh, made by hand."""
    rng = np.random.default_rng(1)
    content = synthetic_mano('right')
    mano = MANO(data=content, side='right', num_pca=20)
    made = {}
    for subject, cameras in ((2, (4, 11)), (10, (7,)), (52, ())):
        folder = tmp_path / 'humbi' / f'subject_{subject}' / 'hand'
        folder.mkdir(parents=True)
        turns = {c: cv2.Rodrigues(rng.normal(0, 1, 3))[0] for c in cameras}
        centers = {c: rng.normal(0, 1, 3) for c in cameras}
        inner = {c: np.array([[900.0 + c, 0, 400], [0, 910 + c, 300], [0, 0, 1]]) for c in cameras}
        header = f'NumCameras {len(cameras)}\nNumFrames 1\nNumP {len(cameras)}\n'
        text = {'intrinsic': header, 'extrinsic': header}
        for c in cameras:
            text['intrinsic'] += f'0 {c}\n' + rows_text(inner[c])
            text['extrinsic'] += f'0 {c}\n' + rows_text(np.vstack([centers[c], turns[c]]))
        for name, lines in text.items():
            (folder / f'{name}.txt').write_text(lines)
        for frame in ('0001', '0003') if cameras else ():
            params = rng.normal(0, 0.2, NUM_PARAMS)
            params[27:] = 0
            vertices = mano(*tensors(params)).vertices[0].numpy()
            # The files' own translation is about another origin: only the mesh tells where it is.
            shift = rng.normal(0, 1, 3)
            keypoints = rng.normal(0, 0.1, (21, 3))
            (folder / frame / 'reconstruction').mkdir(parents=True)
            crops = folder / frame / 'image_cropped' / 'right'
            crops.mkdir(parents=True)
            for name, values in (
                ('keypoints_r', keypoints),
                ('vertices_r', vertices + shift),
                ('mano_params_r', params[:, None]),
            ):
                (folder / frame / 'reconstruction' / f'{name}.txt').write_text(rows_text(values))
            lines = [f'{c} {10 + c} {110 + c} 30 155' for c in cameras]
            (crops / 'list.txt').write_text('\n'.join(lines))
            for c in cameras:
                made[f'subject_{subject}/hand/{frame}/image{c:07d}'] = dict(
                    K=inner[c],
                    R=turns[c],
                    center=centers[c],
                    box=(10 + c, 110 + c, 30, 155),
                    params=params,
                    keypoints=keypoints,
                    vertices=vertices + shift,
                )
    np.savez(tmp_path / 'MANO_RIGHT.npz', **{k: v for k, v in content.items() if k != 'side'})
    return tmp_path, dict(type='MANO', model_path=None, data=content), made


def rows_text(values):
    return ''.join(' '.join(f'{v:.9f}' for v in row) + '\n' for row in values)


def tensors(params):
    values = torch.tensor(params[None], dtype=torch.float32)
    return values[:, 3:6], values[:, 6:26], values[:, 26:], values[:, :3]


def test_samples_are_the_official_files_in_the_crops_camera(official):
    root, hand_model, made = official
    data = HUMBIDataset(
        data_root=root, setup='split_4', hand_model=hand_model, with_vertices=True, split='test'
    )
    everything = HUMBIDataset(data_root=root, setup='split_4', hand_model=hand_model)
    names = [everything.get_data_info(row)['sample_id'] for row in range(len(everything))]
    assert names == [name for name in made if name.startswith('subject_2/')]
    assert len(data) == 2
    for row in range(len(data)):
        info = data.get_data_info(row)
        truth = made[info['sample_id']]
        assert info['subject'] == 'subject_10'
        joints = (truth['keypoints'] - truth['center']) @ truth['R'].T
        np.testing.assert_allclose(info['keypoints_3d'][0], joints, atol=1e-5)
        mesh = (truth['vertices'] - truth['center']) @ truth['R'].T
        np.testing.assert_allclose(info['vertices'][0], mesh, atol=1e-5)
        # As the release: project, take off the corner, scale to 250.
        pixels = joints @ truth['K'].T
        left, right, top, bottom = truth['box']
        pixels = (pixels[:, :2] / pixels[:, 2:] - [left, top]) * 250 / [right - left, bottom - top]
        scale = np.abs(pixels).max()
        np.testing.assert_allclose(info['keypoints_2d'][0], pixels, atol=1e-5 * scale + 1e-3)
        # And the pose: global rotation R R_g, translation the mean difference to the posed model.
        wrist = rotations.axis_angle_to_matrix(torch.from_numpy(info['mano_pose'][:1, :3]))[0]
        world = cv2.Rodrigues(truth['params'][3:6])[0]
        np.testing.assert_allclose(wrist, truth['R'] @ world, atol=1e-5)
        mano = MANO(data=hand_model['data'], side='right')
        pose, betas = (torch.from_numpy(info[key][:1]) for key in ('mano_pose', 'mano_betas'))
        posed = mano(pose[:, :3], pose[:, 3:], betas).vertices[0].numpy()
        np.testing.assert_allclose(info['mano_trans'][0], (mesh - posed).mean(0), atol=1e-5)
        np.testing.assert_allclose(posed + info['mano_trans'][0], mesh, atol=1e-4)
        K = info['camera']
        np.testing.assert_allclose(
            truth['keypoints'] @ K.R.T + K.t, info['keypoints_3d'][0], atol=1e-4
        )


def rows_of(setup, split, subject, frame):
    return split_rows(setup, split, np.array(subject), np.array(frame)).tolist()


def test_splits_are_the_releases():
    """By their description; how the folds are cut is our reading of it."""
    subject = np.repeat([3, 5, 8, 9, 11, 20, 21, 22, 40, 41, 60, 61], 10)
    frame = np.repeat(np.arange(24), 5)
    order = list(range(len(subject)))
    random.Random(0).shuffle(order)
    assert rows_of('split_1', 'train', subject, frame) == sorted(order[:96])
    assert rows_of('split_1', 'test', subject, frame) == sorted(order[96:])
    people = sorted(set(subject.tolist()))
    mixed = people.copy()
    random.Random(0).shuffle(mixed)

    def subjects(setup, split):
        return set(subject[rows_of(setup, split, subject, frame)].tolist())

    assert subjects('split_2', 'train') == set(mixed[:9])
    assert subjects('split_2', 'test') == set(mixed[9:])
    assert subjects('split_4', 'test') == set(people[10:])
    assert subjects('split_5', 'train') == set(mixed[:10])
    assert subjects('split_5', 'test') == set(mixed[10:])
    first = rows_of('split_3', 'train', subject, frame)
    assert first == [row for row in range(len(frame)) if row % 5 < 4]
    folds = [subjects(f'split_5{k}', 'test') for k in range(1, 6)]
    assert folds == [{mixed[k]} for k in range(5)]
    for k in range(5):
        assert subjects(f'split_5{k + 1}', 'train') == set(mixed[:10]) - folds[k]
    for setup in SETUPS:
        train, test = (rows_of(setup, split, subject, frame) for split in ('train', 'test'))
        assert not set(train) & set(test)
    with pytest.raises(HandConfigError, match='split_6'):
        rows_of('split_6', 'train', subject, frame)


def path_of(root, name):
    return next(iter(sorted((root / 'humbi' / 'subject_2').rglob(name))))


def cut_lines(path, count):
    path.write_text('\n'.join(path.read_text().splitlines()[:count]))


@pytest.mark.parametrize(
    ('spoil', 'error', 'match'),
    [
        (lambda r: shutil.rmtree(r / 'humbi'), HandFileError, 'holds no subject'),
        (lambda r: path_of(r, 'intrinsic.txt').unlink(), HandFileError, 'intrinsic.txt'),
        (lambda r: path_of(r, 'extrinsic.txt').unlink(), HandFileError, 'extrinsic.txt'),
        (lambda r: cut_lines(path_of(r, 'extrinsic.txt'), 6), HandDataError, 'expected 5 a camera'),
        (
            lambda r: path_of(r, 'intrinsic.txt').write_text('a\nb\nc\n0 4\n1 0 nan\n0 1 0\n0 0 1'),
            HandDataError,
            'camera 4 has numbers that are not finite',
        ),
        (
            lambda r: path_of(r, 'intrinsic.txt').write_bytes(b'\xff\xfe\n'),
            HandDataError,
            'no text',
        ),
        (lambda r: cut_lines(path_of(r, 'keypoints_r.txt'), 20), HandDataError, 'holds 60 numbers'),
        (
            lambda r: cut_lines(path_of(r, 'mano_params_r.txt'), 33),
            HandDataError,
            'holds 33 numbers',
        ),
        (lambda r: cut_lines(path_of(r, 'vertices_r.txt'), 100), HandDataError, 'meshes of the'),
        (
            lambda r: path_of(r, 'vertices_r.txt').write_text('a b c'),
            HandDataError,
            'else than num',
        ),
        (lambda r: path_of(r, 'list.txt').write_text('4 10 15 30'), HandDataError, 'line 1 is'),
        (
            lambda r: [shutil.rmtree(p) for p in r.glob('humbi/*/hand/*/image_cropped')],
            HandDataError,
            'no crop of a right hand',
        ),
    ],
)
def test_bad_files_end_in_one_line(official, spoil, error, match):
    root, hand_model, _ = official
    spoil(root)
    with pytest.raises(error, match=match) as caught:
        HUMBIDataset(data_root=root, setup='split_1', hand_model=hand_model)
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize(
    ('spoil', 'frames', 'crops'),
    [
        (lambda r: path_of(r, 'vertices_r.txt').unlink(), 1, 0),
        (lambda r: path_of(r, 'mano_params_r.txt').unlink(), 1, 0),
        (lambda r: path_of(r, 'vertices_r.txt').write_text('1 nan 2'), 1, 0),
        (lambda r: path_of(r, 'keypoints_r.txt').write_text(''), 1, 0),
        (lambda r: path_of(r, 'list.txt').write_text('4 10 5 30 50\n11 1 5 3 5'), 0, 1),
        (lambda r: path_of(r, 'list.txt').write_text('4 0 0 0 0\n11 nan 5 3 5'), 0, 2),
        (lambda r: path_of(r, 'list.txt').write_text('99 1 5 3 5\n11 1 5 3 5'), 0, 1),
        # Camera 11 of both frames.
        (lambda r: cut_lines(path_of(r, 'extrinsic.txt'), 8), 0, 2),
    ],
)
def test_what_the_capture_missed_is_left_out_and_counted(official, spoil, frames, crops):
    root, hand_model, made = official
    spoil(root)
    data = HUMBIDataset(data_root=root, setup='split_3', hand_model=hand_model, split='test')
    info = data.store.info
    assert (info['left_out_frames'], info['left_out_crops']) == (frames, crops)
    # A frame of subject 2 has two crops.
    assert data.store['image'].rows == len(made) - 2 * frames - crops
    assert np.isfinite(data.get_data_info(0)['keypoints_3d']).all()


def test_meshes_of_another_hand_model_are_refused(official):
    root, _, _ = official
    data = HUMBIDataset(data_root=root, setup='split_1', hand_model='OpenHand')
    with pytest.raises(HandDataError, match='778 vertices, OpenHand has 1655'):
        data.get_data_info(0)
    with pytest.raises(HandConfigError, match='split_9'):
        HUMBIDataset(data_root=root, setup='split_9')

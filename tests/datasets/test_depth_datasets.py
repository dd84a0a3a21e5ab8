"""Depth benchmarks in their official layouts, written by our own renderer, and broken copies."""

import shutil

import cv2
import numpy as np
import pytest
import scipy.io
from mmengine.dataset import pseudo_collate

from mmhand.cameras import project_depth
from mmhand.datasets import (
    DHGDataset,
    HANDS17Dataset,
    ICVLDataset,
    MSRADataset,
    NYUDataset,
    SHRECDataset,
)
from mmhand.datasets.msra.msra import COUNTS
from mmhand.hand_models import OpenHand
from mmhand.structures import convert_joints, get_joint_set
from mmhand.synthesis import generate_dataset, get_writer
from mmhand.utils.errors import HandConfigError, HandDataError, HandFileError

NYU_PICTURE = 'train/depth_1_0000001.png'

PIPELINE = [dict(type='LoadDepthImage'), dict(type='CubeCrop'), dict(type='PackHandInputs')]

KINDS = {
    'nyu': (NYUDataset, {'train': 4, 'test': 2}),
    'icvl': (ICVLDataset, {'train': 3, 'test': 4}),
    'msra': (MSRADataset, {'all': 27}),
    'shrec': (SHRECDataset, {'train': 2, 'test': 1}),
}


@pytest.fixture(scope='module')
def sets(tmp_path_factory):
    """Folder of a small set in the layout asked for."""
    made = {}

    def folder(name):
        if name not in made:
            root = made[name] = tmp_path_factory.mktemp('depth') / name
            kind = get_writer(name)
            generate_dataset(kind(root, kind.make_config(), 7), KINDS[name][1], progress=False)
        return made[name]

    return folder


@pytest.fixture
def copy(sets, tmp_path):
    """A copy that a test may break."""

    def made(name):
        return shutil.copytree(
            sets(name), tmp_path / name, ignore=shutil.ignore_patterns('.mmhand*')
        )

    return made


@pytest.mark.parametrize(
    ('name', 'frames'), [('nyu', 4), ('icvl', 3), ('msra', 24), ('shrec', None)]
)
def test_joints_lie_on_the_depth(sets, name, frames):
    data = KINDS[name][0](data_root=sets(name), pipeline=PIPELINE, strict=True)
    assert frames is None or len(data) == frames
    samples = [data[i] for i in range(0, len(data), max(1, len(data) // 4))]
    assert pseudo_collate(samples)['inputs'][0].shape == (1, 128, 128)
    gaps = []
    for packed in samples:
        image, sample = packed['inputs'][0].numpy(), packed['data_samples']
        names = get_joint_set(sample.joint_set).joints
        uvd = sample.gt_hands.keypoints_uvd[0].numpy()
        assert np.abs(uvd).max() < 1.3
        for joint, (u, v, d) in zip(names, uvd, strict=True):
            column, row = (int(np.clip(64 * (x + 1), 0, 127)) for x in (u, v))
            if joint.endswith('1') or joint == 'palm':
                gaps.append((d - image[row, column]) * sample.crop_cube[2] / 2)
    # A surface lies about a centimetre before its joint; a turned picture would show nothing there.
    assert -0.012 < np.median(gaps) < 0.03
    assert np.mean(np.abs(gaps) < 0.04) > 0.65


def handedness(points):
    """Sign of the thumb's side of the palm: a mirrored hand has the other."""
    palm = np.cross(points['index1'] - points['wrist'], points['pinky1'] - points['wrist'])
    return np.sign(palm @ (points['thumb2'] - points['wrist']))


@pytest.mark.parametrize('name', ['nyu', 'icvl', 'msra', 'shrec'])
def test_hands_are_right(sets, name):
    kwargs = {'joint_set': 'canonical'} if name == 'nyu' else {}
    data = KINDS[name][0](data_root=sets(name), **kwargs)
    signs = []
    for i in range(len(data)):
        info = data.get_data_info(i)
        names = get_joint_set(info['joint_set']).joints
        signs.append(handedness(dict(zip(names, info['keypoints_3d'], strict=True))))
    hand = OpenHand()
    rest = hand.regress_joints(hand.v_template).numpy()
    right = handedness(dict(zip(get_joint_set('canonical').joints, rest, strict=True)))
    assert right * np.mean(signs) > 0.5


def test_nyu_views_cubes_and_orders(sets):
    root = sets('nyu')
    train = NYUDataset(data_root=root)
    info = train.get_data_info(1)
    assert info['img_path'].endswith('train/depth_1_0000002.png')
    flip = np.array([1, -1, 1]) / 1000
    assert info['center_source'] == 'published'
    np.testing.assert_allclose(info['crop_cube'], 0.25)
    mat = scipy.io.loadmat(root / 'train/joint_data.mat')['joint_xyz']
    np.testing.assert_allclose(info['keypoints_3d'][0], mat[0, 1, 0] * flip, atol=1e-6)
    np.testing.assert_allclose(info['keypoints_3d'][13], mat[0, 1, 32] * flip, atol=1e-6)
    other = NYUDataset(data_root=root, view=2).get_data_info(1)
    assert other['img_path'].endswith('train/depth_3_0000002.png')
    assert not np.allclose(other['keypoints_3d'], info['keypoints_3d'], atol=0.01)
    canonical = NYUDataset(data_root=root, joint_set='canonical').get_data_info(1)
    np.testing.assert_allclose(canonical['keypoints_3d'][0], mat[0, 1, 31] * flip, atol=1e-6)
    test = NYUDataset(data_root=root, split='test')
    assert test.cube_of(test.store, 2439) == 0.25
    assert test.cube_of(test.store, 2440) == pytest.approx(0.2083333, abs=1e-6)
    assert train.cube_of(train.store, 2440) == 0.25


def test_centres_from_depth_joints_and_files(sets):
    root = sets('msra')
    published = MSRADataset(data_root=root)
    by_joints = MSRADataset(data_root=root, centers='joints')
    found = MSRADataset(data_root=root, centers='depth', pipeline=PIPELINE, strict=True)
    off = []
    for i in range(len(published)):
        center = published.get_data_info(i)['crop_center']
        middle = by_joints.get_data_info(i)['crop_center']
        assert np.linalg.norm(center - middle) < 0.03
        assert found.get_data_info(i)['crop_center'] is None
        sample = found[i]['data_samples']
        assert sample.center_source == 'depth'
        off.append(np.linalg.norm(sample.crop_center - middle))
    # Forearms that come nearer than the hand take it away.
    assert np.median(off) < 0.1


def test_msra_leaves_one_out(sets):
    root = sets('msra')
    train, test = (MSRADataset(data_root=root, split=s, test_subject=7) for s in ('train', 'test'))
    assert (len(train), len(test)) == (24, 3)
    assert {test.get_data_info(i)['subject'] for i in range(3)} == {'P7'}
    np.testing.assert_allclose(test.get_data_info(0)['crop_cube'], 0.16)
    assert sum(COUNTS['release']) == 76391
    assert sum(COUNTS['evaluation list']) == 76375


def test_icvl_takes_recorded_sequences_only(copy):
    root = copy('icvl')
    lines = (root / 'train.txt').read_text().splitlines()
    lines[1] = '22-5/' + lines[1]
    (root / 'train.txt').write_text('\n'.join(lines))
    centers = (root / 'center_train_refined.txt').read_text().splitlines()
    centers[2] = 'invalid'
    (root / 'center_train_refined.txt').write_text('\n'.join(centers))
    data = ICVLDataset(data_root=root)
    assert len(data) == 1
    label = np.array(lines[0].split()[1:4], float)
    uv = project_depth(data.get_data_info(0)['keypoints_3d'][0].astype(float), 'icvl')
    np.testing.assert_allclose(uv, [320 - label[0], label[1], label[2] / 1000], atol=1e-3)
    test = ICVLDataset(data_root=root, split='test')
    assert [test.get_data_info(i)['img_path'].split('/')[-2][-1] for i in range(4)] == list('1122')


def test_shrec_and_dhg(copy, sets):
    root = copy('shrec')
    data = SHRECDataset(data_root=root)
    rows = [line.split() for line in (root / 'train_gestures.txt').read_text().splitlines()]
    assert len(data) == sum(int(row[-1]) for row in rows)
    info = data.get_data_info(0)
    assert (info['label14'], info['label28'], info['center_source']) == (0, 0, 'joints')
    # DHG has the same in other files.
    folder = root / 'gesture_1/finger_1/subject_1/essai_1'
    frames = int(rows[0][-1])
    for kind in ('image', 'world'):
        shutil.move(folder / f'skeletons_{kind}.txt', folder / f'skeleton_{kind}.txt')
    for frame in range(frames):
        shutil.move(folder / f'{frame}_depth.png', folder / f'depth_{frame + 1}.png')
    (root / 'informations_troncage_sequences.txt').write_text(f'1 1 1 1 2 {frames - 1}\n')
    dhg = DHGDataset(data_root=root, split='test', pipeline=PIPELINE, strict=True)
    assert len(dhg) == frames - 2
    np.testing.assert_allclose(
        dhg.get_data_info(0)['keypoints_3d'], data.get_data_info(2)['keypoints_3d']
    )
    assert dhg[0]['data_samples'].img_path.endswith('depth_3.png')
    pred = np.tile([0, 0, 0.5], (frames - 2, 22))
    np.savetxt(folder / 'skeletons_world_pred_normal_DSSF.txt', pred)
    info = DHGDataset(data_root=root, split='all', centers='published').get_data_info(0)
    assert info['crop_center'][2] == pytest.approx(0.5)
    with pytest.raises(
        HandFileError, match="skeletons_world_pred.txt is missing.*centers='joints'"
    ):
        len(SHRECDataset(data_root=sets('shrec'), centers='published'))


def test_hands17(tmp_path):
    folder = tmp_path / 'training/images'
    folder.mkdir(parents=True)
    depth = np.full((480, 640), 1500, np.uint16)
    depth[200:300, 280:380] = np.arange(100) + 500
    cv2.imwrite(str(folder / 'image_D00000001.png'), depth)
    points = np.random.default_rng(0).normal([0, 0, 550], 30, (21, 3))
    row = ' '.join(f'{value:.4f}' for value in points.reshape(-1))
    (tmp_path / 'training/Training_Annotation.txt').write_text(f'image_D00000001.png\t{row}\n')
    data = HANDS17Dataset(data_root=tmp_path, pipeline=PIPELINE, strict=True)
    packed = data[0]['data_samples']
    expected = convert_joints(points / 1000, 'hands2017', 'canonical')
    np.testing.assert_allclose(packed.gt_hands.keypoints_3d[0], expected, atol=1e-6)
    assert packed.center_source == 'depth'
    assert abs(packed.crop_center[2] - 0.55) < 0.02


def broken(copy, name, action, **kwargs):
    root = copy(name)
    action(root)
    kind = KINDS[name][0]
    data = kind(data_root=root, pipeline=PIPELINE, strict=True, **kwargs)
    return data[0]


def grey(root):
    cv2.imwrite(
        str(root / 'Depth/synthetic_seq_1/image_0000.png'), np.full((240, 320), 9, np.uint8)
    )


def write_mat(root, joints):
    scipy.io.savemat(root / 'train/joint_data.mat', {'joint_xyz': joints})


def black(root):
    cv2.imwrite(str(root / NYU_PICTURE), np.zeros((480, 640, 3), np.uint8))


def y_up(root):
    path = root / 'center_train_0_refined.txt'
    rows = np.loadtxt(path) * [1, 0, 1] + [0, 400, 0]
    mat = scipy.io.loadmat(root / 'train/joint_data.mat')
    mat['joint_xyz'][..., 1] = mat['joint_xyz'][..., 1] * 0 + 400
    scipy.io.savemat(root / 'train/joint_data.mat', {'joint_xyz': mat['joint_xyz']})
    np.savetxt(path, rows)


def no_text(name):
    return lambda root: (root / name).write_bytes(bytes(range(256)))


def no_number(root):
    (root / 'center_train_0_refined.txt').write_text('nan nan nan\n' * 4)


def label_metres(root):
    rows = [line.split() for line in (root / 'train.txt').read_text().splitlines()]
    rows = [[row[0], *(str(float(value) / 1000) for value in row[1:])] for row in rows]
    (root / 'train.txt').write_text('\n'.join(' '.join(row) for row in rows))


def copies_only(root):
    rows = (root / 'train.txt').read_text().splitlines()
    (root / 'train.txt').write_text('\n'.join('22-5/' + row.split('/')[-1] for row in rows))


def halved(root):
    picture = cv2.imread(str(root / NYU_PICTURE), cv2.IMREAD_UNCHANGED)
    cv2.imwrite(str(root / NYU_PICTURE), picture[::2, ::2])


def metres(root):
    path = root / 'center_train_0_refined.txt'
    np.savetxt(path, np.loadtxt(path) / 1000)


@pytest.mark.parametrize(
    ('name', 'action', 'kwargs', 'kind', 'message'),
    [
        ('icvl', grey, {}, HandDataError, 'image_0000.png is an 8-bit grey'),
        ('nyu', y_up, {}, HandDataError, 'center_train_0_refined.txt.*centers_y_up=True'),
        ('nyu', metres, {}, HandDataError, 'center_train_0_refined.txt.*metres'),
        ('nyu', no_number, {}, HandDataError, 'center_train_0_refined.txt has a centre for no fr'),
        ('nyu', halved, {}, HandDataError, 'depth_1_0000001.png.* is a picture of 320 x 240'),
        ('icvl', no_text('train.txt'), {}, HandFileError, 'train.txt is no text'),
        (
            'icvl',
            label_metres,
            {},
            HandDataError,
            'train.txt: the middle depth of "joints".*metres',
        ),
        ('icvl', copies_only, {}, HandDataError, 'turned copies only'),
        ('msra', no_text('P1/1/joint.txt'), {}, HandFileError, 'joint.txt is no text'),
        (
            'nyu',
            lambda root: (root / 'center_train_0_refined.txt').write_text('1 2 700\n'),
            {},
            HandDataError,
            "center_train_0_refined.txt has 1 centres.*has 4 frames.*centers='depth'",
        ),
        (
            'nyu',
            lambda root: (root / 'train/joint_data.mat').unlink(),
            {},
            HandFileError,
            'joint_data.mat is missing: data_root',
        ),
        (
            'nyu',
            lambda root: (root / 'train/joint_data.mat').write_bytes(b'no matlab'),
            {},
            HandDataError,
            'joint_data.mat is no MATLAB file',
        ),
        (
            'nyu',
            lambda root: scipy.io.savemat(
                root / 'train/joint_data.mat', {'joint_xyz': np.ones((1, 4, 36, 3))}
            ),
            {},
            HandDataError,
            r'of shape \(1, 4, 36, 3\)',
        ),
        (
            'nyu',
            lambda root: (root / 'train/depth_1_0000001.png').unlink(),
            {},
            HandFileError,
            'depth_1_0000001.png',
        ),
        (
            'nyu',
            lambda root: cv2.imwrite(
                str(root / 'train/depth_1_0000001.png'), np.zeros((480, 640, 3), np.uint8)
            ),
            {},
            HandDataError,
            'depth_1_0000001.png.*0 pixels of depth',
        ),
        (
            'nyu',
            lambda root: None,
            dict(center_file='none.txt'),
            HandFileError,
            'none.txt is missing',
        ),
        (
            'icvl',
            lambda root: (root / 'train.txt').write_text('a 1 2\n'),
            {},
            HandDataError,
            'train.txt: row 1',
        ),
        ('icvl', lambda root: (root / 'train.txt').unlink(), {}, HandFileError, 'no train.txt'),
        (
            'msra',
            lambda root: (root / 'P1/1/joint.txt').write_text('2\n1 2 3\n'),
            {},
            HandDataError,
            'joint.txt says 2 frames',
        ),
        (
            'msra',
            lambda root: shutil.rmtree(root / 'P0'),
            dict(split='test'),
            HandFileError,
            'no P0',
        ),
        (
            'shrec',
            lambda root: (root / 'train_gestures.txt').write_text('1 1 1 1 99 1 3\n'),
            {},
            HandDataError,
            'train_gestures.txt: row 1',
        ),
    ],
)
def test_broken_sets_say_what_to_do(copy, name, action, kwargs, kind, message):
    with pytest.raises(kind, match=message) as caught:
        broken(copy, name, action, **kwargs)
    assert '\n' not in str(caught.value)


def test_arguments_that_do_not_exist(tmp_path):
    for kind, kwargs, message in (
        (NYUDataset, dict(view=3), 'view is 3; NYU has views 0, 1 and 2'),
        (NYUDataset, dict(view=True), 'view is True'),
        (NYUDataset, dict(centers='gt'), 'centers is "gt"'),
        (NYUDataset, dict(joint_set='icvl15'), 'icvl15'),
        (ICVLDataset, dict(joint_set='canonical'), 'thumb4'),
        (MSRADataset, dict(test_subject=9), 'people 0 to 8'),
        (DHGDataset, dict(test_subject=0), 'people 1 to 20'),
    ):
        with pytest.raises(HandConfigError, match=message):
            kind(data_root=tmp_path, lazy_init=True, **kwargs)

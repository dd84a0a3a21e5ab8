"""HO3D: the synthetic layout read by a loader written from the published steps, and by ours."""

import json
import math
import pickle

import cv2
import numpy as np
import pytest
import torch
from mmengine.dataset import Compose
from mmengine.structures import PixelData

from mmhand.cameras import spmhand_crop_intrinsics
from mmhand.datasets.ho3d import HO3DDataset
from mmhand.datasets.transforms import HandAffineParams, RandomHandAffine
from mmhand.hand_models import OpenHand
from mmhand.models.spmhand.mano_reg_head import pose_hand_model
from mmhand.registry import MODELS, TRANSFORMS
from mmhand.structures import HAND_MASK_PLANES, HandDataSample, process_bbox_handoccnet
from mmhand.synthesis import generate_dataset, get_writer
from mmhand.utils.errors import HandDataError, HandFileError, UnsafeFileError

#: HO3D's joints in manopth's order, and back (methods/spmhand.md#annotation-files).
TO_MANOPTH = [0, 13, 14, 15, 16, 1, 2, 3, 17, 4, 5, 6, 18, 10, 11, 12, 19, 7, 8, 9, 20]
TO_HO3D = [0, 5, 6, 7, 9, 10, 11, 17, 18, 19, 13, 14, 15, 1, 2, 3, 4, 8, 12, 16, 20]
SIGNS = np.array([1.0, -1.0, -1.0])


@pytest.fixture(scope='module', params=['ho3d', 'ho3d_v3'])
def layout(request, tmp_path_factory):
    root = tmp_path_factory.mktemp(request.param) / 'set'
    kind = get_writer(request.param)
    config = kind.make_config(image_size=(320, 240), captures=2, occluder_prob=1.0)
    generate_dataset(kind(root, config, 9), {'train': 3, 'evaluation': 2}, progress=False)
    return root, 'v3' if request.param.endswith('v3') else 'v2'


@pytest.fixture(scope='module')
def v2(tmp_path_factory):
    root = tmp_path_factory.mktemp('v2') / 'set'
    kind = get_writer('ho3d')
    config = kind.make_config(image_size=(160, 120), captures=2)
    generate_dataset(kind(root, config, 2), {'train': 2, 'evaluation': 2}, progress=False)
    return root


def published_sample(root, version, name):
    """One training sample by the steps that HandOccNet's and SPMHand's authors publish."""
    sequence, frame = name.split('/')
    folder = root / 'train' / sequence
    meta = pickle.loads((folder / 'meta' / f'{frame}.pkl').read_bytes())
    joints = (np.asarray(meta['handJoints3D']) * SIGNS)[TO_MANOPTH]
    wrist = np.diag(SIGNS) @ cv2.Rodrigues(np.asarray(meta['handPose'][:3]))[0]
    mean = OpenHand().hand_mean.double().numpy()
    pose = np.concatenate([cv2.Rodrigues(wrist)[0][:, 0], meta['handPose'][3:] - mean])
    K = np.asarray(meta['camMat'])
    pixels = joints @ K.T
    seg = 'seg/{}.jpg' if version == 'v2' else 'seg/{}.png'
    channel = 2 if version == 'v2' else 0
    visible = cv2.imread(str(folder / seg.format(frame)))[..., channel]
    whole = cv2.imread(str(root / 'whole_masks/train' / sequence / f'{frame}.png'), 0)
    return dict(
        image=cv2.imread(str(folder / f'rgb/{frame}{".png" if version == "v2" else ".jpg"}')),
        joints=joints,
        pose=pose,
        betas=np.asarray(meta['handBeta']),
        K=K,
        pixels=pixels[:, :2] / pixels[:, 2:],
        visible=visible,
        whole=whole,
    )


def test_ours_reads_what_a_published_loader_reads(layout):
    root, version = layout
    data = HO3DDataset(data_root=root, split='train', version=version)
    names = (root / 'train.txt').read_text().split()
    assert len(data) == len(names) == 3
    step = TRANSFORMS.build(dict(type='LoadSoftHandMasks'))
    load = TRANSFORMS.build(dict(type='LoadHandImage'))
    for row, name in enumerate(names):
        theirs, ours = published_sample(root, version, name), data.get_data_info(row)
        assert ours['sample_id'] == f'train/{name}'
        np.testing.assert_allclose(ours['keypoints_3d'][0], theirs['joints'], atol=1e-6)
        np.testing.assert_allclose(ours['keypoints_2d'][0], theirs['pixels'], atol=1e-3)
        np.testing.assert_allclose(ours['mano_pose'][0], theirs['pose'], atol=2e-6)
        np.testing.assert_allclose(ours['mano_betas'][0], theirs['betas'], atol=1e-6)
        assert ours['hand_present'].tolist() == [1, 0]
        assert not ours['keypoints_3d'][1].any()
        ours = step(load(ours))
        np.testing.assert_array_equal(ours['img'], theirs['image'])
        planes = dict(zip(HAND_MASK_PLANES, ours['hand_masks'].transpose(2, 0, 1), strict=True))
        np.testing.assert_array_equal(planes['right_visible'], theirs['visible'])
        np.testing.assert_array_equal(planes['right_amodal'], theirs['whole'])
        assert not planes['left_visible'].any()
        # The joints of the posed model, its wrist moved to the annotated one, are the annotation.
        hand = OpenHand()
        pose, betas = (torch.from_numpy(ours[key][:1]) for key in ('mano_pose', 'mano_betas'))
        _, posed = pose_hand_model(hand, pose, betas)
        posed = posed[0] - posed[0, 0] + torch.from_numpy(theirs['joints'][0])
        np.testing.assert_allclose(posed, theirs['joints'], atol=2e-5)


def released_crop(sample, scale, degrees, size=256):
    """The release's augmentation (methods/spmhand.md#crops-and-augmentation), written from the text."""
    height, width = sample['image'].shape[:2]
    low, high = sample['pixels'].min(0), sample['pixels'].max(0)
    middle, extent = (low + high) / 2, (high - low) * 1.5
    box = process_bbox_handoccnet([*(middle - extent / 2), *extent], width, height, 1.0)
    center, side = box[:2] + box[2:] / 2, box[2] * scale
    r = math.radians(degrees)
    source = np.float32(
        [
            center,
            center + side / 2 * np.array([-math.sin(r), math.cos(r)]),
            center + side / 2 * np.array([math.cos(r), math.sin(r)]),
        ]
    )
    half = size / 2
    affine = cv2.getAffineTransform(source, np.float32([[half, half], [half, size], [size, half]]))
    turn = np.array([[math.cos(r), math.sin(r), 0], [-math.sin(r), math.cos(r), 0], [0, 0, 1]])
    pixels = sample['pixels'] @ affine[:, :2].T + affine[:, 2]
    wrist = turn @ cv2.Rodrigues(sample['pose'][:3])[0]
    masks = {}
    for name in ('visible', 'whole'):
        small = cv2.resize(cv2.warpAffine(sample[name], affine, (size, size)), (64, 64))
        masks[name] = np.where(small > 160, small, 0) / 255
    return affine, pixels, sample['joints'] @ turn.T, cv2.Rodrigues(wrist)[0][:, 0], masks


def test_the_crop_is_the_releases(layout):
    root, version = layout
    data = HO3DDataset(data_root=root, split='train', version=version)
    steps = [
        dict(type='LoadHandImage'),
        dict(type='LoadSoftHandMasks'),
        dict(type='HandOccNetBBoxCrop', enlarge=1.5, factor=1.0),
        lambda results: RandomHandAffine().apply(results, HandAffineParams((0, 0), 1.1, 25.0)),
        dict(type='HandTopdownAffine', input_size=256, mask_mode='linear'),
        dict(type='PackHandInputs'),
    ]
    build = [step if callable(step) else TRANSFORMS.build(step) for step in steps]
    sample = Compose(build)(data.get_data_info(1))['data_samples']
    theirs = published_sample(root, version, data.get_data_info(1)['sample_id'][6:])
    affine, pixels, joints, wrist, masks = released_crop(theirs, 1.1, 25.0)
    hands = sample.gt_hands
    np.testing.assert_allclose(sample.camera['affine'], affine, rtol=1e-5, atol=1e-3)
    np.testing.assert_allclose(hands.keypoints_2d[0], pixels, atol=5e-3)
    np.testing.assert_allclose(hands.keypoints_3d[0], joints, atol=1e-6)
    np.testing.assert_allclose(hands.root[0], joints[0], atol=1e-6)
    np.testing.assert_allclose(hands.pose[0, :3], wrist, atol=2e-6)
    np.testing.assert_allclose(hands.pose[0, 3:], theirs['pose'][3:], atol=2e-6)
    # The crop's camera projects the turned joints onto the crop, and is the release's K'.
    K = sample.camera['K_crop']
    projected = joints @ K.T
    np.testing.assert_allclose(projected[:, :2] / projected[:, 2:], pixels, atol=0.02)
    released = spmhand_crop_intrinsics(theirs['K'], affine)
    np.testing.assert_allclose(K, released, rtol=3e-3, atol=0.3)
    for name, head in (
        ('visible', dict(type='SGDHead', in_channels=(8, 8, 8, 8))),
        ('whole', dict(type='HMAHead', channels=8, attention_channels=8)),
    ):
        target = MODELS.build(head).targets([sample], (64, 64))[0, 0].numpy()
        close = np.abs(target - masks[name]) < 2.5 / 255
        # Rounding may take a pixel across the threshold.
        assert close.mean() > 0.998
        assert target.sum() > 20


def test_mask_golden():
    """Check A7: a rectangle through the crop and the threshold."""
    mask = np.zeros((480, 640, 4), np.uint8)
    mask[200:320, 250:400] = 255
    results = dict(
        img=np.zeros((480, 640, 3), np.uint8),
        hand_masks=mask,
        img_shape=(480, 640),
        affine=np.eye(2, 3, dtype=np.float32),
        bbox_center=np.array([330.0, 260.0]),
        bbox_size=np.array([300.0, 300.0]) * 1.1,
        bbox_rotation=25.0,
        bbox_flip=False,
    )
    warp = TRANSFORMS.build(dict(type='HandTopdownAffine', input_size=256, mask_mode='linear'))
    warped = warp(results)['hand_masks']
    sample = HandDataSample()
    sample.gt_sem_seg = PixelData(data=torch.from_numpy(warped.transpose(2, 0, 1).copy()))
    head = MODELS.build(dict(type='SGDHead', in_channels=(8, 8, 8, 8)))
    # The goldens were made with OpenCV 5, whose warp differs by a few grey levels at the edges.
    for size, total, count in ((64, 667.4049, 671), (256, 10768.396, 10791)):
        target = head.targets([sample], (size, size))
        assert target.sum().item() == pytest.approx(total, rel=5e-4)
        assert (target > 0).sum().item() == pytest.approx(count, rel=1e-3)
        assert target[target > 0].min().item() * 255 > 160


def test_evaluation_split_is_scored_by_the_published_truth(layout):
    root, version = layout
    data = HO3DDataset(data_root=root, split='evaluation', version=version)
    names = (root / 'evaluation.txt').read_text().split()
    truth = {k: json.loads((root / f'evaluation_{k}.json').read_text()) for k in ('xyz', 'verts')}
    for row, name in enumerate(names):
        info = data.get_data_info(row)
        sequence, frame = name.split('/')
        meta = pickle.loads((root / f'evaluation/{sequence}/meta/{frame}.pkl').read_bytes())
        assert np.asarray(meta['handJoints3D']).shape == (3,)
        assert info['scored']
        assert info['toolkit_index'] == row
        np.testing.assert_allclose(
            info['keypoints_3d'][0, 0], np.asarray(meta['handJoints3D']) * SIGNS, atol=1e-6
        )
        ours = info['keypoints_3d'][0][TO_HO3D] * SIGNS
        np.testing.assert_allclose(ours, truth['xyz'][row], atol=1e-6)
        np.testing.assert_allclose(info['vertices'][0] * SIGNS, truth['verts'][row], atol=1e-6)
        x1, y1, x2, y2 = meta['handBoundingBox']
        np.testing.assert_allclose(info['bbox'], [x1, y1, x2 - x1, y2 - y1], rtol=1e-5)


def handoccnet_json(root, split):
    """HandOccNet's annotation file, made from the pickles (methods/spmhand.md#annotation-files)."""
    images, annotations = [], []
    for number, name in enumerate((root / f'{split}.txt').read_text().split()):
        sequence, frame = name.split('/')
        images.append(
            dict(id=number, file_name=f'{sequence}/rgb/{frame}.png', width=160, height=120)
        )
        meta = pickle.loads((root / split / sequence / 'meta' / f'{frame}.pkl').read_bytes())
        K = np.asarray(meta['camMat'])
        record = dict(
            id=number,
            image_id=number,
            cam_param=dict(focal=[K[0, 0], K[1, 1]], princpt=[K[0, 2], K[1, 2]]),
        )
        if split == 'train':
            theirs = published_sample(root, 'v2', name)
            record['joints_coord_cam'] = theirs['joints'].tolist()
            record['mano_param'] = dict(
                pose=theirs['pose'].tolist(), shape=theirs['betas'].tolist()
            )
        else:
            x1, y1, x2, y2 = map(float, meta['handBoundingBox'])
            record['bbox'] = [x1, y1, x2 - x1, y2 - y1]
            record['root_joint_cam'] = (np.asarray(meta['handJoints3D']) * SIGNS).tolist()
        annotations.append(record)
    return dict(images=images, annotations=annotations)


@pytest.mark.parametrize('split', ['train', 'evaluation'])
def test_handoccnets_json_gives_the_same_samples(v2, tmp_path, split):
    path = tmp_path / 'ann.json'
    path.write_text(json.dumps(handoccnet_json(v2, split)))
    pickles = HO3DDataset(data_root=v2, split=split, ground_truth_dir=str(tmp_path))
    listed = HO3DDataset(data_root=v2, split=split, ann_file=str(path), cache_dir=tmp_path)
    assert len(pickles) == len(listed)
    for row in range(len(pickles)):
        a, b = pickles.get_data_info(row), listed.get_data_info(row)
        assert a.keys() == b.keys()
        for key in ('img_path', 'sample_id', 'mask_sources', 'scored'):
            assert a[key] == b[key]
        for key in ('keypoints_3d', 'bbox', 'keypoint_valid', 'mano_pose', 'mano_betas'):
            if key in a:
                np.testing.assert_allclose(a[key], b[key], atol=1e-4)


def test_mistakes_are_named(v2, tmp_path):
    with pytest.raises(HandFileError, match='train.txt is missing'):
        HO3DDataset(data_root=tmp_path)
    frame = (v2 / 'train.txt').read_text().split()[0]
    (tmp_path / 'train.txt').write_text(f'{frame}\n')
    path = tmp_path / 'train' / frame.replace('/', '/meta/')
    path = path.with_suffix('.pkl')
    path.parent.mkdir(parents=True)

    def read(content, error, match):
        path.write_bytes(content)
        with pytest.raises(error, match=match):
            HO3DDataset(data_root=tmp_path, cache_dir=tmp_path / 'cache')

    read(b'cos\nsystem\n(S"true"\ntR.', UnsafeFileError, 'os.system')
    read(pickle.dumps([1]), HandDataError, 'expected a dict')
    read(pickle.dumps({'camMat': np.eye(3)}), HandDataError, '"handJoints3D"')
    meta = pickle.loads((v2 / 'train' / path.relative_to(tmp_path / 'train')).read_bytes())
    read(pickle.dumps({**meta, 'handPose': np.zeros(45)}), HandDataError, '"handPose"')
    read(pickle.dumps({**meta, 'handPose': None}), HandDataError, 'no frame of the list')
    (tmp_path / 'train.txt').write_text('no slash\n')
    with pytest.raises(HandDataError, match='line 1'):
        HO3DDataset(data_root=tmp_path, cache_dir=tmp_path / 'cache')


def test_published_truth_must_fit_the_list(v2, tmp_path):
    truth = json.loads((v2 / 'evaluation_xyz.json').read_text())
    (tmp_path / 'evaluation_xyz.json').write_text(json.dumps(truth[:1]))
    with pytest.raises(HandDataError, match='1 entries, the list of frames has 2'):
        HO3DDataset(
            data_root=v2,
            split='evaluation',
            ground_truth_dir=str(tmp_path),
            cache_dir=tmp_path / 'cache',
        )

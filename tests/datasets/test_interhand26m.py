"""InterHand2.6M: numbers against mmpose's reader, layouts, filters, and what goes wrong."""

import json
import math

import numpy as np
import pytest
import torch

from mmhand.datasets.interhand import InterHand26MDataset
from mmhand.datasets.interhand.validity import joint_validity
from mmhand.datasets.mano_params import AnnotatedPair, mano_to_camera, rotate_pose
from mmhand.hand_models.rotations import rotate_global_orient
from mmhand.structures import convert_joints, get_joint_set, joint_indices
from mmhand.utils.errors import HandConfigError, HandDataError, HandFileError, MMHandError

OPEN_HAND = dict(type='OpenHand')


def interhand(mini, **kwargs):
    return InterHand26MDataset(data_root=str(mini.root), split=mini.split, **kwargs)


def numbers(data):
    return [data.get_data_info(index)['annotation_id'] for index in range(len(data))]


def by_id(data, number):
    return data.get_data_info(numbers(data).index(number))


class TestRealFrames:
    """The four frames of mmpose's test files."""

    def test_agrees_with_mmposes_reader(self, real_interhand):
        from mmpose.datasets.datasets.hand3d import InterHand3DDataset

        theirs = InterHand3DDataset(
            ann_file=real_interhand['ann_file'],
            camera_param_file=real_interhand['camera_file'],
            joint_file=real_interhand['joint_file'],
            data_root=real_interhand['data_root'],
            data_prefix=dict(img=''),
        )
        ours = InterHand26MDataset(valid_rule='internet', **real_interhand)
        assert len(ours) == len(theirs) == 4
        expected = {int(info['id']): info for info in map(theirs.get_data_info, range(4))}
        for index in range(4):
            info = ours.get_data_info(index)
            want = expected[info['annotation_id']]

            def canonical(array):
                return convert_joints(
                    np.asarray(array).reshape(2, 21, -1), 'interhand21', 'canonical'
                )

            millimetres = info['keypoints_3d'] * 1000
            np.testing.assert_allclose(
                millimetres, canonical(want['keypoints_cam']), rtol=0, atol=0.01
            )
            pixels = canonical(want['keypoints'])
            np.testing.assert_allclose(info['keypoints_2d'], pixels[..., :2], rtol=0, atol=0.01)
            depth = millimetres[..., 2] - millimetres[:, :1, 2]
            np.testing.assert_allclose(depth, pixels[..., 2], rtol=0, atol=0.01)
            np.testing.assert_array_equal(
                info['keypoint_valid'], canonical(want['keypoints_visible'])[..., 0]
            )
            x, y, x2, y2 = want['bbox'][0]
            np.testing.assert_allclose(info['bbox'], [x, y, x2 - x, y2 - y], rtol=0, atol=1e-3)
            np.testing.assert_array_equal(info['hand_present'], want['hand_type'][0])
            assert info['hand_type_valid'] == want['hand_type_valid'][0]
            np.testing.assert_allclose(info['root_depth'] * 1000, want['abs_depth'], atol=0.01)
            np.testing.assert_allclose(np.diag(info['camera']['K'])[:2], want['focal'])
            np.testing.assert_allclose(info['camera']['K'][:2, 2], want['principal_pt'])

    def test_numbers_of_the_specification(self, real_interhand):
        info = by_id(InterHand26MDataset(**real_interhand), 326750)
        tip = get_joint_set('canonical').index('thumb4')
        np.testing.assert_allclose(
            info['keypoints_3d'][0, tip] * 1000, (20.787, -67.127, 1146.467), atol=2e-3
        )
        np.testing.assert_allclose(info['keypoints_2d'][0, tip], (178.689, 184.957), atol=2e-3)
        points = info['keypoints_2d'][info['keypoint_valid'] > 0]
        np.testing.assert_allclose(1.2 * np.ptp(points[:, 0]), info['bbox'][2], rtol=1e-4)

    def test_crop_of_a_real_frame(self, real_interhand):
        steps = ('LoadHandImage', 'HandBBoxCrop', 'HandTopdownAffine', 'PackHandInputs')
        data = InterHand26MDataset(pipeline=[dict(type=step) for step in steps], **real_interhand)
        for index in range(4):
            packed = data[index]
            sample = packed['data_samples']
            valid = sample.gt_hands.keypoint_valid > 0
            points = sample.gt_hands.keypoints_2d[valid]
            assert ((points > 0) & (points < 255)).all()
            assert packed['inputs'].float().std() > 10

    def test_world_to_camera_is_what_the_record_says(self, real_interhand):
        info = InterHand26MDataset(**real_interhand).get_data_info(0)
        with open(f'{real_interhand["data_root"]}/{real_interhand["joint_file"]}') as file:
            world = np.array(json.load(file)['3']['69148']['world_coord']) / 1000
        camera = info['camera']
        moved = world @ camera['R'].T + camera['t']
        moved = convert_joints(moved.reshape(2, 21, 3), 'interhand21', 'canonical')
        np.testing.assert_allclose(moved, info['keypoints_3d'], atol=1e-5)


class TestRecord:
    def test_order_ids_and_paths(self, mini_interhand):
        data = interhand(mini_interhand)
        assert numbers(data) == [11, 7, 12, 13, 20, 21]
        info = by_id(data, 13)
        assert info['img_path'] == str(mini_interhand.image(3))
        assert info['sample_id'] == 'train/13'
        assert (info['capture'], info['camera_name'], info['frame_idx']) == (0, '410002', 103)
        assert (info['subject'], info['sequence']) == (3, 'seq')
        assert not info['bbox_is_crop']
        assert 'mano_pose' not in info
        assert 'mask_path' not in info

    def test_single_hand_is_present_alone(self, mini_interhand):
        info = by_id(interhand(mini_interhand), 20)
        assert info['hand_type'] == 'left'
        assert info['hand_present'].tolist() == [0, 1]

    def test_arrays_are_fresh(self, mini_interhand):
        data = interhand(mini_interhand, with_mano=True, hand_model=OPEN_HAND)
        first = data.get_data_info(0)
        for value in first.values():
            if isinstance(value, np.ndarray):
                value += 1
        second = data.get_data_info(0)
        for key, value in second.items():
            if isinstance(value, np.ndarray):
                np.testing.assert_allclose(value + 1, first[key], err_msg=key)

    def test_wrist_gates_its_hand(self, mini_interhand):
        wrist = get_joint_set('interhand21').index('wrist')
        mini_interhand.annotation(12)['joint_valid'][wrist] = [0]
        mini_interhand.annotation(12)['joint_valid'][21 + 3] = [0]
        info = by_id(interhand(mini_interhand.write()), 12)
        assert info['keypoint_valid'].sum(1).tolist() == [0, 20]

    def test_both_files_count_unless_internet(self, mini_interhand):
        mini_interhand.joints['0']['103']['joint_valid'][5] = [0]
        mini_interhand.write()
        assert by_id(interhand(mini_interhand), 12)['keypoint_valid'].sum() == 41
        data = interhand(mini_interhand, valid_rule='internet')
        assert by_id(data, 12)['keypoint_valid'].sum() == 42


class TestValidRules:
    def test_twohand_needs_wrist_and_middle_knuckle(self):
        joints = get_joint_set('canonical')
        valid = np.ones((3, 2, 21), np.uint8)
        valid[0, 0, joints.index('wrist')] = 0
        valid[1, 1, joints.index('middle1')] = 0
        valid[2, 0, joints.index('thumb4')] = 0
        out = joint_validity(valid, valid, 'twohand')
        assert out.sum(-1).tolist() == [[0, 21], [21, 0], [20, 21]]

    def test_release_gates_by_tips_and_shifts_flags(self):
        joints = get_joint_set('canonical')
        for gate in ('thumb4', 'index4'):
            valid = np.ones((2, 21), np.uint8)
            valid[0, joints.index(gate)] = 0
            assert joint_validity(valid, valid, 'twohand_release').sum(-1).tolist() == [0, 21]
        valid = np.ones((2, 21), np.uint8)
        valid[1, joints.index('wrist')] = 0
        out = joint_validity(valid, valid, 'twohand_release')
        # InterHand's wrist is number 20, which is the little finger's tip in MANO's order.
        assert np.argwhere(out == 0).tolist() == [[1, joints.index('pinky4')]]

    @pytest.mark.parametrize('rule', ['twohand', 'twohand_release'])
    def test_flags_of_a_set_by_the_definition(self, mini_interhand, rule):
        """data.json's flags by loops in the release's terms; a hand without MANO has none."""
        rng = np.random.default_rng(8)
        for note in mini_interhand.data['annotations']:
            note['joint_valid'] = [[int(flag)] for flag in rng.random(42) > 0.15]
        mini_interhand.mano['0']['103']['left'] = None
        data = interhand(
            mini_interhand.write(), hand_model='OpenHand', joint_source='mano', valid_rule=rule
        )
        to_mano = joint_indices('interhand21', 'mano21')
        for note in mini_interhand.data['annotations']:
            found = convert_joints(
                by_id(data, note['id'])['keypoint_valid'], 'canonical', 'mano21', axis=-1
            )
            image = next(i for i in mini_interhand.data['images'] if i['id'] == note['image_id'])
            frame = mini_interhand.mano[str(image['capture'])][str(image['frame_idx'])]
            for hand, side in enumerate(('right', 'left')):
                own = [flag for (flag,) in note['joint_valid'][21 * hand : 21 * hand + 21]]
                gate = own[20] * own[11] if rule == 'twohand' else own[4] * own[0]
                order = to_mano if rule == 'twohand' else range(21)
                there = frame[side] is not None and note['hand_type'] in (side, 'interacting')
                assert found[hand].tolist() == [own[i] * gate * there for i in order]


class TestMano:
    def test_parameters_agree_with_moved_joints(self, mini_interhand):
        data = interhand(mini_interhand, with_mano=True, hand_model=OPEN_HAND)
        info = by_id(data, 12)
        frame = mini_interhand.mano['0']['103']
        camera = info['camera']
        for side, name in enumerate(('right', 'left')):
            hand = {key: torch.tensor([value]) for key, value in frame[name].items()}
            model = data.hands.models[side]
            world = model(hand['pose'][:, :3], hand['pose'][:, 3:], hand['shape'], hand['trans'])
            expected = world.joints[0].numpy() @ camera['R'].T + camera['t']
            pose, betas = (torch.from_numpy(info[f'mano_{key}']) for key in ('pose', 'betas'))
            moved = model(
                pose[side, None, :3],
                pose[side, None, 3:],
                betas[side, None],
                torch.from_numpy(info['mano_trans'])[side, None],
            )
            np.testing.assert_allclose(moved.joints[0].numpy(), expected, atol=2e-6)

    def test_missing_hand_is_zero_and_invalid(self, mini_interhand):
        info = by_id(interhand(mini_interhand, with_mano=True, hand_model=OPEN_HAND), 20)
        assert info['mano_valid'].tolist() == [0, 1]
        assert not info['mano_pose'][0].any()
        assert not info['mano_trans'][0].any()
        assert info['mano_pose'].shape == (2, 48)

    def test_joints_of_the_model(self, mini_interhand):
        data = interhand(mini_interhand, with_mano=True, hand_model='OpenHand', joint_source='mano')
        info = by_id(data, 20)
        posed = data.hands.joints(
            *(info[f'mano_{key}'][None] for key in ('pose', 'betas', 'trans'))
        )
        np.testing.assert_allclose(info['keypoints_3d'][1], posed[0, 1], atol=2e-6)
        assert info['keypoint_valid'].sum(1).tolist() == [0, 21]
        # Computed once: another data set maps the same file.
        again = interhand(mini_interhand, hand_model='OpenHand', joint_source='mano')
        assert again._mano_joints.folder == data._mano_joints.folder

    def test_synthetic_sets_name_their_model(self, mini_interhand):
        (mini_interhand.root / 'synthetic.json').write_text('{"hand_model": "OpenHand"}')
        info = by_id(interhand(mini_interhand, with_mano=True), 11)
        assert info['mano_valid'].tolist() == [1, 0]
        (mini_interhand.root / 'synthetic.json').write_text('[')
        with pytest.raises(HandFileError, match='synthetic.json'):
            interhand(mini_interhand, with_mano=True).get_data_info(0)

    def test_filters_by_annotation(self, mini_interhand):
        del mini_interhand.mano['1']['106']
        mini_interhand.write()
        assert numbers(interhand(mini_interhand, subset=dict(mano='any'))) == [11, 7, 12, 13, 20]
        assert numbers(interhand(mini_interhand, subset=dict(mano='both'))) == [12, 13]

    def test_rest_wrists_are_the_models(self):
        pair = AnnotatedPair(OPEN_HAND)
        betas = np.random.default_rng(0).normal(size=(2, 10)).astype(np.float32)
        for side, model in enumerate(pair.models):
            rest = model(torch.zeros(1, 3), torch.zeros(1, 45), torch.from_numpy(betas[side, None]))
            np.testing.assert_allclose(
                pair.rest_wrists(betas)[side], rest.rest_joints[0, 0].numpy(), atol=1e-6
            )
        assert pair.signature == AnnotatedPair('OpenHand').signature

    def test_rotation_is_that_of_the_rotations_module(self):
        rng = np.random.default_rng(1)
        pose = rng.normal(0, 1, (2, 48)).astype(np.float32)
        turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
        turn *= np.sign(np.linalg.det(turn))
        got = rotate_pose(pose, turn)
        want = rotate_global_orient(torch.from_numpy(turn).float(), torch.from_numpy(pose[:, :3]))
        np.testing.assert_allclose(got[:, :3], want.numpy(), atol=1e-5)
        np.testing.assert_array_equal(got[:, 3:], pose[:, 3:])

    def test_translation_by_the_formula(self):
        rng = np.random.default_rng(2)
        pose, trans, rest = (
            rng.normal(size=(2, 48)),
            rng.normal(size=(2, 3)),
            rng.normal(size=(2, 3)),
        )
        center = rng.normal(size=3)
        quarter = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
        _, got = mano_to_camera(pose, trans, rest, quarter, center)
        want = [quarter @ (t + j) - quarter @ center - j for t, j in zip(trans, rest, strict=True)]
        np.testing.assert_allclose(got, want)


class TestSubsets:
    @pytest.mark.parametrize(
        ('subset', 'expected'),
        [
            (dict(hand_type='right'), [11, 7]),
            (dict(hand_type='single'), [11, 7, 20]),
            (dict(hand_type=['left', 'interacting']), [12, 13, 20, 21]),
            (dict(hand_type='all'), [11, 7, 12, 13, 20, 21]),
            (dict(cameras='gray'), [7, 13]),
            (dict(cameras='color', hand_type='interacting'), [12, 21]),
            (dict(cameras=['410002']), [7, 13]),
            (dict(cameras=410002), [7, 13]),
            (dict(captures=1), [20, 21]),
            (dict(subjects=[3]), [11, 7, 12, 13]),
            (dict(hand_type_valid=True), [11, 7, 12, 13, 20]),
            (dict(hand_type_valid=False), [21]),
        ],
    )
    def test_filters(self, mini_interhand, subset, expected):
        mini_interhand.annotation(21)['hand_type_valid'] = 0
        assert numbers(interhand(mini_interhand.write(), subset=subset)) == expected

    def test_sources_by_id_lists(self, mini_interhand):
        human = mini_interhand.folder / 'aid_human_annot_train.txt'
        human.write_text('11\n13\n21\n')
        assert numbers(interhand(mini_interhand, subset=dict(source='human'))) == [11, 13, 21]
        assert numbers(interhand(mini_interhand, subset=dict(source='machine'))) == [7, 12, 20]
        # Frames that both annotated belong to both where both lists are at hand.
        (mini_interhand.root / 'annotations' / 'aid_machine_annot_train.txt').write_text('7 11')
        assert numbers(interhand(mini_interhand, subset=dict(source='machine'))) == [11, 7]
        data = interhand(
            mini_interhand, subset=dict(source='human'), id_list='mine.txt', lazy_init=True
        )
        (mini_interhand.root / 'mine.txt').write_text('12')
        assert numbers(data) == [12]

    def test_all_filters_share_one_store(self, mini_interhand):
        folders = {
            interhand(mini_interhand, subset=subset).store.folder
            for subset in ({}, dict(hand_type='right'), dict(cameras='color'))
        }
        assert len(folders) == 1


class TestLayouts:
    def test_old_layout(self, mini_interhand):
        old = mini_interhand.root / 'annotations'
        mini_interhand.folder.rename(old / 'all')
        assert len(interhand(mini_interhand)) == 6
        (old / 'all').rename(old / 'machine_annot')
        assert len(interhand(mini_interhand, subset=dict(source='machine'))) == 6
        # v0.0 has no folder for both where only the machine annotated.
        assert len(interhand(mini_interhand)) == 6
        with pytest.raises(HandFileError, match='human_annot'):
            interhand(mini_interhand, subset=dict(source='human'))

    def test_thirty_frames_a_second(self, mini_interhand):
        with_suffix = mini_interhand.root / 'annotations_30fps'
        (mini_interhand.root / 'annotations').rename(with_suffix)
        (mini_interhand.root / 'images').rename(mini_interhand.root / 'images_30fps')
        data = interhand(mini_interhand, fps=30)
        assert 'images_30fps' in data.get_data_info(0)['img_path']
        with pytest.raises(HandFileError, match='no InterHand2.6M annotations'):
            interhand(mini_interhand)

    def test_archive_folders(self, mini_interhand):
        inner = mini_interhand.root / 'InterHand2.6M_5fps_batch1'
        inner.mkdir()
        for name in ('annotations', 'images'):
            (mini_interhand.root / name).rename(inner / name)
        assert len(interhand(mini_interhand)) == 6

    def test_masks_and_depth_of_synthetic_sets(self, mini_interhand):
        for name in ('masks', 'depth'):
            (mini_interhand.root / name / 'train').mkdir(parents=True)
        info = interhand(mini_interhand).get_data_info(0)
        end = 'train/Capture0/seq/cam400001/image100.png'
        assert info['mask_path'].endswith(f'masks/{end}')
        assert info['depth_path'].endswith(f'depth/{end}')

    def test_val_of_the_machine_needs_no_list(self, mini_interhand):
        mini = type(mini_interhand)(mini_interhand.root, split='val').write()
        assert len(interhand(mini, subset=dict(source='machine'))) == 6
        with pytest.raises(HandFileError, match='aid_human_annot_val.txt'):
            interhand(mini, subset=dict(source='human'))


class TestRootNet:
    @pytest.fixture
    def results(self, mini_interhand):
        records = [
            {'annot_id': number, 'bbox': [float(number), 2, 30, 30], 'abs_depth': [600.0, 700.0]}
            for number in (21, 20, 13, 12, 11, 7)
        ]
        self.path = mini_interhand.root / 'rootnet.json'
        self.path.write_text(json.dumps(records))
        return records

    def test_box_and_depth_are_taken_as_they_are(self, mini_interhand, results):
        data = interhand(
            mini_interhand,
            rootnet_file='rootnet.json',
            pipeline=[dict(type='LoadHandImage'), dict(type='HandBBoxCrop')],
        )
        for index, number in enumerate(numbers(data)):
            info = data[index]
            assert info['bbox'].tolist() == [number, 2, 30, 30]
            np.testing.assert_allclose(info['root_depth'], (0.6, 0.7), rtol=1e-6)
            assert info['bbox_size'].tolist() == [30, 30]  # not enlarged a second time
            assert info['bbox_center'].tolist() == [number + 15, 17]
        np.testing.assert_array_equal(
            data.get_subset([4]).get_data_info(0)['bbox'], data.get_data_info(4)['bbox']
        )

    def test_the_last_of_several_results_counts(self, mini_interhand, results):
        """As InterNet's reader has it; padded files of several processes hold some twice."""
        self.path.write_text(json.dumps([dict(results[-1], bbox=[0, 0, 9, 9]), *results]))
        data = interhand(mini_interhand, rootnet_file='rootnet.json')
        assert [data.get_data_info(row)['bbox'][0] for row in range(len(data))] == numbers(data)

    def test_annotations_alone_matter_that_are_used(self, mini_interhand, results):
        self.path.write_text(json.dumps(results[:2]))
        data = interhand(mini_interhand, rootnet_file='rootnet.json', subset=dict(captures=1))
        assert numbers(data) == [20, 21]
        with pytest.raises(HandDataError, match='no result for annotation 11 and 3 more'):
            interhand(mini_interhand, rootnet_file='rootnet.json')

    @pytest.mark.parametrize(
        ('content', 'message'),
        [
            ('[]', 'holds no results'),
            ('[{"annot_id": 7, "bbox": [1, 2, 3], "abs_depth": [1, 2]}]', '"bbox" is'),
            ('[{"annot_id": 7, "bbox": [1, 2, 3, 4]}]', 'no "abs_depth"'),
            ('[{"bbox": [1, 2, 3, 4]}]', 'no "annot_id"'),
            ('{}', 'not valid JSON'),
        ],
    )
    def test_malformed_files(self, mini_interhand, content, message):
        (mini_interhand.root / 'rootnet.json').write_text(content)
        with pytest.raises(MMHandError, match=message):
            interhand(mini_interhand, rootnet_file='rootnet.json')

    def test_missing_file(self, mini_interhand):
        with pytest.raises(HandFileError, match='cannot read RootNet result file'):
            interhand(mini_interhand, rootnet_file='absent.json')


def _set(what, value):
    """Harm: set a nested entry of the set's JSON objects."""

    def harm(mini):
        *path, last = what
        node = getattr(mini, path[0])
        for key in path[1:]:
            node = node[key]
        if value is ...:
            del node[last]
        else:
            node[last] = value
        mini.write(images=False)

    return harm


def _file(what, content):
    def harm(mini):
        path = mini.path(what)
        if content is None:
            path.unlink()
        else:
            path.write_text(content(path.read_text()) if callable(content) else content)

    return harm


ANN = ('data', 'annotations', 2)
IMG = ('data', 'images', 3)
JOINT = ('joints', '0', '103')

#: Harm, and what the one line says.
BAD = {
    'data file missing': (_file('data', None), r'no InterHand2.6M annotations of split "train"'),
    'camera file missing': (_file('camera', None), r'cannot read camera file .*camera.json'),
    'joint file missing': (_file('joint_3d', None), r'cannot read joint_3d file'),
    'data file truncated': (
        _file('data', lambda t: t[:3000]),
        r'_data.json is not valid .*truncated',
    ),
    'joint file empty': (_file('joint_3d', ''), r'_joint_3d.json is not valid JSON: .*too early'),
    'data is another JSON': (_file('data', '{"info": 1}'), r'_data.json has no "images" array'),
    'data is a list': (_file('data', '[]'), r'_data.json is not valid JSON: expected "{"'),
    'no annotations': (_set(('data', 'annotations'), []), 'holds no annotations'),
    'no images': (_set(('data', 'images'), []), 'holds no images'),
    'box of three numbers': (
        _set((*ANN, 'bbox'), [1, 2, 3]),
        r'annotation 12: "bbox" is \[1, 2, 3\]',
    ),
    'box of text': (_set((*ANN, 'bbox'), 'wide'), 'annotation 12: "bbox" is \'wide\''),
    'annotation without box': (_set((*ANN, 'bbox'), ...), 'annotation 12 has no "bbox"'),
    'too few flags': (_set((*ANN, 'joint_valid'), [1] * 41), 'annotation 12: "joint_valid"'),
    'unknown hand type': (
        _set((*ANN, 'hand_type'), 'foot'),
        "annotation 12: unknown hand_type 'foot'",
    ),
    'annotation without image': (_set((*ANN, 'image_id'), 5), 'annotation 12 refers to image 5'),
    'annotation is no object': (_set(ANN, 7), 'annotation 2 is 7, expected an object'),
    'unknown camera': (_set((*IMG, 'camera'), '499999'), 'image 1013 was taken by camera 499999'),
    'unknown frame': (_set((*IMG, 'frame_idx'), 1), 'image 1013 shows frame 1 of capture 0'),
    'capture of text': (_set((*IMG, 'capture'), 'x'), 'image 1013'),
    'file name is a number': (_set((*IMG, 'file_name'), 5), 'image 1013: "file_name" is 5'),
    'NaN joint': (
        _set((*JOINT, 'world_coord', 4, 1), math.nan),
        'frame 103 of capture 0: joint 4 is marked valid but lies at',
    ),
    'joint in kilometres': (_set((*JOINT, 'world_coord', 4, 1), 1e7), 'frame 103 .* joint 4'),
    'joints cut short': (_set((*JOINT, 'world_coord'), [[1, 2, 3]] * 41), '"world_coord"'),
    'frame without joints': (_set(JOINT, None), 'frame 103 of capture 0 is None'),
    'frame number of text': (_set(('joints', '0', 'abc'), {}), "'abc' is not a whole number"),
    'camera without focal': (_set(('camera', '1', 'focal'), ...), 'capture 1 has no "focal"'),
    'camera lacks one entry': (
        _set(('camera', '0', 'focal', '410002'), ...),
        '"focal" of capture 0 has no "410002"',
    ),
    'camera is not finite': (
        _set(('camera', '0', 'camrot', '410002'), [[math.inf] * 3] * 3),
        'camera 410002 of capture 0: "camrot".* inf is not finite',
    ),
    'MANO of 45 numbers': (
        _set(('mano', '0', '100', 'right', 'pose'), [0.0] * 45),
        'right hand of frame 100 of capture 0: "pose"',
    ),
    'MANO is NaN': (
        _set(('mano', '0', '100', 'right', 'trans'), [math.nan, 0, 0]),
        'right hand of frame 100 of capture 0: "trans".* is not finite',
    ),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_files_end_in_one_line(mini_interhand, case):
    harm, message = BAD[case]
    harm(mini_interhand)
    with pytest.raises(MMHandError, match=message) as raised:
        interhand(mini_interhand)
    text = str(raised.value)
    assert '\n' not in text
    assert str(mini_interhand.root) in text


def test_unreadable_image_folder(mini_interhand):
    (mini_interhand.root / 'images').rename(mini_interhand.root / 'pictures')
    with pytest.raises(HandFileError, match='no image folder: looked for .*images/train'):
        interhand(mini_interhand)
    assert len(interhand(mini_interhand, img_dir='pictures/train')) == 6
    with pytest.raises(HandFileError, match='image folder .*nowhere does not exist'):
        interhand(mini_interhand, img_dir='nowhere')


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (dict(split='dev'), 'unknown split "dev"'),
        (dict(fps=25), 'unknown fps 25; known: 5, 30'),
        (dict(joint_source='magic'), 'joint_source must be'),
        (dict(valid_rule='any'), "unknown valid_rule 'any'"),
        (dict(subset=dict(side='right')), 'unknown subset key "side"'),
        (dict(subset=dict(hand_type='both')), "unknown hand_type 'both'"),
        (dict(subset=dict(source='robot')), "unknown source 'robot'"),
        (dict(subset=dict(cameras=['1'])), "no camera '1'"),
        (dict(subset=dict(mano='left')), 'mano must be "any" or "both"'),
        (dict(subset=dict(captures=9)), 'no sample of split "train"'),
        (dict(mano_file='none.json'), 'cannot read mano file'),
        (dict(id_list='none.txt'), 'cannot read id list'),
        (dict(hand_model=dict(type='PackHandInputs'), joint_source='mano'), 'PackHandInputs'),
    ],
)
def test_wrong_options_are_one_line(mini_interhand, kwargs, message):
    if kwargs.get('split'):
        mini_interhand.split = kwargs.pop('split')
    with pytest.raises((MMHandError, KeyError), match=message):
        interhand(mini_interhand, **kwargs)


class NoHand(torch.nn.Module):
    def __init__(self, side):
        super().__init__()


def test_mano_needs_annotations_and_a_model(mini_interhand):
    with pytest.raises(HandConfigError, match='need hand_model'):
        interhand(mini_interhand, with_mano=True).get_data_info(0)
    with pytest.raises(HandConfigError, match='builds no hand model'):
        AnnotatedPair(dict(type=NoHand))
    mini_interhand.path('MANO_NeuralAnnot').unlink()
    with pytest.raises(HandDataError, match='no InterHand2.6M_train_MANO_NeuralAnnot.json'):
        interhand(mini_interhand, with_mano=True, hand_model=OPEN_HAND)
    with pytest.raises(HandConfigError, match='has no MANO annotations'):
        interhand(mini_interhand, subset=dict(mano='any'))


def test_id_list_of_words(mini_interhand):
    (mini_interhand.root / 'ids.txt').write_text('one two')
    with pytest.raises(HandDataError, match='no list of annotation ids'):
        interhand(mini_interhand, id_list='ids.txt')


def test_missing_root(tmp_path):
    with pytest.raises(HandFileError, match='is not a folder'):
        InterHand26MDataset(data_root=str(tmp_path / 'absent'))


def test_spawned_worker_gets_a_small_pickle(mini_interhand):
    import pickle

    data = interhand(mini_interhand, hand_model=OPEN_HAND, joint_source='mano')
    data._skipped = None  # shared memory, which only a worker's start may send
    data.__dict__.pop('hands')
    again = pickle.loads(pickle.dumps(data))
    np.testing.assert_array_equal(
        again.get_data_info(2)['keypoints_3d'], data.get_data_info(2)['keypoints_3d']
    )

"""Other hands pasted over the hands of samples that keep their joints."""

import numpy as np
import pytest

from mmhand.datasets.interhand import InterHand26MDataset
from mmhand.datasets.transforms import PasteDistractorHand
from mmhand.structures import HAND_MASK_PLANES
from mmhand.synthesis import generate_dataset, get_writer
from mmhand.utils.config import load_config
from mmhand.utils.errors import HandConfigError, HandDataError
from mmhand.utils.pipeline import pipeline_steps

SIZE = 96
LOAD = [
    dict(type='LoadHandImage'),
    dict(type='LoadHandMasks'),
    dict(type='SelectHand'),
    dict(type='HandBBoxCrop', scale=2.0),
]
WARP = dict(type='HandTopdownAffine', input_size=SIZE, mask_mode='linear')
DONORS = [*LOAD, WARP]


def pipeline(**kwargs):
    paste = dict(type='PasteDistractorHand', donor_pipeline=DONORS, prob=1.0)
    return [*LOAD, dict(type='MirrorLeftHand'), WARP, {**paste, **kwargs}]


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp('interhand') / 'set'
    kind = get_writer('interhand')
    config = kind.make_config(captures=1, views=1, image_size=(160, 104), hands='single')
    generate_dataset(kind(folder, config, 3), dict(train=8), progress=False)
    return folder


def dataset(root, steps, **kwargs):
    return InterHand26MDataset(str(root), pipeline=steps, strict=True, **kwargs)


def plane(sample, name):
    return sample['hand_masks'][..., HAND_MASK_PLANES.index(name)].astype(bool)


def pairs(root, **kwargs):
    """Every sample without and with its distractor."""
    plain, pasted = dataset(root, pipeline(prob=0.0)), dataset(root, pipeline(**kwargs))
    for index in range(len(plain)):
        np.random.seed(index)
        yield plain[index], pasted[index]


def test_the_other_hand_covers_the_target_whose_joints_stay(root):
    sides, covered = set(), 0
    for plain, pasted in pairs(root):
        assert 'distractor' not in plain
        assert pasted['distractor'] != pasted['sample_id']
        sides.add(pasted.get('flipped', False))
        for key in ('keypoints_2d', 'keypoints_3d', 'keypoint_valid', 'hand_present', 'hand_type'):
            assert np.array_equal(plain[key], pasted[key])
        assert pasted['hand_type'] == 'right'
        amodal, visible = plane(pasted, 'right_amodal'), plane(pasted, 'right_visible')
        other = plane(pasted, 'left_amodal')
        assert np.array_equal(amodal, plane(plain, 'right_amodal'))
        assert np.array_equal(visible, amodal & ~other)
        assert np.array_equal(other, plane(pasted, 'left_visible'))
        share = (other & amodal).sum() / other.sum()
        assert 0.02 < share < 0.75
        covered += share > 0.1
        same = (plain['img'] == pasted['img']).all(-1)
        assert same[~other].all()
        assert same[other].mean() < 0.2
    assert sides == {False, True}
    assert covered


def test_what_is_pasted_is_a_hand_of_the_other_side_as_it_was_cut_out(root):
    """With both hands unmoved the paste is the donor's crop, mirrored as the target was."""
    by_name = {}
    cut = dataset(root, [*LOAD, WARP])
    for index in range(len(cut)):
        sample = cut[index]
        by_name[sample['sample_id']] = sample
    for plain, pasted in pairs(root, overlap=(0.0, 1.0)):
        donor = by_name[pasted['distractor']]
        mirrored = plain.get('flipped', False)
        assert donor['hand_type'] == ('right' if mirrored else 'left')
        mask = donor['hand_masks'][..., 0 if mirrored else 2].astype(bool)
        area = plane(pasted, 'left_amodal').sum()
        # Scaled by 0.75 to 1.25 and perhaps pushed out of the crop a little.
        assert 0.5 < area / mask.sum() < 1.9
        colour = pasted['img'][plane(pasted, 'left_amodal')].mean(0)
        assert np.abs(colour - donor['img'][mask].mean(0)).max() < 25


def test_under_the_target(root):
    for plain, pasted in pairs(root, over_prob=0.0):
        amodal = plane(pasted, 'right_amodal')
        assert np.array_equal(amodal, plane(pasted, 'right_visible'))
        assert np.array_equal(pasted['img'][amodal], plain['img'][amodal])
        behind = plane(pasted, 'left_amodal') & ~plane(pasted, 'left_visible')
        assert np.array_equal(behind, plane(pasted, 'left_amodal') & amodal)


def test_a_share_of_samples_and_the_same_for_a_seed(root):
    data = dataset(root, pipeline(prob=0.5))
    runs = []
    for _ in range(2):
        np.random.seed(0)
        runs.append([data[i % len(data)] for i in range(40)])
    assert 8 < sum('distractor' in sample for sample in runs[0]) < 32
    assert all(np.array_equal(a['img'], b['img']) for a, b in zip(*runs, strict=True))


def test_bounds_that_cannot_be_met_leave_the_sample(root):
    for plain, pasted in pairs(root, overlap=(0.999, 1.0)):
        assert 'distractor' not in pasted
        assert np.array_equal(plain['img'], pasted['img'])


def test_mistakes_are_named(root):
    with pytest.raises(HandConfigError, match='prob is 2'):
        PasteDistractorHand(DONORS, prob=2)
    with pytest.raises(HandConfigError, match='overlap'):
        PasteDistractorHand(DONORS, overlap=(0.5, 0.2))
    one_side = dataset(root, pipeline(), subset=dict(hand_type='right'))
    with pytest.raises(HandConfigError, match=r'no single left hand .* both sides'):
        one_side[0]
    other_size = [*LOAD, dict(WARP, input_size=64)]
    with pytest.raises(HandConfigError, match='one input_size'):
        dataset(root, pipeline(donor_pipeline=other_size))[0]
    without = [step for step in pipeline() if step['type'] != 'LoadHandMasks']
    with pytest.raises(HandDataError, match='interhand_masks'):
        dataset(root, without)[0]
    sample = dataset(root, pipeline(prob=0.0))[0]
    sample['hand_masks'] = np.zeros_like(sample['hand_masks'])
    with pytest.raises(HandDataError, match='empty'):
        PasteDistractorHand(DONORS)(sample)


def test_donors_that_cannot_be_used_are_passed_over(root, monkeypatch):
    data = dataset(root, pipeline())
    inner, broken = data.get_data_info, []
    sample = inner(0) | {'data_source': data}

    def two_without_masks(index):
        info = inner(index)
        if len(broken) < 2:
            broken.append(info['sample_id'])
            info['mask_path'] = 'gone.png'
        return info

    monkeypatch.setattr(data, 'get_data_info', two_without_masks)
    np.random.seed(1)
    assert 'distractor' in data.pipeline(sample)
    assert len(broken) == 2


def test_the_config_pastes_on_half_of_the_frames(root):
    config = load_config('hdr_shpe_sh_aih_interhand')
    steps = pipeline_steps(config.train_dataloader.dataset.pipeline)
    names = [step['type'] for step in steps]
    assert names.index('HandTopdownAffine') < names.index('PasteDistractorHand')
    assert names.index('PasteDistractorHand') < names.index('HandColorJitter')
    packed = dataset(root, steps)[0]
    assert packed['inputs'].shape == (3, 256, 256)
    assert packed['data_samples'].gt_hands.side.tolist() == [0]

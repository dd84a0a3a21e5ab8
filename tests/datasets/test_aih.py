"""AIH: a synthetic set in its layout, read and assembled by the published rules."""

import io
import pickle

import cv2
import numpy as np
import pytest
import torch

from mmhand.datasets.aih import AIHDataset
from mmhand.datasets.aih.layout import AIHPaths, paste_affine, read_syn_configs
from mmhand.synthesis import generate_dataset
from mmhand.synthesis.writers import AIHWriter
from mmhand.utils.errors import HandConfigError, HandDataError, HandFileError, UnsafeFileError


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp('aih') / 'set'
    config = AIHWriter.make_config(captures=1, views=1, image_size=(96, 96))
    generate_dataset(AIHWriter(folder, config, 4), dict(train=4, val=2), progress=False)
    return folder


def assembled(root, index, size=256, **kwargs):
    steps = [dict(type='LoadAIHSample', size=size)]
    return AIHDataset(root, pipeline=steps, strict=True, **kwargs)[index]


def test_samples_come_in_the_releases_order(root):
    data = AIHDataset(root)
    kinds = [data.get_data_info(i)['sample_id'].split('/')[1:4] for i in range(len(data))]
    parts = list(dict.fromkeys((half, annot) for half, annot, _ in kinds))
    assert parts == [
        ('syn', 'machine'),
        ('syn', 'human'),
        ('render', 'human'),
        ('render', 'machine'),
    ]
    sides = [side for half, annot, side in kinds if (half, annot) == ('render', 'human')]
    assert sides == sorted(sides, reverse=True)  # right targets first
    assert sum(half == 'render' for half, _, _ in kinds) == 8
    val = AIHDataset(root, split='val')
    assert {val.get_data_info(i)['aih']['half'] for i in range(len(val))} == {'syn'}
    assert len(AIHDataset(root, split='val', subset=dict(half='render'))) == 4
    left = AIHDataset(root, subset=dict(side='left', half='render'))
    assert {left.get_data_info(i)['hand_type'] for i in range(len(left))} == {'left'}


@pytest.mark.parametrize('half', ['syn', 'render'])
def test_holes_guides_and_truth_agree(root, half):
    data = AIHDataset(
        root, subset=dict(half=half), pipeline=[dict(type='LoadAIHSample')], strict=True
    )
    hidden_somewhere = False
    for index in range(len(data)):
        sample = data[index]
        hidden, taken, hand, background = sample['hole_masks'].transpose(2, 0, 1).astype(bool)
        assert not (hidden & taken).any()
        assert not (hand & hidden).any()
        assert not (background & taken).any()
        hidden_somewhere |= bool(hidden.any())
        difference = np.abs(sample['img'].astype(int) - sample['target']).sum(-1)
        outside = ~cv2.dilate((hidden | taken).astype(np.uint8), np.ones((25, 25))).astype(bool)
        # Outside the holes the truth is the picture, but for JPEG.
        assert difference[outside].mean() < 6
        if (hidden | taken).sum() > 200:
            assert difference[hidden | taken].mean() > 3 * max(difference[outside].mean(), 0.5)
    assert hidden_somewhere


def test_a_paste_is_what_the_release_describes(root):
    data = AIHDataset(root, subset=dict(half='syn', side='right'))
    record = data.get_data_info(0)['aih']
    images, masks = [], []
    for move, picture, mask in (
        ('target_move', 'image', 'amodal'),
        ('pasted_move', 'pasted_image', 'pasted_amodal'),
    ):
        affine = paste_affine(record[move])
        for out, path, flag in ((images, picture, 1), (masks, mask, -1)):
            out.append(cv2.warpAffine(cv2.imread(str(record[path]), flag), affine, (256, 256)))
    right, left = masks
    sample = assembled(root, 0, subset=dict(half='syn', side='right'))
    left3 = left[..., None]
    assert np.array_equal(sample['img'], images[1] * left3 + images[0] * (1 - left3))
    assert np.array_equal(sample['target'], images[0])
    expected = [right * left, (1 - right) * left, right * (1 - right * left)]
    assert np.array_equal(sample['hole_masks'][..., :3], np.stack(expected, -1))
    still = paste_affine(np.array([0.0, 0.0, 1.0, 0.0]))
    assert still[0, 0] == pytest.approx(256 / 255)
    share = (masks[0] * masks[1]).sum() / masks[1].sum()
    assert data.get_data_info(0)['occlusion_rate'] == pytest.approx(share, abs=0.05)


def test_left_targets_are_mirrored_right_ones(root):
    """The left target of a scene equals the right target of the mirrored scene."""
    data = AIHDataset(root, subset=dict(half='render', side='left'))
    record = data.get_data_info(0)['aih']
    sample = assembled(root, 0, subset=dict(half='render', side='left'))
    labels = cv2.imread(str(record['visible']), -1)[:, ::-1]
    assert np.array_equal(sample['hole_masks'][..., 2] > 0, labels == 2)
    assert np.array_equal(sample['img'], cv2.imread(str(record['image']))[:, ::-1])
    assert np.array_equal(sample['target'], cv2.imread(str(record['target']))[:, ::-1])


def test_training_input_learns_what_it_should(root):
    steps = [
        dict(type='LoadAIHSample', size=64, gain=(0.8, 1.2)),
        dict(type='AIHColorJitter', prob=1.0),
        dict(type='PackDeocclusionInputs', with_pictures=True),
    ]
    np.random.seed(0)
    packed = AIHDataset(root, pipeline=steps)[0]
    inputs = packed['inputs']
    assert {key: tuple(value.shape) for key, value in inputs.items()} == dict(
        image=(3, 64, 64), target=(3, 64, 64), masks=(4, 64, 64)
    )
    assert all(value.dtype == torch.uint8 for value in inputs.values())
    assert torch.equal(packed['data_samples'].gt_fields.target, inputs['target'].flip(0))
    same = (inputs['image'] == inputs['target']).all(0)
    # One colour change for both pictures: unpasted pixels still agree.
    assert same[inputs['masks'][3].bool()].all()
    assert not same.all()


def test_configurations_are_read_without_running_them(root, tmp_path):
    path = root / AIHPaths('machine', 'train', 'right').syn_configs
    ours, numpys = read_syn_configs(path), np.load(path, allow_pickle=True)
    assert len(ours) == len(numpys)
    for a, b in zip(ours, numpys, strict=True):
        assert a['loop_side'] == b['loop_side']
        assert np.allclose(a['l_aug_list'][0], b['l_aug_list'][0])

    class Evil:
        def __reduce__(self):
            return (print, ('evil',))

    buffer = io.BytesIO()
    np.save(buffer, np.array([Evil()], object), allow_pickle=True)
    bad = tmp_path / 'bad.npy'
    bad.write_bytes(buffer.getvalue())
    with pytest.raises(UnsafeFileError, match='print'):
        read_syn_configs(bad)
    bad.write_bytes(pickle.dumps([1]))
    with pytest.raises(HandFileError, match=r'bad\.npy'):
        read_syn_configs(bad)


def test_mistakes_are_named(root, tmp_path):
    with pytest.raises(HandFileError, match='AIH'):
        AIHDataset(tmp_path)
    with pytest.raises(HandConfigError, match='half'):
        AIHDataset(root, subset=dict(half='both'))
    with pytest.raises(HandConfigError, match='aih'):
        AIHWriter.make_config(hands='single')
    data = AIHDataset(root, pipeline=[dict(type='LoadAIHSample')], strict=True)
    info = data.get_data_info(0)
    small = tmp_path / 'small.png'
    cv2.imwrite(str(small), np.zeros((8, 8), np.uint8))
    info['aih']['amodal'] = small
    with pytest.raises(HandDataError, match='256 x 256'):
        data.pipeline(info)
    info['aih']['amodal'] = tmp_path / 'none.png'
    with pytest.raises(HandFileError, match=r'none\.png'):
        data.pipeline(info)

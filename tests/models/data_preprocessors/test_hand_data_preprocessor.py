"""Batching and normalisation."""

import pytest
import torch

from mmhand.models.data_preprocessors import HandDataPreprocessor
from mmhand.structures import HandDataSample, HandInstances
from mmhand.utils.errors import HandConfigError, HandDataError


def images(count=3, channels=3):
    rng = torch.Generator().manual_seed(0)
    return [
        torch.randint(0, 256, (channels, 4, 5), dtype=torch.uint8, generator=rng)
        for _ in range(count)
    ]


def samples(counts=(2, 1, 2)):
    out = []
    for row, count in enumerate(counts):
        sample = HandDataSample(metainfo={'sample_id': f's{row}'})
        sample.gt_hands = HandInstances(
            side=torch.arange(count), keypoints_3d=torch.full((count, 21, 3), float(row))
        )
        out.append(sample)
    return out


def test_images_are_stacked_turned_to_rgb_and_normalised():
    mean, std = [1.0, 2.0, 3.0], [10.0, 20.0, 30.0]
    preprocessor = HandDataPreprocessor(mean, std, bgr_to_rgb=True)
    batch = images()
    out = preprocessor({'inputs': batch})
    assert out['data_samples'] is None
    for image, result in zip(batch, out['inputs'], strict=True):
        for channel in range(3):
            expected = (image[2 - channel].float() - mean[channel]) / std[channel]
            torch.testing.assert_close(result[channel], expected)


def test_a_stacked_batch_gives_the_same():
    preprocessor = HandDataPreprocessor([0.0], [255.0], bgr_to_rgb=True)
    batch = images()
    stacked = torch.stack(batch)
    keep = stacked.clone()
    torch.testing.assert_close(
        preprocessor({'inputs': stacked})['inputs'], preprocessor({'inputs': batch})['inputs']
    )
    assert torch.equal(stacked, keep)


def test_dict_inputs():
    preprocessor = HandDataPreprocessor([0.0], [255.0], image_keys=('image',))
    batch = [
        {'image': image, 'mask': torch.ones(2, 4, 5, dtype=torch.uint8), 'K': torch.eye(3)}
        for image in images()
    ]
    out = preprocessor({'inputs': batch, 'data_samples': samples()})
    assert out['inputs']['image'].max() <= 1
    assert out['inputs']['mask'].dtype == torch.float32
    assert out['inputs']['mask'].shape == (3, 2, 4, 5)
    assert out['inputs']['K'].shape == (3, 3, 3)
    assert len(out['data_samples']) == 3


def test_normalisation_is_not_saved():
    assert not HandDataPreprocessor([0.0], [1.0]).state_dict()


def test_samples_are_moved_with_every_field():
    preprocessor = HandDataPreprocessor()
    preprocessor.to('meta')
    batch = samples()
    batch[0].gt_hands.betas = torch.zeros(2, 10)  # a field that the others do not have
    moved = preprocessor._move_samples(batch)
    for before, after in zip(batch, moved, strict=True):
        assert after.sample_id == before.sample_id
        assert set(after.gt_hands.keys()) == set(before.gt_hands.keys())
        for name, value in before.gt_hands.items():
            assert after.gt_hands.get(name).device.type == 'meta'
            assert after.gt_hands.get(name).shape == value.shape
            assert value.device.type == 'cpu'


def test_samples_without_hands_are_moved():
    preprocessor = HandDataPreprocessor()
    preprocessor.to('meta')
    sample = HandDataSample(metainfo={'sample_id': 'x'})
    assert preprocessor._move_samples([sample])[0].sample_id == 'x'


def test_different_shapes_are_refused():
    batch = [*images(1), torch.zeros(3, 6, 5, dtype=torch.uint8)]
    with pytest.raises(HandDataError, match='different shapes'):
        HandDataPreprocessor()({'inputs': batch})


def test_mean_and_std_must_fit():
    with pytest.raises(HandConfigError, match='channels'):
        HandDataPreprocessor([0.0, 1.0], [1.0, 1.0, 1.0])

"""The three modes."""

import pytest
import torch

from mmhand.models.estimators import BaseHandEstimator
from mmhand.structures import HandDataSample
from mmhand.utils.errors import HandConfigError, HandDataError


class Toy(BaseHandEstimator):
    def loss(self, inputs, data_samples):
        return {'loss': inputs.sum()}

    def predict(self, inputs, data_samples):
        size = len(data_samples)
        return self.attach_hands(
            data_samples,
            {'side': torch.arange(2).expand(size, 2), 'root': torch.rand(size, 2, 3)},
        )

    def tensor(self, inputs, data_samples=None):
        return {'inputs': inputs}


def test_modes():
    model, inputs = Toy(), torch.ones(2, 3, 4, 4)
    samples = [HandDataSample(), HandDataSample()]
    assert model(inputs, samples, 'loss')['loss'] == 96
    assert model(inputs)['inputs'] is inputs
    out = model(inputs, samples, 'predict')
    assert out[0] is samples[0]
    assert out[1].pred_hands.side.tolist() == [0, 1]
    assert len(model(inputs, None, 'predict')) == 2
    assert len(model({'image': inputs, 'mask': inputs}, None, 'predict')) == 2


def test_steps_of_a_training_loop():
    model = Toy(data_preprocessor={'mean': [0.0], 'std': [255.0]})
    image = torch.full((3, 2, 2), 255, dtype=torch.uint8)
    assert type(model.data_preprocessor).__name__ == 'HandDataPreprocessor'
    out = model.test_step({'inputs': [image], 'data_samples': [HandDataSample()]})
    assert out[0].pred_hands.root.shape == (2, 3)


def test_misuse():
    model, inputs = Toy(), torch.ones(2, 3, 4, 4)
    with pytest.raises(HandConfigError, match='mode'):
        model(inputs, None, 'train')
    with pytest.raises(HandDataError, match='data samples'):
        model(inputs, None, 'loss')
    with pytest.raises(HandDataError, match='2 inputs and 1'):
        model(inputs, [HandDataSample()], 'predict')

"""Training the depth translation: losses, optimisers, the pool of fakes."""

import pytest
import torch
from mmengine.registry import init_default_scope

from mmhand.engine.optim_wrappers import MultiOptimWrapperConstructor
from mmhand.models.dsf import ConsisCycleGAN
from mmhand.models.dsf.consis_cycle_gan import consistency
from mmhand.models.dsf.fake_pool import FakePool
from mmhand.utils.errors import HandConfigError, HandDataError

PARTS = ('generator', 'backward_generator', 'discriminator_a', 'discriminator_b')


def build():
    torch.manual_seed(0)
    small = dict(type='ResNetGenerator', channels=4, num_blocks=1)
    return ConsisCycleGAN(
        generator=small,
        backward_generator=small,
        discriminator=dict(type='PatchDiscriminator', channels=4),
    )


def batch():
    image = torch.rand(2, 1, 64, 64) * 2 - 1
    return dict(inputs=dict(real=image, synthetic=dict(image=image.flip(-1))), data_samples=[])


def test_a_step_moves_every_network():
    init_default_scope('mmhand')
    model, before = build().train(), build().state_dict()
    config = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=2e-4, betas=(0.5, 0.999)))
    optimisers = MultiOptimWrapperConstructor(dict.fromkeys(PARTS, config))(model)
    logs = model.train_step(batch(), optimisers)
    names = (
        'adversarial',
        'cycle',
        'consistency',
        'identity',
        'discriminator_a',
        'discriminator_b',
    )
    assert set(logs) == {'loss', *(f'loss_{name}' for name in names)}
    after = model.state_dict()
    for part in PARTS:
        moved = [(after[k] != v).any() for k, v in before.items() if k.startswith(f'{part}.')]
        assert any(moved), part
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert len(model.pool_a.crops) == 2


def test_discriminators_take_the_networks_for_opposite_sides():
    model = build()
    losses = model(**model.data_preprocessor(batch(), True), mode='loss')
    losses['loss_adversarial'].backward()
    assert model.discriminator_a.convs[0].weight.grad is None
    assert model.generator.stem.weight.grad is not None
    model.zero_grad()
    losses['loss_discriminator_b'].backward()
    assert model.generator.stem.weight.grad is None or not model.generator.stem.weight.grad.any()


def test_consistency_looks_where_both_show_the_hand():
    image = torch.ones(1, 1, 2, 2)
    image[0, 0, 0] = torch.tensor([0.0, 0.5])
    moved = image.clone()
    moved[0, 0, 0, 0] = 0.25
    moved[0, 0, 1, 1] = 0.3  # background before
    assert float(consistency(moved, image)) == pytest.approx(0.125)


def test_the_pool_is_part_of_the_checkpoint():
    pool, other = FakePool(3), FakePool(3)
    for _ in range(3):
        torch.manual_seed(1)
        shown = pool(torch.rand(2, 1, 4, 4))
        assert shown.shape == (2, 1, 4, 4)
    assert len(pool.crops) == 3
    other.load_state_dict(pool.state_dict())
    assert torch.equal(other.crops, pool.crops)


def test_wrong_use_is_refused():
    with pytest.raises(HandConfigError, match='backward_generator'):
        ConsisCycleGAN(generator=dict(type='ResNetGenerator', channels=2, num_blocks=1)).loss(
            {}, []
        )
    with pytest.raises(HandDataError, match='two-stream'):
        build().loss(dict(real=torch.zeros(1, 1, 64, 64)), [])
    with pytest.raises(HandConfigError, match='MultiOptimWrapperConstructor'):
        build().train_step(batch(), None)

"""DSF's configs: every network builds and takes a step; learning rates are the release's."""

import pytest
import torch
from mmengine.registry import PARAM_SCHEDULERS, init_default_scope

from mmhand.apis.inference import without_pretraining
from mmhand.registry import MODELS
from mmhand.utils.config import list_configs, load_config

from .test_dsf import rendered, streams

CONFIGS = [name for name in list_configs() if name.startswith('dsf/')]

__all__ = ['rendered']


def thin(name):
    """The model of a config on OpenHand, with few channels."""
    model = without_pretraining(load_config(name).model)
    small = dict(channels=2, num_blocks=1)
    for part in ('generator', 'backward_generator'):
        if model.get(part):
            model[part].update(small)
    if model['type'] == 'ConsisCycleGAN':
        model['discriminator'].update(channels=2)
    else:
        model['hand_model'] = dict(type='OpenHand')
        model['network'].update(width=4, channels=8)
    return model


@pytest.mark.parametrize('name', CONFIGS)
def test_a_step_of_every_config(name, rendered):  # noqa: F811
    init_default_scope('mmhand')
    torch.manual_seed(0)
    model = MODELS.build(thin(name)).train()
    losses = model(**model.data_preprocessor(streams(rendered), True), mode='loss')
    stages = {key.split('.')[1] for key in losses if key.startswith('synthetic.')}
    if 'cyclegan' not in name:
        assert stages == ({'s1'} if 'one-stage' in name else {'s1', 's2'})
        assert any(key.startswith('real.') for key in losses) == ('pretrain' not in name)
        assert any('loss_beta' in key for key in losses) == ('pretrain' in name)
    total, _ = model.parse_losses(losses)
    total.backward()
    assert torch.isfinite(total)
    # Translators of fine-tuning are frozen.
    for key, parameter in model.named_parameters():
        assert parameter.requires_grad == (parameter.grad is not None), key


@pytest.mark.parametrize(
    ('name', 'high', 'low'),
    [('dsf/dsf_r18_nyu', 11, 4), ('dsf/dsf_r18_icvl', 5, 3), ('dsf/dsf_r18_msra', 6, 4)],
)
def test_learning_rates_of_the_release(name, high, low):
    config = load_config(name)
    optimizer = torch.optim.AdamW([torch.zeros(1, requires_grad=True)], lr=1e-3)
    assert config.optim_wrapper.optimizer == dict(type='AdamW', lr=1e-3, weight_decay=0.01)
    scheduler = PARAM_SCHEDULERS.build({**config.param_scheduler, 'optimizer': optimizer})
    trace = []
    for _ in range(config.train_cfg.max_epochs):
        trace.append(optimizer.param_groups[0]['lr'])
        optimizer.step()
        scheduler.step()
    assert trace == pytest.approx([1e-3] * high + [1e-4] * low)

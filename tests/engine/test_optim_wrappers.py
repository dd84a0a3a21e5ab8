"""bfloat16 without a GPU, and optimisers for parts of a model."""

import torch
from torch import nn

from mmhand.engine.optim_wrappers import BFloat16OptimWrapper
from mmhand.registry import OPTIM_WRAPPERS


def test_the_forward_pass_is_bfloat16_and_the_weights_stay_float32():
    model = nn.Linear(3, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    wrapper = OPTIM_WRAPPERS.build(dict(type='BFloat16OptimWrapper', optimizer=optimizer))
    assert isinstance(wrapper, BFloat16OptimWrapper)
    before = model.weight.detach().clone()
    with wrapper.optim_context(model):
        out = model(torch.ones(4, 3))
    assert out.dtype == torch.bfloat16
    assert model(torch.ones(4, 3)).dtype == torch.float32
    wrapper.update_params(out.float().sum())
    assert model.weight.dtype == torch.float32
    torch.testing.assert_close(model.weight, before - 0.4)


def test_gradients_are_accumulated_as_usual():
    model = nn.Linear(3, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    wrapper = BFloat16OptimWrapper(optimizer=optimizer, accumulative_counts=2)
    wrapper.initialize_count_status(model, 0, 4)
    before = model.weight.detach().clone()
    for step in range(2):
        with wrapper.optim_context(model):
            loss = model(torch.ones(4, 3)).float().sum()
        wrapper.update_params(loss)
        assert torch.equal(model.weight, before) == (step == 0)

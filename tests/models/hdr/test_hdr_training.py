"""Training steps of HDR's parts: who gets which gradient, in one process and in two."""

import copy
import os
import subprocess
import sys
from contextlib import contextmanager

import pytest
import torch
import torch.distributed as dist
from mmengine.model import MMSeparateDistributedDataParallel
from mmengine.optim import OptimWrapper, OptimWrapperDict, build_optim_wrapper
from mmengine.structures import PixelData

from mmhand.models.hdr.deocclusion import hole_masks
from mmhand.registry import MODELS
from mmhand.structures import HAND_MASK_PLANES, HandDataSample, HandInstances
from mmhand.utils.errors import HandConfigError, HandDataError

SMALL_REMOVER = dict(
    type='HandDeocclusionRemover',
    generator=dict(
        type='PConvUNet',
        channels=(8, 8, 16),
        normalize='ratio',
        encoder_attention={2: dict(num_heads=2, sr_ratio=2, mlp_ratio=2)},
        decoder_attention={},
    ),
    discriminator=dict(type='SNPatchDiscriminator', channels=(4, 8, 8, 8)),
)


def optimisers(model, **kwargs):
    part = dict(optimizer=dict(type='SGD', lr=0.1), **kwargs)
    return build_optim_wrapper(
        model,
        dict(
            constructor='mmhand.MultiOptimWrapperConstructor',
            generator=part,
            discriminator=copy.deepcopy(part),
        ),
    )


def remover_batch(seed, count=2, size=64):
    generator = torch.Generator().manual_seed(seed)
    amodal, other, hidden = (torch.rand(3, count, 1, size, size, generator=generator) > 0.5).float()
    masks = torch.cat(hole_masks(amodal, amodal * hidden, other), 1).to(torch.uint8)
    pictures = torch.randint(0, 256, (2, count, 3, size, size), generator=generator)
    image, target = pictures.to(torch.uint8)
    return dict(
        inputs=[dict(image=image[i], target=target[i], masks=masks[i]) for i in range(count)],
        data_samples=[HandDataSample() for _ in range(count)],
    )


@pytest.fixture
def remover():
    torch.manual_seed(0)
    return MODELS.build(SMALL_REMOVER)


def test_preprocessor_erases_after_normalising(remover):
    batch = remover_batch(0)
    inputs = remover.data_preprocessor(batch, True)['inputs']
    first = batch['inputs'][0]
    hidden, taken, hand, background = first['masks'].float()
    mean, std = (getattr(remover.data_preprocessor, name) for name in ('mean', 'std'))
    picture = (first['image'].flip(0).float() - mean) / std
    expected = [picture * (1 - hidden), hand[None], picture * (1 - taken), background[None]]
    torch.testing.assert_close(inputs['image'][0], torch.cat(expected))
    assert torch.equal(inputs['mask'][0, :4], (1 - hidden).expand(4, -1, -1))
    assert torch.equal(inputs['mask'][0, 4:], (1 - taken).expand(4, -1, -1))
    with pytest.raises(HandDataError, match='masks'):
        remover.data_preprocessor(dict(inputs=[first['image']]))


def test_losses_reach_their_own_network_only(remover):
    inputs = remover.data_preprocessor(remover_batch(0), True)['inputs']
    samples = [HandDataSample() for _ in range(2)]

    def grads(*names):
        remover.zero_grad()
        losses = remover(inputs, samples, mode='loss')
        sum(losses[name] for name in names).backward()
        return [
            {n for n, p in part.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
            for part in (remover.generator, remover.discriminator)
        ]

    everything = {name for name, _ in remover.generator.named_parameters()}
    assert grads('loss_adv') == [everything, set()]
    judge = {name for name, _ in remover.discriminator.named_parameters()}
    assert grads('loss_discriminator') == [set(), judge]
    assert grads('loss_hole_removal', 'loss_valid') == [everything, set()]
    assert all(p.requires_grad for p in remover.parameters())
    with pytest.raises(HandDataError, match='target'):
        remover({k: v for k, v in inputs.items() if k != 'target'}, samples, mode='loss')


def test_train_step_is_the_released_order_of_updates(remover):
    """Both updates use the weights before the step and one power iteration per forward."""
    twin = copy.deepcopy(remover)
    batch = remover_batch(1)
    logs = remover.train_step(batch, optimisers(remover))
    inputs = twin.data_preprocessor(batch, True)['inputs']
    losses = twin(inputs, [HandDataSample()] * 2, mode='loss')
    judged = losses.pop('loss_discriminator')
    optimiser = {
        part: torch.optim.SGD(getattr(twin, part).parameters(), 0.1)
        for part in ('generator', 'discriminator')
    }
    for loss in (sum(losses.values()), judged):
        loss.backward()
    for one in optimiser.values():
        one.step()
    for (name, ours), theirs in zip(
        remover.state_dict().items(), twin.state_dict().values(), strict=True
    ):
        torch.testing.assert_close(ours, theirs, msg=name)
    assert logs['loss'].item() == pytest.approx(sum(losses.values()).item(), rel=1e-6)
    assert logs['loss_discriminator'].item() == pytest.approx(judged.item(), rel=1e-6)
    assert {'loss_adv', 'loss_tv'} <= set(logs)


def test_learning_fills_holes():
    torch.manual_seed(0)
    remover = MODELS.build({**SMALL_REMOVER, 'discriminator': None})
    optimiser = build_optim_wrapper(
        remover, dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=3e-3))
    )
    batch = remover_batch(0)
    for sample in batch['inputs']:
        sample['image'] = sample['target'] = torch.full_like(sample['image'], 200)
    first = remover.train_step(batch, optimiser)['loss']
    for _ in range(25):
        last = remover.train_step(batch, optimiser)['loss']
    assert last < 0.5 * first


def test_optimisers_that_do_not_fit_the_model_are_refused(remover):
    batch = remover_batch(0)
    single = build_optim_wrapper(remover, dict(optimizer=dict(type='SGD', lr=0.1)))
    with pytest.raises(HandConfigError, match='MultiOptimWrapperConstructor'):
        remover.train_step(batch, single)
    both = optimisers(remover)
    assert isinstance(both, OptimWrapperDict)
    with pytest.raises(HandConfigError, match='without discriminator'):
        MODELS.build({**SMALL_REMOVER, 'discriminator': None}).train_step(batch, both)
    missing = dict(constructor='mmhand.MultiOptimWrapperConstructor', critic=dict())
    with pytest.raises(HandConfigError, match='no "critic"'):
        build_optim_wrapper(remover, missing)


class HalfPrecision(OptimWrapper):
    """mmengine's ``AmpOptimWrapper`` refuses the CPU; this is its context."""

    @contextmanager
    def optim_context(self, model):
        with super().optim_context(model), torch.autocast('cpu', torch.bfloat16):
            yield


def test_mixed_precision_step_is_finite(remover):
    both = optimisers(remover, type=HalfPrecision)
    before = copy.deepcopy(remover.state_dict())
    logs = remover.train_step(remover_batch(0), both)
    assert all(torch.isfinite(value) for value in logs.values())
    assert all(value.isfinite().all() for value in remover.state_dict().values())
    moved = [k for k, v in remover.state_dict().items() if not torch.equal(before[k], v)]
    assert {key.split('.')[0] for key in moved} == {'generator', 'discriminator'}


@pytest.mark.parametrize('normalize', ['sum', 'ratio'])
def test_partial_convolution_in_mixed_precision(normalize):
    conv = MODELS.build(
        dict(
            type='PConvUNet',
            channels=(8, 8),
            encoder_attention={},
            decoder_attention={},
            normalize=normalize,
        )
    ).eval()
    image, mask = torch.rand(1, 8, 32, 32), (torch.rand(1, 8, 32, 32) > 0.3).float()
    with torch.no_grad():
        exact = conv(image, mask)
        with torch.autocast('cpu', dtype=torch.bfloat16):
            half = conv(image, mask)
    assert (half.float() - exact).abs().max() < 0.05 * exact.abs().max()


def train_in_one_process_of_two(rank, folder):
    store = dist.FileStore(f'{folder}/store', 2)
    dist.init_process_group('gloo', store=store, rank=rank, world_size=2)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = MMSeparateDistributedDataParallel(MODELS.build(SMALL_REMOVER))
    both = optimisers(model)
    for step in range(2):
        model.train_step(remover_batch(10 * step + rank), both)
    torch.save(model.module.state_dict(), f'{folder}/{rank}.pth')
    dist.destroy_process_group()


def test_two_processes_average_the_gradients_of_both_networks(tmp_path):
    command = [sys.executable, __file__, str(tmp_path)]
    environment = {**os.environ, 'CUDA_VISIBLE_DEVICES': ''}
    processes = [subprocess.Popen([*command, str(rank)], env=environment) for rank in range(2)]
    assert [process.wait(120) for process in processes] == [0, 0]
    first, second = (torch.load(tmp_path / f'{rank}.pth') for rank in range(2))
    statistics = ('running_mean', 'running_var')
    for key, value in first.items():
        if not key.endswith(statistics):
            assert torch.equal(value, second[key]), key
    assert any(not torch.equal(first[k], second[k]) for k in first if k.endswith(statistics))
    # By hand: the mean of both processes' gradients, from the same weights.
    torch.manual_seed(0)
    model = MODELS.build(SMALL_REMOVER)
    twins = [model, copy.deepcopy(model)]
    for step in range(2):
        for rank, twin in enumerate(twins):
            twin.zero_grad()
            inputs = twin.data_preprocessor(remover_batch(10 * step + rank), True)['inputs']
            sum(twin(inputs, [HandDataSample()] * 2, mode='loss').values()).backward()
        with torch.no_grad():
            for ours, theirs in zip(*(t.parameters() for t in twins), strict=True):
                mean = 0.5 * (ours.grad + theirs.grad)
                ours -= 0.1 * mean
                theirs -= 0.1 * mean
    for name, value in twins[0].named_parameters():
        wrapped = name.replace('generator.', 'generator.module.', 1)
        wrapped = wrapped.replace('discriminator.', 'discriminator.module.', 1)
        torch.testing.assert_close(first[wrapped], value, rtol=1e-4, atol=1e-6, msg=name)


SMALL_SEGMENTOR = dict(
    type='HandAmodalSegmentor',
    backbone=dict(
        type='mmseg.MixVisionTransformer',
        embed_dims=8,
        num_layers=[1, 1, 1, 1],
        num_heads=[1, 2, 4, 8],
    ),
    decode_head=dict(type='mmhand.AmodalSegHead', in_channels=[8, 16, 32, 64], channels=16),
)


def test_segmentor_trains_each_branch_on_its_plane():
    torch.manual_seed(0)
    model = MODELS.build(SMALL_SEGMENTOR)
    model.init_weights()
    labels = torch.zeros(4, 64, 64, dtype=torch.uint8)
    for index in range(4):
        labels[index, : 16 * index + 8] = 1
    labels[0, 0, :] = 255
    samples = [HandDataSample(gt_sem_seg=PixelData(data=labels)) for _ in range(2)]
    inputs = torch.rand(2, 3, 64, 64)
    losses = model(inputs, samples, mode='loss')
    assert set(losses) == {f'decode.{n}_{i}' for n in ('loss_ce', 'acc_seg') for i in range(4)}
    model.eval()
    losses = model(inputs, samples, mode='loss')
    logits = model.decode_head.upsample(model(inputs, mode='tensor')['seg_logits'], (64, 64))
    for branch, name in enumerate(model.decode_head.branches):
        label = labels[HAND_MASK_PLANES.index(name)].long().expand(2, -1, -1)
        ce = torch.nn.functional.cross_entropy(
            logits[:, branch], label, ignore_index=255, reduction='none'
        )
        torch.testing.assert_close(losses[f'decode.loss_ce_{branch}'], ce.mean())
    model.train()
    optimiser = torch.optim.AdamW(model.parameters(), 3e-3)
    for _ in range(60):
        losses = model(inputs, samples, mode='loss')
        optimiser.zero_grad()
        sum(v for k, v in losses.items() if 'loss' in k).backward()
        optimiser.step()
    assert all(p.grad is not None for p in model.parameters())
    model.eval()
    masks = model(inputs, [HandDataSample() for _ in range(2)], mode='predict')[0].pred_sem_seg.data
    assert masks.dtype == torch.uint8
    agreement = (masks == labels).float()[:, 1:].mean((1, 2))
    assert (agreement > 0.85).all(), agreement


def test_pose_estimator_trains_and_predicts_right_hands():
    torch.manual_seed(0)
    model = MODELS.build(
        dict(
            type='SingleHandPoseEstimator',
            backbone=dict(type='DetNetResNet', base_channels=8, depths=(1, 1, 1), out_channels=16),
            head=dict(
                type='DetNetHead',
                in_channels=16,
                hidden_channels=16,
                codec=dict(type='DetNetCodec', input_size=64, heatmap_size=16, sigma=1.0),
            ),
        )
    )
    hands = HandInstances(
        keypoints_2d=torch.rand(1, 21, 2) * 63,
        keypoints_3d=torch.randn(1, 21, 3),
        keypoint_valid=torch.ones(1, 21),
    )
    samples = [HandDataSample(gt_hands=hands) for _ in range(2)]
    inputs = torch.rand(2, 3, 64, 64)
    losses = model(inputs, samples, mode='loss')
    assert set(losses) == {'loss_heatmap', 'loss_delta', 'loss_location'}
    sum(losses.values()).backward()
    assert all(p.grad is not None for p in model.parameters())
    model.eval()
    raw = model(inputs, mode='tensor')
    assert raw['heatmaps'].shape == (2, 21, 16, 16)
    assert raw['delta_maps'].shape == raw['location_maps'].shape == (2, 21, 3, 16, 16)
    for row, sample in enumerate(model(inputs, samples, mode='predict')):
        assert sample.pred_hands.side.tolist() == [0]
        pixels = raw['uv'][row].flip(-1) * 4.0
        torch.testing.assert_close(sample.pred_hands.keypoints_2d[0], pixels)
        torch.testing.assert_close(sample.pred_hands.keypoints_bone[0], raw['keypoints_3d'][row])
    with pytest.raises(HandDataError, match='no annotated hand'):
        model(inputs, [HandDataSample(), samples[0]], mode='loss')


if __name__ == '__main__':
    train_in_one_process_of_two(int(sys.argv[2]), sys.argv[1])

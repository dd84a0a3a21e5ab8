"""The adversarial stage inside mmengine's Runner: logged, saved and resumed."""

import json
import shutil

import pytest
import torch
from mmengine.runner import Runner
from torch.utils.data import Dataset

from mmhand.engine import hooks  # noqa: F401  fills the registries
from mmhand.structures import HandDataSample


class Pictures(Dataset):
    """Random pictures and masks, the same for the same index."""

    def __len__(self):
        return 8

    def __getitem__(self, index):
        generator = torch.Generator().manual_seed(index)
        pictures = torch.randint(0, 256, (2, 3, 32, 32), generator=generator).to(torch.uint8)
        label = torch.randint(0, 3, (32, 32), generator=generator)
        masks = torch.stack([label == 0, label == 1, label == 2, label == 2])
        inputs = dict(image=pictures[0], target=pictures[1], masks=masks.to(torch.uint8))
        return dict(inputs=inputs, data_samples=HandDataSample())


def run(work_dir, iterations, resume=False):
    adam = dict(type='Adam', lr=1e-3)
    runner = Runner(
        model=dict(
            type='mmhand.HandDeocclusionRemover',
            generator=dict(
                type='PConvUNet', channels=(4, 8), encoder_attention={}, decoder_attention={}
            ),
            discriminator=dict(type='SNPatchDiscriminator', channels=(4, 4, 4, 4)),
        ),
        work_dir=str(work_dir),
        train_dataloader=dict(
            batch_size=2,
            num_workers=0,
            dataset=Pictures(),
            sampler=dict(type='InfiniteSampler', shuffle=False),
        ),
        train_cfg=dict(type='IterBasedTrainLoop', max_iters=iterations, val_interval=100),
        optim_wrapper=dict(
            constructor='mmhand.MultiOptimWrapperConstructor',
            generator=dict(optimizer=dict(adam)),
            discriminator=dict(optimizer=dict(adam, lr=1e-4, betas=(0.0, 0.9))),
        ),
        param_scheduler=dict(type='MultiStepLR', milestones=[2], gamma=0.1, by_epoch=False),
        default_hooks=dict(
            logger=dict(type='LoggerHook', interval=1),
            checkpoint=dict(type='CheckpointHook', interval=2, by_epoch=False),
        ),
        default_scope='mmhand',
        randomness=dict(seed=1),
        resume=resume,
        experiment_name=f'hdr-{work_dir.name}-{iterations}-{resume}',
    )
    runner.train()
    return runner


@pytest.fixture(scope='module')
def straight(tmp_path_factory):
    folder = tmp_path_factory.mktemp('straight')
    return run(folder, 4), folder


def test_both_networks_are_logged_and_follow_their_schedule(straight):
    runner, folder = straight
    (scalars,) = folder.glob('*/vis_data/scalars.json')
    lines = [json.loads(line) for line in scalars.read_text().splitlines()]
    assert len(lines) == 4
    for name in ('loss', 'loss_adv', 'loss_discriminator', 'loss_hole_removal', 'generator.lr'):
        assert all(name in line for line in lines), name
    # The logger writes the rate of the step before it.
    rates = [(line['generator.lr'], line['discriminator.lr']) for line in lines]
    assert rates[0] == pytest.approx((1e-3, 1e-4))
    assert rates[-1] == pytest.approx((1e-4, 1e-5))
    groups = runner.optim_wrapper.param_groups
    assert groups['discriminator'][0]['betas'] == (0.0, 0.9)
    counts = {name: sum(p.numel() for p in group[0]['params']) for name, group in groups.items()}
    for name, count in counts.items():
        assert count == sum(p.numel() for p in getattr(runner.model, name).parameters())


def test_a_stopped_run_goes_on_where_it_was(straight, tmp_path):
    runner, folder = straight
    shutil.copy(folder / 'iter_2.pth', tmp_path)
    (tmp_path / 'last_checkpoint').write_text(str(tmp_path / 'iter_2.pth'))
    resumed = run(tmp_path, 4, resume=True)
    for (key, ours), theirs in zip(
        resumed.model.state_dict().items(), runner.model.state_dict().values(), strict=True
    ):
        torch.testing.assert_close(ours, theirs, msg=key)
    for name in ('generator', 'discriminator'):
        ours, theirs = (r.optim_wrapper[name].state_dict()['state'] for r in (resumed, runner))
        assert ours.keys() == theirs.keys()
        assert ours[0]['step'] == theirs[0]['step'] == 4

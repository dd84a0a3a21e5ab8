"""mmhand's hooks, alone and in a Runner on a toy model."""

import os
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.fileio import get_file_backend
from mmengine.logging import MessageHub, MMLogger
from mmengine.runner.checkpoint import _load_checkpoint_to_model

from mmhand.engine.hooks import (
    ChannelsLastHook,
    FreezeHook,
    FreezeNormHook,
    HandCheckpointHook,
    ProgressBarHook,
)
from mmhand.utils.atomic_io import AtomicLocalBackend
from mmhand.utils.checkpoint import load_checkpoint, load_weights, plain_names
from mmhand.utils.errors import HandConfigError


class TestAtomicBackend:
    def test_a_failed_write_leaves_the_old_file(self, tmp_path, monkeypatch):
        backend, path = AtomicLocalBackend(), tmp_path / 'sub' / 'x.pth'
        backend.put(b'old', path)

        def break_off(fd):
            raise OSError('disk full')

        monkeypatch.setattr(os, 'fsync', break_off)
        with pytest.raises(OSError, match='disk full'):
            backend.put(b'new', path)
        assert path.read_bytes() == b'old'
        assert [entry.name for entry in path.parent.iterdir()] == ['x.pth']

    def test_files_have_the_usual_permissions(self, tmp_path):
        backend = get_file_backend(backend_args={'backend': 'mmhand_atomic'})
        backend.put_text('text', tmp_path / 'a')
        (tmp_path / 'b').write_text('text')
        assert (tmp_path / 'a').stat().st_mode == (tmp_path / 'b').stat().st_mode


def test_old_checkpoint_goes_only_after_the_new_one_is_there(toy, monkeypatch):
    """With one kept, a kill during a save must not leave none."""
    seen = []
    real = AtomicLocalBackend.put

    def put(self, obj, filepath):
        if 'epoch_' in Path(filepath).name and 'best' not in Path(filepath).name:
            seen.append(sorted(p.name for p in Path(filepath).parent.glob('epoch_*.pth')))
        real(self, obj, filepath)

    monkeypatch.setattr(AtomicLocalBackend, 'put', put)
    toy.run(
        *('tools/train.py', toy.config, '--work-dir', 'run', '--no-validate', '--cfg-options'),
        *('default_hooks.checkpoint.max_keep_ckpts=1', 'train_cfg.max_epochs=3'),
    )
    assert seen == [[], ['epoch_1.pth'], ['epoch_2.pth']]
    assert [p.name for p in (toy.folder / 'run').glob('epoch_*.pth')] == ['epoch_3.pth']


def test_mismatched_head_can_be_skipped(toy):
    torch.save({'conv.bias': torch.ones(4), 'head.bias': torch.ones(5)}, toy.folder / 'w.pth')
    options = ['load_from=w.pth', 'optim_wrapper.optimizer.lr=0.0']
    line = toy.fails('tools/train.py', toy.config, '--cfg-options', *options)
    assert '"head.bias" of shape (5,)' in line
    options.append('default_hooks.checkpoint.skip_mismatched=True')
    toy.run('tools/train.py', toy.config, '--work-dir', 'run', '--cfg-options', *options)
    trained = load_checkpoint(toy.folder / 'run' / 'epoch_2.pth')['state_dict']
    assert torch.equal(trained['conv.bias'], torch.ones(4))


def test_hook_is_mmengines_checkpoint_hook_otherwise():
    hook = HandCheckpointHook(interval=3, max_keep_ckpts=2, save_best='a', rule='less')
    assert (hook.interval, hook.max_keep_ckpts, hook.key_indicators) == (3, 2, ['a'])


class TestFreezeNorm:
    def runner(self):
        model = torch.nn.Sequential()
        model.add_module('backbone', torch.nn.BatchNorm1d(3))
        model.add_module('head', torch.nn.BatchNorm1d(3))
        return SimpleNamespace(model=model, logger=MMLogger.get_instance('test-freeze'))

    @pytest.mark.parametrize(
        ('prefix', 'frozen'), [('', (True, True)), ('backbone', (True, False))]
    )
    def test_statistics_stay_while_training(self, prefix, frozen):
        runner, hook = self.runner(), FreezeHook([prefix], weights=False)
        hook.before_train(runner)
        runner.model.train()
        hook.before_train_iter(runner, 0)
        runner.model(torch.randn(8, 3) + 5)
        for layer, still in zip(runner.model, frozen, strict=True):
            assert torch.equal(layer.running_mean, torch.zeros(3)) == still

    @pytest.mark.parametrize('norm', ['eval', 'train'])
    def test_weights_stay(self, norm):
        runner, hook = self.runner(), FreezeHook(['backbone'], norm)
        hook.before_train(runner)
        runner.model.train()
        hook.before_train_iter(runner, 0)
        runner.model(torch.randn(8, 3) + 5).square().mean().backward()
        assert runner.model.backbone.weight.grad is None
        assert runner.model.head.weight.grad is not None
        assert runner.model.backbone.training == (norm == 'train')
        assert runner.model.head.training

    def test_mistakes_and_the_former_name(self):
        with pytest.raises(HandConfigError, match='no part "neck"; its parts: backbone, head'):
            FreezeHook(['neck']).before_train(self.runner())
        with pytest.raises(HandConfigError, match='norm is "off", not one of eval, train'):
            FreezeHook(['head'], 'off').before_train(self.runner())
        with pytest.warns(DeprecationWarning, match='FreezeHook'):
            hook = FreezeNormHook('backbone.')
        assert (hook.parts, hook.norm, hook.weights) == (('backbone',), 'eval', False)

    def test_in_a_run(self, toy):
        config = toy.write_config(
            'frozen', "custom_hooks = [dict(type='FreezeHook', weights=False)]"
        )
        for name, path in (('frozen', config), ('free', toy.config)):
            toy.run('tools/train.py', path, '--work-dir', name)
            end = load_checkpoint(toy.folder / name / 'epoch_2.pth')['state_dict']
            still = torch.equal(end['norm.running_mean'], torch.zeros(4))
            assert still == (name == 'frozen')


def test_channels_last_changes_the_layout_and_no_number(toy):
    model = torch.nn.Conv2d(3, 4, 3)
    before, image = model.weight.detach().clone(), torch.randn(2, 3, 8, 8)
    expected = model(image)
    ChannelsLastHook().before_train(SimpleNamespace(model=model))
    assert model.weight.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(model.weight, before)
    torch.testing.assert_close(model(image), expected)
    config = toy.write_config('last', "custom_hooks = [dict(type='ChannelsLastHook')]")
    toy.run('tools/train.py', config, '--work-dir', 'run')
    end = load_checkpoint(toy.folder / 'run' / 'epoch_2.pth')['state_dict']
    assert end['conv.weight'].is_contiguous(memory_format=torch.channels_last)


class TestProgressBar:
    def test_draws_when_asked_and_leaves_the_log_readable(self, toy):
        done = toy.run(
            *('tools/train.py', toy.config, '--cfg-options'),
            'default_hooks.progress.enable=True',
        )
        assert re.search(r'train.*4/4', done.stderr)
        assert 'loss 0.' in done.stderr
        assert '\x1b[?25h' in done.stderr, 'the cursor is given back'
        assert 'Saving checkpoint at 2 epochs' in done.stdout + done.stderr

    def test_stays_silent_where_there_is_no_terminal(self, toy):
        done = toy.run('tools/test.py', toy.config, 'none')
        assert '\x1b[' not in done.stderr

    def test_bars_of_validation_and_test_come_and_go(self):
        hub = MessageHub('test-progress')
        hub.update_scalar('train/loss', 2.0)
        runner = SimpleNamespace(
            logger=MMLogger.get_instance('test-progress'),
            message_hub=hub,
            iter=4,
            max_iters=10,
            val_dataloader=range(3),
            test_dataloader=range(2),
        )
        hook = ProgressBarHook(enable=True)
        hook.after_train_iter(runner, 0)
        hook.after_val_iter(runner, 0)
        assert {task.description for task in hook._progress.tasks} == {'train', 'val'}
        assert hook._progress.tasks[0].completed == 5
        hook.after_val_epoch(runner)
        hook.after_test_iter(runner, 0)
        hook.after_test_epoch(runner)
        assert [task.description for task in hook._progress.tasks] == ['train']
        hook.after_run(runner)
        hook.close()
        assert hook._progress is None


class TestVisualizationHook:
    def test_without_a_folder_pictures_go_to_the_backends(self, toy):
        toy.run(
            *('tools/train.py', toy.config, '--work-dir', 'run', '--cfg-options'),
            *('default_hooks.visualization.enable=True', 'train_cfg.max_epochs=1'),
            'default_hooks.visualization.max_samples=2',
        )
        images = list((toy.folder / 'run').glob('*/vis_data/vis_image/*.png'))
        assert sorted(path.name for path in images) == [
            'val_epoch_1_toy_0_1.png',
            'val_epoch_1_toy_1_1.png',
        ]

    def test_unreadable_picture_is_skipped_with_a_warning(self, toy, monkeypatch):
        from mmhand.engine.hooks import visualization_hook

        monkeypatch.setattr(visualization_hook, 'sample_image', lambda sample: None)
        done = toy.run('tools/test.py', toy.config, 'none', '--show-dir', 'pictures')
        assert 'data/0.png cannot be read and is not drawn' in done.stdout
        assert not list((toy.folder / 'pictures').rglob('*.jpg'))

    def test_another_visualizer_can_be_configured(self, toy):
        config = toy.write_config('plain', "visualizer = dict(_delete_=True, type='Visualizer')")
        toy.run('tools/test.py', config, 'none', '--show-dir', 'pictures')
        assert len(list((toy.folder / 'pictures' / 'test').iterdir())) == 8


class TestWrappedParts:
    """Two optimisers: each part of a model is wrapped by itself in distributed training."""

    @pytest.fixture
    def models(self):
        plain = torch.nn.ModuleDict({'generator': torch.nn.Linear(2, 2), 'judge': torch.nn.ReLU()})
        wrapped = torch.nn.ModuleDict(plain)
        wrapped['generator'] = torch.nn.DataParallel(plain['generator'])
        return plain, wrapped

    def test_checkpoints_name_weights_as_one_process_does(self, models):
        plain, wrapped = models
        assert 'generator.module.weight' in wrapped.state_dict()
        for model in models:
            for state in (plain.state_dict(), wrapped.state_dict()):
                assert list(plain_names(model, state)) == list(plain.state_dict())

    @pytest.mark.parametrize('saved_by', [0, 1])
    @pytest.mark.parametrize('loaded_by', [0, 1])
    def test_weights_arrive_however_many_processes_saved_them(self, models, saved_by, loaded_by):
        """Through the hook and mmengine's loader, as a Runner takes them."""
        checkpoint = dict(meta={}, state_dict=dict(models[saved_by].state_dict()))
        HandCheckpointHook().before_save_checkpoint(
            SimpleNamespace(model=models[saved_by]), checkpoint
        )
        saved = {name: value + 1 for name, value in checkpoint['state_dict'].items()}
        checkpoint['state_dict'] = saved
        runner = SimpleNamespace(model=models[loaded_by], _load_from='a.pth', _resume=False)
        HandCheckpointHook().after_load_checkpoint(runner, checkpoint)
        _load_checkpoint_to_model(models[loaded_by], checkpoint, strict=True)
        assert torch.equal(models[0]['generator'].weight, saved['generator.weight'])

    def test_files_that_mmengine_saved_load_in_one_process(self, models, tmp_path):
        plain, wrapped = models
        state = {name: torch.ones_like(value) for name, value in wrapped.state_dict().items()}
        torch.save(dict(state_dict=state), tmp_path / 'a.pth')
        load_weights(plain, tmp_path / 'a.pth')
        assert bool((plain['generator'].weight == 1).all())

"""HDR's commands on a tiny synthetic set: masks, the gain table, training in two processes."""

import contextlib
import importlib.util
import json
import os
import signal
import subprocess
import sys

import cv2
import numpy as np
import pytest
import torch

from mmhand.synthesis import generate_dataset, get_writer
from mmhand.utils.errors import HandFileError


@pytest.fixture(scope='module')
def sets(tmp_path_factory):
    folder = tmp_path_factory.mktemp('sets')
    for name, counts in (
        ('interhand', dict(train=6, val=2, test=2)),
        ('aih', dict(train=4, val=2)),
    ):
        kind = get_writer(name)
        settings = dict(captures=1, views=2, image_size=(96, 96), occluder_prob=0.0)
        if name == 'interhand':
            settings.update(hands='interacting', forearms=False)
        config = kind.make_config(**settings)
        generate_dataset(kind(folder / name, config, 3), counts, progress=False)
    return folder


def run(repo, cwd, tool, *args, check=True):
    start = ['bash'] if tool.endswith('.sh') else [sys.executable]
    env = {
        **os.environ,
        'PYTHONPATH': str(repo),
        'PYTHON': sys.executable,
        'OMP_NUM_THREADS': '1',
        'CUDA_VISIBLE_DEVICES': '-1',
    }
    done = subprocess.run(
        [*start, str(repo / tool), *map(str, args)],
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert not check or done.returncode == 0, done.stderr[-3000:]
    return done


def load_tool(repo, path):
    spec = importlib.util.spec_from_file_location(path.replace('/', '_'), repo / f'tools/{path}.py')
    module = importlib.util.module_from_spec(spec)
    # Worker processes are told functions by the names of their modules.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_fitted_hands_become_the_masks_they_were_rendered_with(repo, sets, tmp_path, capsys):
    tool = load_tool(repo, 'dataset_converters/interhand_masks')

    def convert(root):
        try:
            tool.main([str(root), *options.split()])
        except SystemExit as stop:
            return stop.code or 0
        return 0

    options = f'--splits test --out {tmp_path} --workers 1 --quiet'
    assert convert(sets / 'interhand') == 0
    assert '2 masks made, 0 kept' in capsys.readouterr().out
    made = sorted(tmp_path.rglob('*.png'))
    assert len(made) == 2
    truth = sets / 'interhand' / 'masks'
    for path in made:
        ours, theirs = (
            cv2.imread(str(folder / path.relative_to(tmp_path)), cv2.IMREAD_UNCHANGED)
            for folder in (tmp_path, truth)
        )
        for plane in range(4):
            a, b = (ours >> plane) & 1, (theirs >> plane) & 1
            assert (a & b).sum() > 0.9 * (a | b).sum()
    made[0].unlink()
    assert convert(sets / 'interhand') == 0
    assert '1 masks made, 1 kept' in capsys.readouterr().out
    assert convert(tmp_path / 'none') == 2
    message = capsys.readouterr().err
    assert message.startswith('error: ')
    assert len(message.splitlines()) == 1


def masks_of(tool, root, out, workers, capsys):
    """Convert; the exit status, what was said, and the files' bytes."""
    options = f'--splits train --out {out} --workers {workers} --quiet'
    with pytest.raises(SystemExit) as stop:
        tool.main([str(root), *options.split()])
    files = {p.relative_to(out): p.read_bytes() for p in out.rglob('*') if p.is_file()}
    said = capsys.readouterr()
    return stop.value.code or 0, said.out + said.err, files


def test_masks_are_the_same_from_any_number_of_workers(repo, sets, tmp_path, capsys):
    tool, root = load_tool(repo, 'dataset_converters/interhand_masks'), sets / 'interhand'
    status, said, alone = masks_of(tool, root, tmp_path / 'alone', 1, capsys)
    assert status == 0
    assert '6 masks made' in said
    _, said, shared = masks_of(tool, root, tmp_path / 'shared', 3, capsys)
    assert '6 masks made, 0 kept' in said
    assert shared == alone
    _, said, again = masks_of(tool, root, tmp_path / 'shared', 2, capsys)
    assert '0 masks made, 6 kept' in said
    assert again == alone


def test_a_worker_that_is_killed_ends_the_run_in_one_line(
    repo, sets, tmp_path, capsys, monkeypatch
):
    tool, root = load_tool(repo, 'dataset_converters/interhand_masks'), sets / 'interhand'
    render = tool.MaskRenderer.render

    def render_or_die(self, info, size):
        if any(tmp_path.rglob('*.png')):
            os.kill(os.getpid(), signal.SIGKILL)
        return render(self, info, size)

    monkeypatch.setattr(tool.MaskRenderer, 'render', render_or_die)
    status, said, files = masks_of(tool, root, tmp_path, 2, capsys)
    assert status == 2
    assert 'error: one of 2 workers was killed' in said.splitlines()[-1]
    monkeypatch.setattr(tool.MaskRenderer, 'render', render)
    _, said, _ = masks_of(tool, root, tmp_path, 2, capsys)
    assert f'{6 - len(files)} masks made, {len(files)} kept' in said


def test_a_workers_error_is_the_runs(repo, sets, tmp_path, capsys, monkeypatch):
    tool, root = load_tool(repo, 'dataset_converters/interhand_masks'), sets / 'interhand'
    monkeypatch.setattr(tool.MaskRenderer, '_size', lambda self, path: cv2.imread('none').shape)
    with pytest.raises(AttributeError):
        tool.main([str(root), *f'--splits train --out {tmp_path} --workers 2 --quiet'.split()])

    def unreadable(self, path):
        raise HandFileError(f'cannot read image {path}')

    monkeypatch.setattr(tool.MaskRenderer, '_size', unreadable)
    status, said, _ = masks_of(tool, root, tmp_path, 2, capsys)
    assert status == 2
    assert said.splitlines()[-1].startswith('error: cannot read image')


def test_a_killed_run_goes_on_where_it_stopped(repo, sets, tmp_path, capsys):
    """The parent is killed while a file is half written; its workers end by themselves."""
    out, root = tmp_path / 'masks', sets / 'interhand'
    script = tmp_path / 'killed.py'
    script.write_text(
        'import os, runpy, signal, sys, time\n'
        'tool, out = sys.argv[1:3]\n'
        'replace = os.replace\n'
        'def replace_or_kill(source, target):\n'
        '    made = [f for _, _, files in os.walk(out) for f in files if f.endswith(".png")]\n'
        '    if out in str(target) and len(made) >= 2:\n'
        '        os.kill(os.getppid(), signal.SIGKILL)\n'
        '        time.sleep(600)\n'
        '    replace(source, target)\n'
        'os.replace = replace_or_kill\n'
        'sys.argv = [tool, *sys.argv[3:]]\n'
        "runpy.run_path(tool, run_name='__main__')\n"
    )
    tool = repo / 'tools/dataset_converters/interhand_masks.py'
    arguments = [str(root), '--splits', 'train', '--out-dir', str(out), '--workers', '2', '--quiet']
    # The pipes end when all processes that hold them have ended.
    done = subprocess.run(
        [sys.executable, str(script), str(tool), str(out), *arguments],
        env={**os.environ, 'PYTHONPATH': str(repo), 'OMP_NUM_THREADS': '1'},
        capture_output=True,
        timeout=240,
    )
    assert done.returncode == -signal.SIGKILL
    assert len(list(out.rglob('*.png'))) == 2
    assert list(out.rglob('.*.partial'))
    tool = load_tool(repo, 'dataset_converters/interhand_masks')
    _, said, files = masks_of(tool, root, out, 2, capsys)
    assert '4 masks made, 2 kept' in said
    _, _, alone = masks_of(tool, root, tmp_path / 'alone', 1, capsys)
    assert files == alone


SMALL = dict(
    remover=(
        'hdr_hdrm_cpu_aih',
        'aih',
        {
            'model.generator.channels': '[8,8,8,8,8]',
            'model.discriminator.channels': '[4,4,4,4]',
        },
    ),
    pose=('hdr_cpu_interhand', 'interhand', {}),
)


@pytest.mark.parametrize('stage', SMALL)
def test_two_processes_end_with_one_model(repo, sets, tmp_path, stage):
    """Both processes see other samples and hold the same weights after their steps."""
    name, data, options = SMALL[stage]
    probe = tmp_path / 'probe.py'
    probe.write_text(
        'import os, torch\n'
        'from mmengine.hooks import Hook\n'
        'from mmengine.registry import HOOKS\n'
        '@HOOKS.register_module()\n'
        'class Probe(Hook):\n'
        '    seen = ()\n'
        '    def before_train_iter(self, runner, batch_idx, data_batch=None):\n'
        "        self.seen += tuple(s.sample_id for s in data_batch['data_samples'])\n"
        '    def after_train(self, runner):\n'
        "        rank = os.environ['RANK']\n"
        '        state = dict(runner.model.named_parameters())\n'
        '        state = {k: v.detach().clone() for k, v in state.items()}\n'
        '        wrapped = type(runner.model).__name__\n'
        '        out = dict(state=state, seen=self.seen, wrapped=wrapped)\n'
        "        torch.save(out, f'rank{rank}.pt')\n"
    )
    config = tmp_path / 'config.py'
    config.write_text(
        f"_base_ = ['{repo}/configs/hdr/{name}.py']\n"
        "custom_imports = dict(imports=['probe'])\n"
        "custom_hooks = [dict(type='mmengine.Probe')]\n"
    )
    common = {
        'train_cfg.max_iters': 2,
        'train_cfg.val_interval': 100,
        'train_dataloader.batch_size': 1,
        'train_dataloader.num_workers': 0,
        'train_dataloader.persistent_workers': False,
        'env_cfg.dist_cfg.backend': 'gloo',
        'default_hooks.checkpoint.interval': 2,
    }
    if stage == 'pose':
        common |= {
            f'model.{part}.init_cfg': None for part in ('segmentor', 'remover', 'pose_estimator')
        }
    run_distributed(repo, tmp_path, config, sets / data, {**common, **options})
    first, second = (torch.load(tmp_path / f'rank{rank}.pt', weights_only=False) for rank in (0, 1))
    assert not set(first['seen']) & set(second['seen'])
    assert (
        first['wrapped']
        == dict(remover='MMSeparateDistributedDataParallel', pose='MMDistributedDataParallel')[
            stage
        ]
    )
    assert first['state'].keys() == second['state'].keys()
    for key, value in first['state'].items():
        assert torch.equal(value, second['state'][key]), key
    saved = torch.load(tmp_path / 'work' / 'iter_2.pth', weights_only=False)
    if stage == 'remover':
        assert set(saved['optimizer']) == {'generator', 'discriminator'}


def run_distributed(repo, cwd, config, data, options):
    env = {
        **os.environ,
        'PYTHONPATH': os.pathsep.join([str(cwd), str(repo)]),
        'PYTHON': sys.executable,
        'OMP_NUM_THREADS': '1',
        'CUDA_VISIBLE_DEVICES': '-1',
    }
    pairs = [f'{key}={value}' for key, value in options.items()]
    done = subprocess.run(
        [
            *('bash', str(repo / 'tools' / 'dist_train.sh'), str(config), '2'),
            *('--work-dir', str(cwd / 'work'), '--data-root', str(data), '--seed', '0'),
            *('--cfg-options', *pairs),
        ],
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]


@pytest.mark.parametrize('weights', ['none', 'hdr_cpu_interhand'])
def test_gain_table_has_both_columns(repo, sets, tmp_path, weights):
    stages = ('segmentor', 'remover', 'pose_estimator')
    # Whole weights, as ship with the package, need no stage's own.
    options = [f'model.{stage}.init_cfg=None' for stage in stages if weights == 'none']
    done = run(
        *(repo, tmp_path, 'tools/hdr/hdr_gain.py'),
        *(repo / 'configs/hdr/hdr_cpu_interhand.py', weights, '--out', 'gain.json', '--ablate'),
        *('--data-root', sets / 'interhand', '--cfg-options', *options),
        *('test_dataloader.num_workers=0', 'test_dataloader.persistent_workers=False'),
    )
    results = json.loads((tmp_path / 'gain.json').read_text())['results']
    assert list(results) == ['without', 'no removal', 'no de-occlusion', 'HDR']
    for metrics in results.values():
        assert np.isfinite(metrics['hdr/MPJPE_interacting'])
        assert np.isfinite(metrics['internet/MRRPE'])
    row = next(line for line in done.stdout.splitlines() if line.startswith('hdr/MPJPE_all'))
    cells = [float(cell) for cell in row.split()[1:]]
    assert cells[-1] == pytest.approx(cells[0] - cells[-2], abs=2e-3)


def test_gain_of_other_models_is_refused(repo, monkeypatch, capsys):
    wrong = repo / 'configs/hdr/hdr_shpe_cpu_interhand.py'
    monkeypatch.setattr(sys, 'argv', ['hdr_gain.py', str(wrong), 'none'])
    with pytest.raises(SystemExit) as stop:
        load_tool(repo, 'hdr/hdr_gain').main()
    assert stop.value.code == 2
    assert 'whole pipeline' in capsys.readouterr().err


def test_aih_is_drawn_without_a_window(repo, sets, tmp_path, capsys):
    tool, sheet = load_tool(repo, 'hdr/browse_aih'), tmp_path / 'sheet.png'
    arguments = [str(sets / 'aih'), '--size', '64', '--every', '4', '--out', str(sheet)]
    with contextlib.suppress(SystemExit):
        tool.main(arguments)
    lines = capsys.readouterr().out.splitlines()
    # Before the table the log tells of the annotation cache.
    lines = lines[next(i for i, line in enumerate(lines) if line.startswith('syn ')) :]
    counts = [int(line.split()[-1]) for line in lines[:6]]
    assert lines[6] == f'train: {sum(counts)} samples'
    picture = cv2.imread(str(sheet))
    rows = -(-sum(counts) // 4)
    assert picture.shape == (64 * rows, 64 * 7, 3)
    masks = picture[:, 64 * 3 :]
    # The label is written over the first three pictures of a row only.
    assert set(np.unique(masks[20:64])) <= {0, 255}
    with pytest.raises(SystemExit) as stop:
        tool.main([str(sets / 'aih'), '--num', '0'])
    assert stop.value.code == 2

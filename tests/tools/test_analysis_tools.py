"""The commands that look at configs, models and logs."""

import json
import re
import runpy

import cv2
import numpy as np
import pytest
import torch

from mmhand.evaluation.metrics import HandPoseMetric
from mmhand.structures import HandDataSample, HandInstances

NAME = 'internet_r18_cpu_interhand'


@pytest.fixture(scope='module')
def counts():
    """What the model's own layers say."""
    from mmhand.apis import init_model

    model = init_model(NAME)
    return sum(p.numel() for p in model.parameters())


class TestPrintConfig:
    TOOL = 'tools/analysis_tools/print_config.py'

    def test_whole_part_and_hash(self, toy):
        text = toy.run(self.TOOL, toy.config, '--cfg-options', 'model.width=7').stdout
        assert "model = dict(type='ToyEstimator', width=7)" in text
        assert toy.run(self.TOOL, toy.config, '--key', 'model.type').stdout == '"ToyEstimator"\n'
        part = toy.run(self.TOOL, toy.config, '--key', 'default_hooks.checkpoint').stdout
        assert "save_best = 'toy/MPJPE'" in part
        hashes = [
            toy.run(self.TOOL, toy.config, '--hash', *more).stdout
            for more in ((), ('--cfg-options', 'work_dir=x'), ('--cfg-options', 'model.width=7'))
        ]
        assert hashes[0] == hashes[1] != hashes[2]

    def test_names(self, toy):
        assert f'internet/{NAME}' in toy.run(self.TOOL).stdout.split()

    def test_unknown_section_says_what_there_is(self, toy):
        line = toy.fails(self.TOOL, toy.config, '--key', 'default_hooks.chekpoint')
        assert re.search('at "chekpoint" there is .*checkpoint', line)
        assert 'has no' in toy.fails(self.TOOL, toy.config, '--key', 'param_scheduler.5')


class TestGetFlops:
    TOOL = 'tools/analysis_tools/get_flops.py'

    def test_parameters_and_work_of_a_model(self, toy, counts):
        text = toy.run(self.TOOL, NAME, '--table').stdout
        assert f'{counts:,}' in text
        assert 'image (3, 128, 128)' in text
        assert 'backbone' in text

    def test_toy_numbers_are_exact(self, toy):
        text = toy.run(self.TOOL, toy.config, '--input-shape', '32').stdout
        # 8 x 8 pixels of 4 channels: from 3 x 3 x 3 values, and scaled and shifted by the
        # normalisation; then a linear layer.
        assert f'{8 * 8 * 4 * (27 + 2) + 256 * 63:,} (' in text
        assert '16,311 (16,311 trained)' in text
        for shape in ('32,32', '3,32,32'):
            same = toy.run(self.TOOL, toy.config, '--input-shape', shape).stdout
            # Above these lines stands mmengine's log, with the time of day.
            assert same.splitlines()[-5:] == text.splitlines()[-5:]

    def test_mistakes_end_in_one_line(self, toy):
        assert 'states no input_size' in toy.fails(self.TOOL, toy.config)
        for shape in ('3x4', '1,2,3,4', 'a:b'):
            assert 'is not C,H,W' in toy.fails(self.TOOL, toy.config, '--input-shape', shape)
        assert 'need names' in toy.fails(self.TOOL, toy.config, '--input-shape', '32', '64')


class TestLogs:
    @pytest.fixture
    def trained(self, toy):
        toy.run('tools/train.py', toy.config, '--work-dir', 'run')
        return toy

    def test_numbers_and_plots(self, trained):
        tool = 'tools/analysis_tools/analyze_logs.py'
        text = trained.run(tool, 'run').stdout
        line = next(line for line in text.splitlines() if 'toy/MPJPE' in line)
        logged = next((trained.folder / 'run').glob('*/vis_data/scalars.json')).read_text()
        values = [json.loads(entry).get('toy/MPJPE') for entry in logged.splitlines()]
        values = [value for value in values if value is not None]
        assert float(line.split()[-3]) == pytest.approx(values[-1], rel=1e-4)
        assert float(line.split()[-2]) == pytest.approx(min(values), rel=1e-4)
        trained.run(tool, 'run', '--keys', 'loss*', '--out', 'plots/loss.svg', '--log-scale')
        drawn = (trained.folder / 'plots/loss.svg').read_text()
        assert '>loss_joints</text>' in drawn
        trained.run(tool, 'run', '--keys', 'MPJPE', '--out', 'val.png')
        trained.run(tool, 'run', 'run/', '--out', 'two.png')
        assert (trained.folder / 'two.png').is_file()
        assert 'no curve fits PVE; there are loss' in trained.fails(
            tool, 'run', '--keys', 'PVE', '--out', 'x.png'
        )
        assert 'holds no log' in trained.fails(tool, 'data')

    def test_report(self, trained):
        trained.run(
            *('tools/test.py', trained.config, 'run/epoch_2.pth', '--work-dir', 'tested'),
            *('--out', 'r.json', '--show-dir', 'pictures'),
        )
        tool = 'tools/analysis_tools/make_report.py'
        done = trained.run(
            *(tool, 'run', '--out', 'out/report.html', '--results', 'r.json'),
            *('--pictures', 'pictures', '--max-pictures', 3, '--title', 'Toy'),
        )
        assert 'written to out/report.html' in done.stdout
        text = (trained.folder / 'out/report.html').read_text()
        assert '<h1>Toy</h1>' in text
        assert text.count('data:image/jpeg') == 3
        assert 'toy-root-none' in text
        assert 'does not exist' in trained.fails(tool, 'gone')


class TestPlotPck:
    TOOL = 'tools/analysis_tools/plot_pck.py'

    @pytest.fixture
    def plot(self, repo, tmp_path, capsys):
        """Run the tool in this process; its exit status, and what it said."""
        module = runpy.run_path(str(repo / self.TOOL))

        def run(*args):
            capsys.readouterr()
            with pytest.raises(SystemExit) as stop:
                module['main']([str(arg) for arg in args])
            said = capsys.readouterr()
            return stop.value.code, said.out + said.err

        return run

    @pytest.fixture
    def records(self, tmp_path):
        """A metric's file, and its numbers."""
        rng = np.random.default_rng(0)
        metric = HandPoseMetric('twohand', dump_path=str(tmp_path / 'mine.npz'))
        samples = []
        for number in range(5):
            sample = HandDataSample(metainfo=dict(sample_id=str(number), hand_type='interacting'))
            joints, mesh = rng.normal(scale=0.05, size=(2, 21, 3)), rng.normal(size=(2, 9, 3))
            pair = dict(side=torch.arange(2))
            sample.gt_hands = HandInstances(
                **pair,
                keypoints_3d=torch.from_numpy(joints),
                vertices=torch.from_numpy(0.05 * mesh),
                mano_valid=torch.ones(2),
            )
            sample.pred_hands = HandInstances(
                **pair,
                keypoints_3d=torch.from_numpy(joints + rng.normal(scale=0.01, size=joints.shape)),
                vertices=torch.from_numpy(0.05 * mesh + rng.normal(scale=0.01, size=mesh.shape)),
            )
            samples.append(sample)
        metric.process(None, samples)
        return tmp_path / 'mine.npz', metric.evaluate(5)

    def test_areas_are_the_metrics(self, plot, records, tmp_path):
        path, numbers = records
        for points, name in (('joints', 'AUC_J'), ('vertices', 'AUC_V')):
            out = tmp_path / f'{points}.svg'
            status, said = plot(path, '--points', points, '--out', out)
            assert status in (None, 0)
            label = f'mine (AUC {numbers[f"twohand/{name}"]:.3f})'
            assert label in said
            assert f'PCK, {label}' in out.read_text()
            assert f'share of {points}' in out.read_text()

    def test_several_curves_have_a_legend(self, plot, records, tmp_path):
        path, _ = records
        out = tmp_path / 'two.svg'
        plot(path, path, '--names', 'one', 'two', '--max', 30, '--out', out)
        text = out.read_text()
        assert text.count('one (AUC') == text.count('two (AUC') == 1
        plot(path, path, '--names', 'one', 'two', '--out', tmp_path / 'two.png')
        assert cv2.imread(str(tmp_path / 'two.png')).std() > 10

    def test_mistakes_end_in_one_line(self, plot, records, tmp_path):
        path, _ = records
        np.savez(tmp_path / 'other.npz', a=np.zeros(3))
        (tmp_path / 'text.npz').write_text('text')
        for args, message in (
            (('gone.npz',), 'gone.npz: cannot be read'),
            ((tmp_path / 'text.npz',), 'text.npz: cannot be read'),
            ((tmp_path / 'other.npz',), 'holds no records'),
            ((path, '--alignment', 'PA'), "no joint of alignment 'PA'; it has ''"),
            ((path, '--hands', 'single'), 'no samples of single hands'),
            ((path, '--points', 'vertices', '--steps', 100), 'give --steps 200'),
            ((path, '--names', 'a', 'b'), '1 record files and 2 names'),
        ):
            status, said = plot(*args, '--out', tmp_path / 'x.svg')
            assert status
            assert message in said
            assert said.count('\n') == 1

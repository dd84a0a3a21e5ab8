"""Logs are read, plotted and reported."""

import html.parser
import json
import re

import cv2
import numpy as np
import pytest

from mmhand.utils.errors import HandFileError
from mmhand.visualization import HtmlReport, build_run_report, plot_curves, read_log, save_figure
from mmhand.visualization.plots import figure_svg
from mmhand.visualization.run_log import best


def write_lines(folder, entries, cut=''):
    path = folder / 'vis_data' / 'scalars.json'
    path.parent.mkdir(parents=True)
    path.write_text('\n'.join(json.dumps(entry) for entry in entries) + '\n' + cut)
    return path


def train(step, loss, epoch=1):
    return {'lr': 0.1, 'loss': loss, 'loss_a': loss / 2, 'epoch': epoch, 'iter': step, 'step': step}


@pytest.fixture
def work_dir(tmp_path):
    """Two runs: the second was resumed after step 2 of the first, which was killed."""
    run = tmp_path / 'run'
    write_lines(
        run / '20260101_000000',
        [
            train(1, 4.0),
            train(2, 3.0),
            {'m/MPJPE': 30.0, 'm/AUC': 0.5, 'step': 1},
            train(3, 9.0, 2),
        ],
        cut='{"loss": 8.0, "lr',
    )
    write_lines(
        run / '20260102_000000',
        [train(3, 2.0, 2), train(4, 1.0, 2), {'m/MPJPE': 20.0, 'm/AUC': 0.4, 'step': 2}],
    )
    return run


class TestRunLog:
    def test_resumed_runs_are_joined(self, work_dir):
        log = read_log(work_dir)
        assert log.train['loss'] == ([1, 2, 3, 4], [4.0, 3.0, 2.0, 1.0])
        assert log.val['m/MPJPE'] == ([1, 2], [30.0, 20.0])
        assert log.epochs == {1: 2, 2: 4}
        assert list(log.losses()) == ['loss', 'loss_a']
        assert 'iter' not in log.train

    def test_best_points(self, work_dir):
        log = read_log(work_dir)
        assert best(log.val['m/MPJPE']) == (2, 20.0)
        assert best(log.val['m/AUC'], lower_is_better=False) == (1, 0.5)

    def test_numbers_that_are_none_are_left_out(self, tmp_path):
        write_lines(tmp_path / 'a', [{'m/x': float('nan'), 'm/y': 1.0, 'm/z': 'text', 'step': 1}])
        assert list(read_log(tmp_path).val) == ['m/y']

    def test_unusable_logs_are_named(self, tmp_path):
        with pytest.raises(HandFileError, match='holds no log'):
            read_log(tmp_path)
        path = write_lines(tmp_path / 'a', [train(1, 1.0)])
        path.write_text('garbage\n{}\n')
        with pytest.raises(HandFileError, match='line 1 is no JSON'):
            read_log(path)


class TestPlots:
    def test_same_figure_same_svg_with_readable_text(self):
        curves = {'first': ([1, 2], [3.0, 4.0]), 'second': ([1, 2], [5.0, 6.0])}
        texts = [figure_svg(plot_curves(curves, 'Title', 'epoch', 'mm')) for _ in range(2)]
        assert texts[0] == texts[1]
        for word in ('Title', 'epoch', 'mm', 'first', 'second'):
            assert f'>{word}</text>' in texts[0]

    def test_wide_ranges_are_logarithmic(self):
        def scale(*values, **kwargs):
            figure = plot_curves({'x': ([1, 2], list(values))}, **kwargs)
            return figure.axes[0].get_yscale()

        assert scale(1.0, 10.0) == 'linear'
        assert scale(1.0, 100.0) == 'log'
        assert scale(-1.0, 100.0) == 'linear'
        assert scale(1.0, 2.0, log_scale=True) == 'log'

    def test_files(self, tmp_path):
        figure = plot_curves({'x': ([1], [1.0])})
        for name in ('a.png', 'b/c.svg'):
            save_figure(figure, tmp_path / name)
            assert (tmp_path / name).stat().st_size > 1000
        with pytest.raises(HandFileError, match=r'cannot write the plot .*\.zip'):
            save_figure(figure, tmp_path / 'a.zip')


class Page(html.parser.HTMLParser):
    """Checks that tags match, and collects what the page refers to."""

    VOID = ('meta', 'img', 'br')

    def __init__(self, text):
        super().__init__()
        self.open, self.references, self.headings, self.images = [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag not in self.VOID:
            self.open.append(tag)
        self.references += [attrs[key] for key in ('src', 'href') if key in attrs]
        if tag == 'img':
            self.images.append(attrs)
        if re.fullmatch(r'h\d', tag):
            self.headings.append(int(tag[1]))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


class TestHtmlReport:
    def make(self):
        report = HtmlReport('A <title>', 'lead & more')
        report.text('before any section')
        report.section('Numbers').facts({'a': 1, 'b': None, 'c': [1, 2.5]}, 'facts')
        report.table(['name', 'x', 'y'], [['r<1>', 1.23456, None], ['r2', 0.012345, 3.0]])
        report.section('Pictures').pictures({'wide': np.zeros((10, 3000, 3), np.uint8)})
        report.plots({'a plot': plot_curves({'x': ([1], [1.0])})})
        return report.code('x < y', fold='Show').render()

    def test_is_well_formed_and_asks_nothing_of_the_network(self):
        text = self.make()
        page = Page(text)
        assert page.open == []
        assert page.headings == [1, 2, 2, 2]
        for reference in page.references:
            assert reference.startswith(('data:', '#')), reference[:40]
        assert not re.search(r'@import|url\(|<script|<link|https?://', text)
        assert all(image['alt'] for image in page.images)
        targets = {r[1:] for r in page.references if r.startswith('#')}
        assert targets <= set(re.findall(r'id="(\w+)"', text))

    def test_text_is_escaped_and_numbers_are_short(self):
        text = self.make()
        assert 'A &lt;title&gt;' in text
        assert 'lead &amp; more' in text
        assert 'r&lt;1&gt;' in text
        for cell in ('>1.23<', '>0.01235<', '>3.00<', '>–<', '>1, 2.50<'):
            assert cell in text

    def test_words_and_numbers_stay_whole_on_a_phone(self):
        report = HtmlReport('t').facts({'version': '0.10.7', 'SHA-256': 64 * 'f', 'note': 'a b'})
        text = report.table(['name', 'x'], [['keypoints/PCK@0.2', 0.5]]).render()
        broken = re.findall(r'([^{}]*)\{[^{}]*overflow-wrap: anywhere', text)
        # A hash may be broken, and what is no table.
        assert [rule.strip() for rule in broken] == ['.long', 'figcaption', 'pre']
        assert re.findall(r'<td class="long">(.*?)</td>', text) == [64 * 'f']
        assert '<th scope="row">keypoints/PCK@0.2</th><td class="number">0.50</td>' in text
        # Wide tables move in their frame, which a keyboard reaches, too.
        assert '<div class="scroll" tabindex="0"><table>' in text

    def test_wide_pictures_shrink(self, tmp_path):
        data = re.search(r'data:image/jpeg;base64,([^"]+)', self.make()).group(1)
        import base64

        image = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
        assert image.shape[1] == 1280

    def test_unusable_files_are_named(self, tmp_path):
        with pytest.raises(HandFileError, match='no.jpg cannot be read as a picture'):
            HtmlReport('t').pictures({'a': tmp_path / 'no.jpg'})
        (tmp_path / 'file').write_text('')
        with pytest.raises(HandFileError, match='cannot write the report'):
            HtmlReport('t').write(tmp_path / 'file' / 'r.html')


class TestRunReport:
    @pytest.fixture
    def whole(self, work_dir):
        (work_dir / '20260102_000000' / 'run.json').write_text(
            json.dumps(
                {
                    'command': 'python tools/train.py c.py',
                    'config': {'sha256': 'abc'},
                    'software': {'torch': '2.0'},
                    'seed': 7,
                }
            )
        )
        (work_dir / 'c.py').write_text('lr = 0.1\n')
        (work_dir / 'results.json').write_text(
            json.dumps(
                {
                    'metrics': {'m/MPJPE': 21.5, 'm/AUC': 0.41},
                    'evaluators': [{'type': 'X', 'protocol': {'name': 'preset_one'}}],
                    'data': {'type': 'D', 'split': 'test', 'samples': 4},
                    'checkpoint': {'file': 'e.pth', 'sha256': 'fff'},
                    'config': {'sha256': 'abc'},
                    'command': 'python tools/test.py c.py e.pth',
                }
            )
        )
        for folder in ('pics/val/epoch_1', 'pics/val/epoch_2', 'pics/test'):
            path = work_dir / folder / '0_a.jpg'
            path.parent.mkdir(parents=True)
            cv2.imwrite(str(path), np.zeros((20, 30, 3), np.uint8))
        return work_dir

    def test_everything_of_a_run_is_there(self, whole):
        text = build_run_report(whole, title='My run').render()
        for word in (
            *('My run', '2 epochs, 4 iterations', '1 test', 'preset_one', '21.50', 'split test'),
            *('e.pth', 'python tools/train.py c.py', 'python tools/test.py c.py', 'lr = 0.1'),
            *('Training losses over iterations', 'MPJPE of the validation', 'Learning rate'),
            'test / 0_a',
        ):
            assert word in text, word
        # Of the validations only the last one's pictures are shown.
        assert 'epoch_2 / 0_a' in text
        assert 'epoch_1 / 0_a' not in text
        # More is better for AUC, less for errors.
        cells = [re.sub('<[^>]+>', ' ', row).split() for row in re.findall(r'<tr>.*?</tr>', text)]
        assert ['m/AUC', '0.40', '0.50', '1'] in cells
        assert ['m/MPJPE,', 'mm', '20.00', '20.00', '2'] in cells

    def test_it_opens_with_pictures_and_numbers_beside_the_mean_hand(self, whole):
        mean = json.loads((whole / 'results.json').read_text())
        mean['metrics'] = {'m/MPJPE': 55.0, 'm/AUC': 0.1}
        mean['checkpoint'] = {'weights': 'mean hand'}
        (whole / 'a_mean.json').write_text(json.dumps(mean))
        text = build_run_report(whole).render()
        heads = re.findall(r'<h2[^>]*>(.*?)</h2>', text)
        assert heads[:3] == ['Pictures', 'In short', 'Test results']
        cards = re.findall(r'<strong>(.*?)</strong><span>(.*?)</span>', text)
        assert cards == [('21.50 mm', 'mean hand: 55.00 mm'), ('0.41', 'mean hand: 0.10')]

    def test_it_says_what_the_data_are_and_explains_mrrpe(self, whole):
        results = json.loads((whole / 'results.json').read_text())
        results['data']['synthetic'] = True
        results['metrics']['m/MRRPE'] = 2200.0
        results['checkpoint'] = {'weights': 'untrained'}
        (whole / 'results.json').write_text(json.dumps(results))
        text = build_run_report(whole).render()
        lead = re.search(r'<p class="lead">(.*?)</p>', text).group(1)
        assert 'synthetic pictures' in lead
        assert 'UNTRAINED' in lead
        assert 'only where the depth of both roots' in text
        assert 'mean hand: not tested' in text
        assert 'This tests it: mmhand test CONFIG mean' in text

    def test_a_run_in_2d_opens_with_pixels_and_counts_nothing_as_a_score(self, whole):
        results = json.loads((whole / 'results.json').read_text())
        numbers = {'AUC': 0.25, 'EPE': 7.5, 'PCK@0.2': 0.5, 'joints': 168}
        results['metrics'] = {f'keypoints/{name}': value for name, value in numbers.items()}
        (whole / 'results.json').write_text(json.dumps(results))
        log = {**results['metrics'], 'step': 2}
        write_lines(whole / '20260103_000000', [train(5, 0.5, 3), log])
        text = build_run_report(whole).render()
        assert re.findall(r'<strong>(.*?)</strong>', text) == ['7.50 px', '0.50', '0.25']
        first = re.search(r'<div class="headlines"><div><span>(.*?)</span>', text).group(1)
        assert first.startswith('keypoints/EPE: mean distance of a joint')
        assert first.endswith('in the picture, less is better')
        assert 'PCK@0.2: share of joints off by less than 0.2 of the box&#x27;s longer side' in text
        assert 'Joints that were scored: 168.' in text
        assert 'keypoints/EPE, px' in text
        assert 'keypoints/joints' not in text.partition('Show the whole config')[0]
        assert 'joints of the validation' not in text

    def test_without_a_test_the_last_validation_opens_it(self, work_dir):
        text = build_run_report(work_dir).render()
        assert re.findall(r'<strong>(.*?)</strong>', text) == ['20.00 mm', '0.40']
        assert 'those of the last validation' in text
        assert 'mmhand test CONFIG mean' in text

    def test_one_validation_is_no_curve_and_has_no_best(self, tmp_path):
        scores = {'m/MPJPE_all': 20.0, 'm/MPJPE_interacting': 20.0, 'm/HandednessAcc': 0.9}
        folder = tmp_path / 'run' / 'now'
        write_lines(folder, [train(3, 1.0), {**scores, 'step': 1}])
        data = dict(type='D', samples=5, synthetic=True)
        run = {'data': {'train': data, 'val': data}, 'config': {'file': 'mine.py'}}
        (folder / 'run.json').write_text(json.dumps(run))
        text = build_run_report(tmp_path / 'run').render()
        rows = [re.sub('<[^>]+>', ' ', row).split() for row in re.findall(r'<tr>.*?</tr>', text)]
        assert ['metric', 'epoch', '1'] in rows
        assert ['m/MPJPE_all,', 'mm', '20.00'] in rows
        assert 'of the validation over' not in text
        # The same number is told once.
        assert re.findall(r'<strong>(.*?)</strong>', text) == ['20.00 mm', '0.90']
        lead = re.search(r'<p class="lead">(.*?)</p>', text).group(1)
        assert 'trained on 5 samples of D, which are synthetic pictures; validated on 5' in lead
        assert 'mmhand test mine.py mean' in text

    def test_the_command_for_the_mean_hand_names_the_config(self, whole):
        results = json.loads((whole / 'results.json').read_text())
        for file, name in (('own/c.py', 'own/c.py'), ('/x/configs/cmr/cmr_r18.py', 'cmr_r18')):
            results['config'] = {'file': file}
            (whole / 'results.json').write_text(json.dumps(results))
            assert f'mmhand test {name} mean' in build_run_report(whole).render()

    def test_tests_without_out_are_found_and_what_is_twice_is_shown_once(self, whole):
        results = json.loads((whole / 'results.json').read_text())
        (whole / '20260101_000000' / 'results.json').write_text(json.dumps(results))
        others = [
            ('20260103_000000', {'weights': 'mean hand'}, 60.0, '2026-01-09'),
            ('20260104_000000', {'file': 'work/epoch_7.pth'}, 11.0, '2026-01-08'),
            ('20260105_000000', {'file': 'work/epoch_7.pth'}, 12.0, '2026-01-07'),
        ]
        for folder, checkpoint, value, date in others:
            (whole / folder).mkdir()
            test = dict(results, checkpoint=checkpoint, metrics={'m/MPJPE': value}, date=date)
            (whole / folder / 'results.json').write_text(json.dumps(test))
            (whole / folder / 'run.json').write_text('{}')
        text = build_run_report(whole).render()
        head = re.search(r'Test results</h2>.*?<thead>(.*?)</thead>', text, re.S).group(1)
        assert re.findall(r'<th[^>]*>(.*?)</th>', head) == [
            *('metric', 'epoch_7', 'epoch_7 (20260105_000000)', 'results.json', 'mean hand'),
        ]
        assert re.search(r'<strong>(.*?)</strong><span>(.*?)</span>', text).groups() == (
            *('11.00 mm', 'mean hand: 60.00 mm'),
        )

    def test_pictures_of_a_test_are_found_but_not_those_of_others(
        self, whole, tmp_path, monkeypatch
    ):
        home, other = tmp_path / 'home', tmp_path / 'other'
        for folder in (home / 'overlays/test', other):
            folder.mkdir(parents=True)
            cv2.imwrite(str(folder / 'b.jpg'), np.zeros((8, 8, 3), np.uint8))
        monkeypatch.chdir(home)
        results = json.loads((whole / 'results.json').read_text())

        def captions(folder, weights='from file'):
            test = dict(results, pictures=folder, checkpoint={'weights': weights})
            (whole / 'results.json').write_text(json.dumps(test))
            return re.findall(r'<figcaption>(.*?)</figcaption>', build_run_report(whole).render())

        own = captions('nowhere')
        assert captions('overlays') == ['test / b', *own]
        # What a file names is not taken from anywhere, nor all that lies here.
        for folder in (str(other), '../other', '.', '/'):
            assert captions(folder) == own
        # What the mean hand was drawn on shows nothing of the network.
        assert captions('overlays', 'mean hand') == own

    def test_many_pictures_do_not_keep_the_numbers_away(self, whole):
        for index in range(6):
            cv2.imwrite(str(whole / f'{index}.jpg'), np.zeros((8, 8, 3), np.uint8))
        text = build_run_report(whole).render()
        before, after = text.split('<div class="headlines">')
        assert before.count('<figure>') == 4
        assert after.count('<figure>') == 4

    def test_numbers_of_stages_are_folded_away_and_not_the_headlines(self, whole):
        results = json.loads((whole / 'results.json').read_text())
        stages = {f'm_stages/s{k}.{name}': 3.0 for k in range(9) for name in ('MPJPE', 'joint@20')}
        whole_method = {f'm/{name}': 4.0 for name in ('MPJPE', 'frame_max@20', 'joint@20')}
        more = {f'm/frame_mean@{limit}': 0.5 for limit in range(9)}
        results['metrics'] = {**stages, **whole_method, **more}
        (whole / 'results.json').write_text(json.dumps(results))
        text = build_run_report(whole).render()
        assert re.findall(r'<strong>(.*?)</strong>', text) == ['4.00 mm', '4.00', '4.00']
        opened, _, folded = text.partition('Show the numbers of every stage')
        assert 'm/joint@20' in opened
        assert 's1.MPJPE' not in opened
        assert 's1.MPJPE, mm' in folded

    def test_runs_that_count_iterations_are_told_in_iterations(self, tmp_path):
        steps = [{'lr': 0.1, 'loss': 1.0, 'iter': i, 'step': i} for i in (50, 100)]
        write_lines(tmp_path / 'run' / 'now', [*steps, {'m/MPJPE': 9.0, 'step': 100}])
        text = build_run_report(tmp_path / 'run').render()
        assert '100 iterations of training' in text
        assert '>iteration 100</th>' in text
        assert 'epoch' not in text.lower()

    def test_named_results_and_pictures(self, whole, tmp_path):
        other = tmp_path / 'other.json'
        other.write_text(json.dumps({'metrics': {'m/MPJPE': 1.0}}))
        picture = whole / 'pics/val/epoch_1/0_a.jpg'
        text = build_run_report(whole, [other, whole / 'results.json'], [picture]).render()
        assert 'other.json' in text
        assert 'epoch_1 / 0_a' in text
        assert 'test / 0_a' not in text

    def test_a_gain_table_has_its_columns_side_by_side(self, whole, tmp_path):
        gain = tmp_path / 'gain.json'
        results = {'without': {'m/MPJPE': 31.0}, 'HDR': {'m/MPJPE': 24.0}}
        gain.write_text(json.dumps({'run': {'command': 'python gain.py'}, 'results': results}))
        masks = tmp_path / 'masks.json'
        masks.write_text(json.dumps({'metrics': {'amodal/mIoU': 0.8}}))
        text = build_run_report(whole, [gain, whole / 'results.json', masks]).render()
        rows = [re.sub('<[^>]+>', ' ', row).split() for row in re.findall(r'<tr>.*?</tr>', text)]
        assert ['m/MPJPE,', 'mm', '31.00', '24.00', '21.50'] in rows
        assert ['metric', 'gain:', 'without', 'gain:', 'HDR', 'results.json'] in rows
        # What shares no metric is a table of its own, and not in millimetres.
        assert ['metric', 'masks.json'] in rows
        assert ['amodal/mIoU', '0.80'] in rows
        assert 'python gain.py' in text

    def test_many_pictures_are_thinned_evenly(self, whole):
        folder = whole / 'many'
        folder.mkdir()
        for index in range(30):
            cv2.imwrite(str(folder / f'{index:02d}.jpg'), np.zeros((8, 8, 3), np.uint8))
        text = build_run_report(whole, pictures=[folder], max_pictures=4).render()
        assert re.findall(r'many / (\d\d)</fig', text) == ['00', '08', '16', '24']

    def test_results_alone_are_enough(self, tmp_path):
        (tmp_path / 'r.json').write_text(json.dumps({'metrics': {'a': 1.0}, 'config': {}}))
        text = build_run_report(tmp_path).render()
        assert 'Test results' in text
        assert 'Curves' not in text

    def test_mistakes_are_one_line(self, tmp_path, work_dir):
        with pytest.raises(HandFileError, match='work folder .*gone does not exist'):
            build_run_report(tmp_path / 'gone')
        (tmp_path / 'empty').mkdir()
        with pytest.raises(HandFileError, match='holds no log'):
            build_run_report(tmp_path / 'empty')
        bad = tmp_path / 'bad.json'
        for content, message in (
            ('{', 'cannot be read as JSON'),
            ('[]', 'holds a list'),
            ('{}', 'is no results file'),
        ):
            bad.write_text(content)
            with pytest.raises(HandFileError, match=message):
                build_run_report(work_dir, [bad])
        with pytest.raises(HandFileError, match='no picture and no folder'):
            build_run_report(work_dir, pictures=[tmp_path / 'none'])

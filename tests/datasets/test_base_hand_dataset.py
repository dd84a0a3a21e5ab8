"""What every hand data set inherits, on the smallest subclass there can be."""

import copy
import logging
import pickle

import cv2
import numpy as np
import pytest
import torch
from mmengine.dataset import ConcatDataset, RepeatDataset, pseudo_collate
from torch.utils.data import DataLoader

from mmhand.datasets import BaseHandDataset
from mmhand.datasets.hand_record import hand_record
from mmhand.registry import DATASETS
from mmhand.utils.errors import HandConfigError, HandDataError, HandFileError

COUNT = 8


class TinyDataset(BaseHandDataset):
    """Right hands at known places; what a new data set has to write is all here."""

    METAINFO = dict(dataset_name='tiny')
    SUBSET_KEYS = ('even',)

    def source_files(self):
        from pathlib import Path

        return {'data': Path(self.data_root) / 'data.txt'}

    def build_store(self, writer, sources, progress):
        widths = [float(word) for word in sources['data'].read_text().split()]
        writer.add('ann', 'width', np.array(widths))

    def select_rows(self, store):
        rows = np.arange(store['ann'].rows)
        return rows[rows % 2 == 0] if self.subset.get('even') else rows

    def read_row(self, store, row):
        return hand_record(
            img_path=f'{self.data_root}/{row}.png',
            sample_id=f'tiny/{row}',
            dataset='tiny',
            bbox=np.array([2.0, 2.0, store['ann']['width'][row], 8.0]),
            keypoints_3d=np.full((2, 21, 3), 1.0 + row),
            keypoint_valid=np.ones((2, 21)),
            hand_type='right',
            intrinsics=np.diag([100.0, 100.0, 1.0]),
        )


PIPELINE = [
    dict(type='LoadHandImage'),
    dict(type='HandBBoxCrop'),
    dict(type='HandTopdownAffine', input_size=16),
    dict(type='PackHandInputs'),
]


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.delenv('MMHAND_CACHE', raising=False)
    (tmp_path / 'data.txt').write_text(' '.join(['8'] * COUNT))
    for row in range(COUNT):
        cv2.imwrite(str(tmp_path / f'{row}.png'), np.full((12, 14, 3), 10 * row, np.uint8))
    return tmp_path


def tiny(root, **kwargs):
    return TinyDataset(data_root=str(root), **{'pipeline': PIPELINE, **kwargs})


def ids(data):
    return [data.get_data_info(index)['sample_id'] for index in range(len(data))]


def test_samples_go_through_the_pipeline(root):
    data = tiny(root)
    assert len(data) == COUNT
    packed = data[3]
    assert packed['inputs'].shape == (3, 16, 16)
    assert packed['inputs'].dtype == torch.uint8
    assert packed['inputs'][0, 8, 8] == 30
    assert packed['data_samples'].sample_id == 'tiny/3'
    assert len(packed['data_samples'].gt_hands) == 1
    assert data.data_list == []
    assert data.metainfo == {'joint_set': 'canonical', 'dataset_name': 'tiny'} or data.metainfo == {
        'dataset_name': 'tiny'
    }
    assert data.get_data_info(-1)['sample_idx'] == COUNT - 1


def test_lazy_init_opens_on_demand(root):
    data = tiny(root, lazy_init=True)
    assert data.store is None
    assert not (root / '.mmhand_cache').exists()
    assert len(data) == COUNT
    assert data.store is not None
    for use in (
        lambda d: d.get_data_info(0),
        lambda d: d.get_subset(2),
        lambda d: d.get_subset_(2),
    ):
        use(tiny(root, lazy_init=True))


def test_subsets_and_indices(root):
    assert ids(tiny(root, subset=dict(even=True))) == ['tiny/0', 'tiny/2', 'tiny/4', 'tiny/6']
    assert ids(tiny(root, indices=2)) == ['tiny/0', 'tiny/1']
    assert ids(tiny(root, indices=-1)) == ['tiny/7']
    assert ids(tiny(root, subset=dict(even=True), indices=[3, 0, -1])) == [
        *('tiny/6', 'tiny/0', 'tiny/6'),
    ]
    data = tiny(root)
    part = data.get_subset([5, 1])
    assert ids(part) == ['tiny/5', 'tiny/1']
    assert len(data) == COUNT
    data.get_subset_(range(3))
    assert len(data) == 3


def test_mmengine_wrappers_and_workers(root):
    assert len(RepeatDataset(tiny(root, indices=2), times=2)) == 4
    data = ConcatDataset([tiny(root), tiny(root, indices=2)])
    assert len(data) == COUNT + 2
    loader = DataLoader(data, batch_size=4, num_workers=2, collate_fn=pseudo_collate)
    seen = [sample.sample_id for batch in loader for sample in batch['data_samples']]
    assert seen[:COUNT] == [f'tiny/{row}' for row in range(COUNT)]
    assert seen[COUNT:] == ['tiny/0', 'tiny/1']


def test_workers_do_not_thread_opencv(root):
    def probe(results):
        return cv2.getNumThreads()

    before = cv2.getNumThreads()
    cv2.setNumThreads(2)
    try:
        data = tiny(root, pipeline=[probe])
        assert data[0] == 2
        loader = DataLoader(data, batch_size=None, num_workers=1)
        assert set(map(int, loader)) == {1}
    finally:
        cv2.setNumThreads(before)


def test_copies_and_pickles_are_small(root):
    data = tiny(root)
    assert copy.deepcopy(data).store is data.store
    assert len(pickle.dumps(data.store)) < 1000


def test_unscoped_transforms_are_mmhands_whatever_the_default_scope(root):
    from mmengine.registry import DefaultScope

    with DefaultScope.overwrite_default_scope('mmpose'):
        assert tiny(root)[0]['inputs'].shape == (3, 16, 16)
    assert tiny(root, pipeline=[lambda results: results])[0]['sample_id'] == 'tiny/0'


class TestBadSamples:
    def test_bad_image_is_skipped_and_counted(self, root, caplog):
        (root / '2.png').unlink()
        (root / '3.png').write_bytes(b'not a picture')
        data = tiny(root)
        with caplog.at_level(logging.WARNING):
            assert data[2]['data_samples'].sample_id == 'tiny/4'
        assert data.num_skipped == 2
        (root / '7.png').unlink()
        assert data[7]['data_samples'].sample_id == 'tiny/0'  # the next one after the last
        assert data.num_skipped == 3

    def test_strict_raises_and_names_the_file(self, root):
        (root / '2.png').unlink()
        (root / '3.png').write_bytes(b'not a picture')
        data = tiny(root, strict=True)
        with pytest.raises(HandFileError, match='sample tiny/2: cannot read .*2.png'):
            data[2]
        with pytest.raises(HandDataError, match='sample tiny/3: .*3.png is not an image'):
            data[3]
        assert data.num_skipped == 0

    def test_truncated_jpeg(self, root):
        picture = cv2.imencode('.jpg', np.random.default_rng(0).integers(0, 255, (99, 99, 3)))[1]
        (root / '1.png').write_bytes(picture.tobytes()[:-200])
        with pytest.raises(HandDataError, match='truncated JPEG'):
            tiny(root, strict=True)[1]
        (root / '1.png').write_bytes(b'')
        with pytest.raises(HandDataError, match='not an image'):
            tiny(root, strict=True)[1]

    def test_zero_box(self, root):
        (root / 'data.txt').write_text('8 0 nan 8')
        data = tiny(root, strict=True)
        for row in (1, 2):
            with pytest.raises(HandDataError, match=f'sample tiny/{row}: box .* has no area'):
                data[row]
        assert tiny(root)[1]['data_samples'].sample_id == 'tiny/3'

    def test_too_many_in_a_row_are_an_error(self, root):
        for row in range(COUNT):
            (root / f'{row}.png').unlink()
        data = tiny(root, max_refetch=3)
        with pytest.raises(HandDataError, match='4 samples in a row from 1 on .*1.png'):
            data[1]

    def test_pipeline_that_gives_nothing(self, root):
        data = tiny(root, pipeline=[lambda results: None], max_refetch=2)
        with pytest.raises(HandDataError, match='the pipeline returned nothing'):
            data[0]

    def test_workers_count_for_the_main_process(self, root):
        (root / '5.png').unlink()
        data = tiny(root)
        for _ in DataLoader(data, batch_size=4, num_workers=2, collate_fn=pseudo_collate):
            pass
        assert data.num_skipped == 1

    def test_the_log_goes_quiet(self, root):
        data = tiny(root)
        for number in range(30):
            data._count_skip(f'reason {number}')
        assert data.num_skipped == 30


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (dict(split='dev'), 'unknown split "dev"; known: train, val, test'),
        (dict(subset=dict(odd=True)), 'unknown subset key "odd"; known: even'),
        (dict(indices=[0, 8]), 'index 8 is out of range: TinyDataset has 8 samples'),
        (dict(indices=[-9]), 'index -9 is out of range'),
        (dict(indices=[0.5]), 'indices must be whole numbers'),
        (dict(indices=[True, False]), 'indices must be whole numbers'),
    ],
)
def test_wrong_arguments_are_one_line(root, kwargs, message):
    with pytest.raises(HandConfigError, match=message) as raised:
        tiny(root, **kwargs)
    assert '\n' not in str(raised.value)


def test_empty_selection_and_missing_files(root):
    class Nothing(TinyDataset):
        def select_rows(self, store):
            return np.zeros(0)

    with pytest.raises(HandConfigError, match='no sample of split "train"'):
        Nothing(data_root=str(root))
    with pytest.raises(HandFileError, match='cannot read data file'):
        tiny(root / 'elsewhere')


def test_registry_knows_the_data_sets():
    assert DATASETS.get('InterHand26MDataset') is not None

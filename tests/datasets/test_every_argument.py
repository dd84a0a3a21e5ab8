"""No argument of a data set is without effect: each has a row here, or the suite fails."""

import inspect
import json
import shutil

import cv2
import numpy as np
import pytest
import torch

from mmhand.datasets.base_hand_dataset import BaseHandDataset
from mmhand.registry import DATASETS
from mmhand.synthesis import generate_dataset, get_writer
from mmhand.utils.errors import HandDataError, MMHandError

DATASETS.import_from_location()

#: Format of the synthetic set that stands for the official files, and its pictures.
MADE = {
    'AIHDataset': ('aih', {'train': 4, 'val': 1}),
    'DHGDataset': ('dhg', {'all': 2}),
    'DexYCBDataset': ('dexycb', {'train': 3, 'val': 1, 'test': 1}),
    'FreiHANDDataset': ('freihand', {'training': 2, 'evaluation': 1}),
    'HO3DDataset': ('ho3d', {'train': 2, 'evaluation': 1}),
    'HUMBIDataset': ('humbi', {'train': 12}),
    'ICVLDataset': ('icvl', {'train': 2, 'test': 1}),
    'InterHand26MDataset': ('interhand', {'train': 3, 'val': 1}),
    'MSRADataset': ('msra', {'all': 18}),
    'NYUDataset': ('nyu', {'train': 2, 'test': 1}),
    'ObManDataset': ('obman', {'train': 2, 'test': 1}),
    'SHRECDataset': ('shrec', {'train': 1, 'test': 1}),
}

#: (arguments that a row starts from, the one it changes, what is said; ``None``: samples change).
Row = tuple[dict, dict, str | None]

MANO = dict(hand_model='MANO')
NO_MANO = 'no MANO model'
DEPTH: dict[str, Row] = {
    'joint_set': ({}, dict(joint_set='foot'), 'foot'),
    'centers': (dict(centers='depth'), dict(centers='joints'), None),
    'center_file': ({}, dict(center_file='elsewhere.txt'), 'elsewhere.txt'),
    'centers_y_up': (dict(center_file='made.txt'), dict(centers_y_up='other'), None),
    'cube': ({}, dict(cube=0.5), None),
}
#: A set whose centres do not come from one file refuses the arguments of the others.
SKELETONS = DEPTH | {
    'center_file': ({}, dict(center_file='made.txt'), 'center_file'),
    'centers_y_up': ({}, dict(centers_y_up=True), 'centers_y_up'),
}
COCO: dict[str, Row] = {
    'ann_file': ({}, dict(ann_file='elsewhere.json'), 'elsewhere.json'),
    'img_dir': ({}, dict(img_dir='elsewhere'), None),
    'joint_set': ({}, dict(joint_set='mano21'), None),
}
ROWS: dict[str, dict[str, Row]] = {
    'AIHDataset': {},
    'DHGDataset': SKELETONS | {'test_subject': ({}, dict(test_subject=2), 'test_subject=2')},
    'DexYCBDataset': {
        'setup': (dict(split='test'), dict(setup='s3'), 'no sample of split "test"'),
        'ann_file': ({}, dict(ann_file='elsewhere.json'), 'elsewhere.json'),
        'whole_mask_dir': ({}, dict(whole_mask_dir='elsewhere'), None),
        'with_vertices': ({}, dict(with_vertices=True), None),
        'hand_model': (dict(with_vertices=True), MANO, NO_MANO),
    },
    'FreiHANDDataset': {
        'with_vertices': ({}, dict(with_vertices=True), None),
        'ground_truth_dir': (
            dict(split='evaluation'),
            dict(ground_truth_dir='elsewhere'),
            'elsewhere',
        ),
        'whole_mask_dir': ({}, dict(whole_mask_dir='elsewhere'), None),
        'hand_model': ({}, MANO, None),
    },
    'HANDS17Dataset': DEPTH,
    'HO3DDataset': {
        'version': ({}, dict(version='v3'), None),
        'ann_file': ({}, dict(ann_file='elsewhere.json'), 'elsewhere.json'),
        'whole_mask_dir': ({}, dict(whole_mask_dir='elsewhere'), None),
        'ground_truth_dir': (
            dict(split='evaluation'),
            dict(ground_truth_dir='elsewhere'),
            'elsewhere',
        ),
        'hand_model': ({}, MANO, NO_MANO),
    },
    'HUMBIDataset': {
        'setup': ({}, dict(setup='split_1'), None),
        'with_vertices': ({}, dict(with_vertices=True), None),
        'hand_model': ({}, MANO, NO_MANO),
    },
    'ICVLDataset': DEPTH,
    'InterHand26MDataset': {
        'fps': ({}, dict(fps=30), None),
        'ann_file': ({}, dict(ann_file='elsewhere.json'), 'elsewhere.json'),
        'camera_file': ({}, dict(camera_file='elsewhere.json'), 'elsewhere.json'),
        'joint_file': ({}, dict(joint_file='elsewhere.json'), 'elsewhere.json'),
        'mano_file': (
            dict(with_mano=True),
            dict(mano_file='elsewhere.json'),
            'elsewhere.json',
        ),
        'id_list': ({}, dict(id_list='elsewhere.txt'), 'elsewhere.txt'),
        'img_dir': ({}, dict(img_dir='elsewhere'), 'elsewhere'),
        'with_mano': ({}, dict(with_mano=True), None),
        'with_vertices': (dict(with_mano=True), dict(with_vertices=True), None),
        'hand_model': (dict(with_mano=True), MANO, NO_MANO),
        'joint_source': ({}, dict(joint_source='mano'), None),
        'valid_rule': ({}, dict(valid_rule='twohand'), None),
        'rootnet_file': ({}, dict(rootnet_file='elsewhere.json'), 'elsewhere.json'),
    },
    'MSRADataset': DEPTH | {'test_subject': ({}, dict(test_subject=1), None)},
    'NYUDataset': DEPTH | {'view': ({}, dict(view=1), None)},
    'ObManDataset': {'hand_model': ({}, MANO, NO_MANO)},
    'SHRECDataset': SKELETONS,
    'HandParameterBank': {
        'bank': ({}, dict(bank='elsewhere'), 'elsewhere'),
        'prefix': ({}, dict(prefix='a'), 'prefix'),
        'fits': ({}, dict(fits='elsewhere.npz'), 'elsewhere.npz'),
        'num': ({}, dict(num=3), None),
        'seed': ({}, dict(seed=1), None),
        'upright': ({}, dict(upright=False), None),
        'turn': ({}, dict(turn=0.2), None),
        'hand_model': ({}, dict(hand_model=dict(type='MANO', side='right')), NO_MANO),
    },
}
for _name in DATASETS.module_dict:
    if _name not in ROWS:
        ROWS[_name] = dict(COCO)

#: Arguments of all, tested by :func:`test_common_arguments`.
COMMON = {
    *('data_root', 'split', 'subset', 'indices', 'pipeline', 'strict', 'test_mode', 'lazy_init'),
    *('max_refetch', 'cache_dir', 'metainfo'),
}


def arguments(kind):
    """Names of all arguments that a class takes, through ``**kwargs`` too."""
    names = []
    for base in kind.__mro__:
        if '__init__' not in vars(base):
            continue
        parameters = list(inspect.signature(base.__init__).parameters.values())[1:]
        names += [p.name for p in parameters if p.kind is not p.VAR_KEYWORD]
        if all(p.kind is not p.VAR_KEYWORD for p in parameters):
            break
    return set(names)


CASES = [(name, argument) for name in sorted(ROWS) for argument in ROWS[name]]


def _write_coco(root, kind):
    points = np.concatenate([np.random.default_rng(0).uniform(9, 50, (21, 2)), np.ones((21, 1))], 1)
    keypoints = points.round(2).reshape(-1).tolist()
    hand = dict(id=1, image_id=0, keypoints=keypoints, bbox=[5, 5, 50, 50], hand_type='right')
    hand.update(lefthand_valid=False, righthand_valid=True, head_size=9.0)
    hand.update(righthand_kpts=keypoints, righthand_box=[5, 5, 50, 50])
    images = [dict(id=0, file_name='a_r.jpg', width=80, height=64)]
    content = json.dumps(dict(images=images, annotations=[hand, dict(hand, id=2)]))
    for file in [*kind.FILES.values(), 'hands.json']:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(content)
    cv2.imwrite(str(root / 'a_r.jpg'), np.zeros((64, 80, 3), np.uint8))


def _without_knuckles(root):
    """Joints that one rule of validity asks for and another does not, and frames at 30 fps."""
    path = root / 'annotations' / 'train' / 'InterHand2.6M_train_data.json'
    content = json.loads(path.read_text())
    for annotation in content['annotations']:
        for joint in (11, 32):  # middle knuckles
            annotation['joint_valid'][joint] = [0]
    path.write_text(json.dumps(content))
    for folder in ('annotations', 'images'):
        shutil.copytree(root / folder, root / f'{folder}_30fps')


def _write_hands17(root):
    (root / 'training' / 'images').mkdir(parents=True)
    joints = np.random.default_rng(0).normal((0, 0, 500), 30, (2, 21, 3)).round(2).reshape(2, 63)
    lines = [f'{k}.png {" ".join(map(str, row))}' for k, row in enumerate(joints)]
    (root / 'training' / 'Training_Annotation.txt').write_text('\n'.join(lines))


@pytest.fixture(scope='module')
def roots(tmp_path_factory):
    """Folder of a small set for each class, made when first asked for."""
    made, base = {}, tmp_path_factory.mktemp('sets')

    def root(name):
        kind = DATASETS.get(name)
        if name not in made:
            folder = made[name] = base / name
            folder.mkdir()
            if name in MADE:
                layout, counts = MADE[name]
                writer = get_writer(layout)
                generate_dataset(writer(folder, writer.make_config(), 7), counts, progress=False)
                if layout == 'interhand':
                    _without_knuckles(folder)
            elif name == 'HANDS17Dataset':
                _write_hands17(folder)
            else:
                _write_coco(folder, kind)
        return made[name]

    yield root
    shutil.rmtree(base)


@pytest.fixture(autouse=True)
def _no_mano(monkeypatch):
    monkeypatch.delenv('MMHAND_MANO_ROOT', raising=False)
    monkeypatch.delenv('MMHAND_CACHE', raising=False)


def start(name, root):
    """Arguments that every row of a class starts from."""
    if name == 'HandParameterBank':
        return dict(num=4)
    if name == 'DHGDataset':  # one person, who is that of the test split
        return dict(data_root=root, split='test')
    if name == 'CocoHandDataset':
        return dict(data_root=root, ann_file='hands.json')
    return dict(data_root=root)


def content(data):
    """All that samples hold, comparable."""
    if not isinstance(data, BaseHandDataset):
        return [plain(data[k]) for k in range(len(data))]
    return [plain(data.get_data_info(k)) for k in range(len(data))]


def plain(value):
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, np.ndarray | torch.Tensor):
        return np.asarray(value).tolist()
    return plain(vars(value)) if hasattr(value, '__dict__') else repr(value)


@pytest.mark.parametrize('name', sorted(DATASETS.module_dict))
def test_every_argument_has_a_row(name):
    kind = DATASETS.get(name)
    if not kind.__module__.startswith('mmhand.'):
        pytest.skip('of a test')
    common = COMMON if issubclass(kind, BaseHandDataset) else set()
    assert arguments(kind) - common == set(ROWS[name])


@pytest.mark.parametrize(('name', 'argument'), CASES)
def test_argument_has_an_effect(roots, name, argument):
    kind, (base, change, said) = DATASETS.get(name), ROWS[name][argument]
    assert set(change) == {argument}
    kwargs = start(name, roots(name) if issubclass(kind, BaseHandDataset) else None) | base
    if base.get('center_file'):
        kwargs['centers'] = 'published'
        _write_centers(kwargs['data_root'] / 'made.txt', kind, kwargs)
    if change.get('centers_y_up') == 'other':
        change = dict(centers_y_up=not kind.CENTERS_Y_UP)
    before = content(kind(**kwargs))
    if said is None:
        assert content(kind(**kwargs | change)) != before
        return
    with pytest.raises(MMHandError, match=said) as caught:
        content(kind(**kwargs | change))
    assert '\n' not in str(caught.value)


def _write_centers(path, kind, kwargs):
    count = len(kind(**{**kwargs, 'centers': 'joints', 'center_file': None}))
    path.write_text('\n'.join(['10.0 20.0 500.0'] * count))


def refuse(info):
    raise HandDataError('this one is refused')


@pytest.mark.parametrize(
    'name', sorted(n for n in DATASETS.module_dict if issubclass(DATASETS.get(n), BaseHandDataset))
)
def test_common_arguments(roots, name, tmp_path):
    kind = DATASETS.get(name)
    base = start(name, roots(name))
    whole = kind(**base)
    split = next(each for each in kind.SPLITS if each != whole.split)
    try:
        other = content(kind(**base | dict(split=split)))
    except MMHandError as error:
        other = str(error)
    assert other != content(whole)
    with pytest.raises(MMHandError, match='elsewhere'):
        len(kind(**{**base, 'data_root': tmp_path / 'elsewhere'}))
    with pytest.raises(MMHandError, match='unknown subset key "shoe"'):
        kind(**base, subset=dict(shoe=1))
    for key in kind.SUBSET_KEYS:
        with pytest.raises(MMHandError):
            len(kind(**base, subset={key: ['no such']}))
    assert len(kind(**base, indices=1)) == 1 < len(whole)
    assert kind(**base, pipeline=[lambda info: 'through'])[0] == 'through'
    with pytest.raises(HandDataError, match='^this one is refused'):
        kind(**base, pipeline=[refuse], strict=True)[0]
    with pytest.raises(HandDataError, match='^3 samples in a row'):
        kind(**base, pipeline=[refuse], max_refetch=2)[0]
    assert kind(**base, test_mode=True).test_mode
    assert not kind(**base, lazy_init=True)._fully_initialized
    assert whole._fully_initialized
    cache = tmp_path / 'cache'
    len(kind(**base, cache_dir=str(cache)))
    assert any(cache.iterdir())
    assert kind(**base, metainfo=dict(mark=1)).metainfo['mark'] == 1

"""Data sets of a run are opened before its network is built, so that what they lack is said at once."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch.utils.data import DataLoader, Dataset

from mmhand.registry import DATASETS
from mmhand.utils.checkpoint import check_checkpoint_file
from mmhand.utils.errors import HandConfigError, HandFileError

from .config_check.parts import find_part

#: Classes of data sets: where the data are from, and the layout that ``make_dataset.py`` writes of it.
_SOURCES = {
    'InterHand26MDataset': ('https://mks0601.github.io/InterHand2.6M', 'interhand'),
    'HO3DDataset': ('https://github.com/shreyashampali/ho3d', 'ho3d'),
    'DexYCBDataset': ('https://dex-ycb.github.io', 'dexycb'),
    'FreiHANDDataset': ('https://lmb.informatik.uni-freiburg.de/projects/freihand', 'freihand'),
    'HUMBIDataset': ('https://humbi-data.net', 'humbi'),
    'ObManDataset': ('https://www.di.ens.fr/willow/research/obman/data', 'obman'),
    'AIHDataset': ('https://github.com/MengHao666/HDR', 'aih'),
    'NYUDataset': ('https://jonathantompson.github.io/NYU_Hand_Pose_Dataset.htm', 'nyu'),
    'ICVLDataset': ('https://labicvl.github.io/hand.html', 'icvl'),
    'MSRADataset': ('https://jimmysuen.github.io', 'msra'),
    'HANDS17Dataset': ('http://icvl.ee.ic.ac.uk/hands17', None),
    'SHRECDataset': ('http://www-rech.telecom-lille.fr/shrec2017-hand', 'shrec'),
}


def open_data(cfg: Config, loaders: Sequence[str]) -> dict[str, Dataset]:
    """Build the data sets of a config's loaders, and check the checkpoint it starts from.

    Args:
        cfg: a whole config.
        loaders: keys of it, such as ``'train_dataloader'``; those that it lacks are passed over.

    Returns:
        The data sets by key.

    Raises:
        HandConfigError, HandFileError, HandDataError: data or a checkpoint are missing or cannot be
            read; says where data come from and what makes a stand-in.
    """
    check_weights(cfg, to_train='test_dataloader' not in loaders)
    opened = {}
    for key in loaders:
        section = cfg.get(key)
        if not section:
            continue
        for where, node in _sections(section['dataset'], f'{key}.dataset'):
            _check_root(node, where)
        dataset = DATASETS.build(section['dataset'])
        if hasattr(dataset, 'full_init'):
            dataset.full_init()
        if hasattr(dataset, '__len__') and not len(dataset):
            raise HandConfigError(f'{key}.dataset has no sample; mend its indices, subset or files')
        _check_batch(key, section, dataset, cfg.get('launcher', 'none') != 'none')
        opened[key] = dataset
    return opened


def _check_batch(key: str, section: Mapping, dataset: Dataset, shared: bool) -> None:
    """Refuse a set that is smaller than one batch, before a schedule trips over an epoch of no steps."""
    size = section.get('batch_size')
    if not section.get('drop_last') or not isinstance(size, int) or not hasattr(dataset, '__len__'):
        return
    processes = int(os.environ.get('WORLD_SIZE', '1')) if shared else 1
    if -(-len(dataset) // processes) < size:
        raise HandConfigError(_no_batch(key, len(dataset), size, True, processes))


def _no_batch(key: str, samples: int, size: int | None, drop_last: bool, processes: int = 1) -> str:
    each = f' in each of {processes} processes' if processes > 1 else ''
    return (
        f'{key} has no batch: {samples} samples, batch_size={size}{each}, drop_last={drop_last}; lower '
        f'it: --cfg-options {key}.batch_size={max(1, samples // processes // 2)}'
    )


def hand_over(runner: Runner, opened: Mapping[str, Dataset]) -> None:
    """Have a runner use data sets that are open, instead of building them again.

    Args:
        runner: has built no loader yet.
        opened: of :func:`open_data`.
    """
    for key, dataset in opened.items():
        # A function, because mmengine copies the section deeply.
        section = {**getattr(runner, f'_{key}'), 'dataset': dict(type=_giving(dataset))}
        setattr(runner, f'_{key}', section)


class LoaderCheck(Hook):
    """Refuses to run over loaders without a batch, which mmengine does in silence."""

    def before_train(self, runner: Runner) -> None:
        """Look at the loaders of training and validation.

        Raises:
            HandConfigError: one is empty.
        """
        self._check('train_dataloader', runner.train_dataloader)
        if runner.val_loop is not None:
            self._check('val_dataloader', runner.val_dataloader)

    def before_test(self, runner: Runner) -> None:
        """Look at the loader of the test.

        Raises:
            HandConfigError: it is empty.
        """
        self._check('test_dataloader', runner.test_dataloader)

    def _check(self, key: str, loader: DataLoader) -> None:
        if not len(loader):
            raise HandConfigError(
                _no_batch(key, len(loader.dataset), loader.batch_size, loader.drop_last)
            )


def check_weights(cfg: Config, to_train: bool = True) -> None:
    """Refuse a config whose files of weights are missing or damaged.

    Args:
        cfg: a whole config; addresses such as ``torchvision://resnet50`` are left to their reader.
        to_train: whether the model starts from the weights that its parts name (``init_cfg``); a test
            reads none of them.

    Raises:
        HandFileError: a file is missing, empty or damaged.
    """
    if cfg.get('load_from') and '://' not in str(cfg.load_from):
        check_checkpoint_file(cfg.load_from)
    for _, node in _sections(cfg.get('model'), 'model', 'init_cfg') if to_train else ():
        parts = node['init_cfg']
        for part in parts if isinstance(parts, list | tuple) else [parts]:
            file = part.get('checkpoint') if isinstance(part, Mapping) else None
            if isinstance(file, str) and '://' not in file:
                check_checkpoint_file(file)


def _check_root(section: Mapping, where: str) -> None:
    root, part = section.get('data_root'), find_part(str(section.get('type')), 'dataset')
    names = [base.__name__ for base in getattr(part, '__mro__', ())]
    known = next((name for name in names if name in _SOURCES), None)
    if known is None or not root or os.path.isdir(str(root)):
        return
    url, layout = _SOURCES[known]
    if known == 'HO3DDataset' and section.get('version') == 'v3':
        layout = 'ho3d_v3'
    tool = 'tools/synthesis/make_dataset.py'
    # Beside an installed package there is no folder of tools.
    maker = f'python {tool}' if os.path.isfile(tool) else 'mmhand synth'
    stand_in = (
        f', or make a stand-in with "{maker} --format {layout} --num 200 --out-dir {root}"'
        if layout
        else ''
    )
    raise HandFileError(
        f'{where}: data_root {root} is not a folder; name yours with --data-root FOLDER, get the data '
        f'at {url}{stand_in}'
    )


def _sections(node: Any, where: str, key: str = 'data_root') -> Iterator[tuple[str, Mapping]]:
    """Sections that have a key, with their places."""
    if isinstance(node, Mapping):
        if node.get(key):
            yield where, node
        children = [(str(name), value) for name, value in node.items()]
    elif isinstance(node, list | tuple):
        children = [(str(index), value) for index, value in enumerate(node)]
    else:
        return
    for name, value in children:
        yield from _sections(value, f'{where}.{name}', key)


def _giving(dataset: Dataset) -> Callable[[], Dataset]:
    def opened() -> Dataset:
        return dataset

    return opened

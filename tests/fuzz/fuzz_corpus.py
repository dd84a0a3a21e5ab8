"""Small good files of every kind that the package reads, and how each is read."""

import contextlib
import json
import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import torch

SINGLE = (
    'LoadHandImage',
    'LoadSoftHandMasks',
    'HandBBoxCrop',
    'HandTopdownAffine',
    'PackHandInputs',
)
PAIR = ('LoadHandImage', 'LoadHandMasks', 'HandBBoxCrop', 'HandTopdownAffine', 'PackHandInputs')
DEPTH = ('LoadDepthImage', 'CubeCrop', 'PackHandInputs')

#: Format of the writer, class of the reader, its arguments, its pipeline.
SETS = {
    'interhand': ('InterHand26MDataset', dict(with_mano=True), PAIR),
    'rootnet': ('InterHand26MDataset', dict(rootnet_file='rootnet.json'), PAIR),
    'ho3d': ('HO3DDataset', {}, SINGLE),
    'dexycb': ('DexYCBDataset', {}, SINGLE),
    'obman': ('ObManDataset', {}, SINGLE),
    'freihand': ('FreiHANDDataset', dict(split='training'), SINGLE),
    'aih': ('AIHDataset', {}, ('LoadAIHSample',)),
    'nyu': ('NYUDataset', {}, DEPTH),
    'icvl': ('ICVLDataset', {}, DEPTH),
    'msra': ('MSRADataset', dict(test_subject=8), DEPTH),
    'shrec': ('SHRECDataset', {}, DEPTH),
}

_CONFIGS = {
    'interhand': dict(captures=1, views=1, hands='interacting', image_size=(64, 64)),
    'ho3d': dict(image_size=(64, 64)),
    'dexycb': dict(image_size=(64, 64)),
}


@dataclass
class Seed:
    """Good files and the function that reads them.

    Attributes:
        name: of the reader.
        folder: of the files.
        files: those that are spoilt.
        read: takes a scratch folder; raises ``MMHandError`` at most.
    """

    name: str
    folder: Path
    files: list[Path]
    read: Callable[[Path], object] = field(repr=False)


def make_corpus(folder: Path, names: tuple[str, ...] = ()) -> list[Seed]:
    """Write the corpus; ``names`` picks readers, none all of them."""
    made: dict[str, Seed] = {}
    for name in SETS:
        if not names or name in names:
            made[name] = _data_set(name, folder)
    for name, make in _OTHERS.items():
        if not names or name in names:
            here = folder / name
            here.mkdir(parents=True, exist_ok=True)
            made[name] = make(name, here)
    return list(made.values())


def _data_set(name: str, folder: Path) -> Seed:
    from mmhand.synthesis import generate_dataset, get_writer

    kind = get_writer('interhand' if name == 'rootnet' else name)
    root = folder / name
    config = kind.make_config(**_CONFIGS.get('interhand' if name == 'rootnet' else name, {}))
    split = 'training' if name == 'freihand' else 'train'
    generate_dataset(kind(root, config, seed=1), {split: 1}, progress=False)
    if name == 'dexycb':  # the official folder has a thousand recordings; one is enough
        for meta in root.glob('*/*/meta.yml'):
            if not list(meta.parent.glob('*/labels_*.npz')):
                meta.unlink()
    if name == 'rootnet':
        source = next((root / 'rootnet_output').glob('*.json'))
        (root / 'rootnet.json').write_text(source.read_text())
        files = [root / 'rootnet.json']
    else:
        files = [
            path
            for path in sorted(root.rglob('*'))
            if path.is_file() and not any(part.startswith('.') for part in path.parts[-4:])
        ]
        files = [
            path for path in files if path.parent.name != 'depth' and '/depth/' not in str(path)
        ]
    cls, options, steps = SETS[name]

    def read(scratch: Path) -> None:
        from mmhand.registry import DATASETS

        dataset = DATASETS.build(
            dict(
                type=cls,
                data_root=str(root),
                cache_dir=str(scratch / 'cache'),
                strict=True,
                pipeline=[_step(step) for step in steps],
                **{'split': 'train', **options},
            )
        )
        dataset[0]

    return Seed(name, root, files, read)


def _step(name: str) -> dict:
    return dict(type=name, required=False) if name == 'LoadSoftHandMasks' else dict(type=name)


def _cache(name: str, folder: Path) -> Seed:
    from mmhand.datasets.store import AnnotationStore, StoreWriter

    with StoreWriter(folder) as writer:
        writer.add('frame', 'number', np.arange(3))
        writer.add('frame', 'joints', np.zeros((3, 21, 3), np.float32))
        writer.add_strings('frame', 'name', ['a', 'b/c', ''])

    def read(scratch: Path) -> None:
        store = AnnotationStore(folder)
        for table in store._tables.values():
            for column in table.values():
                list(column)

    return Seed(name, folder, sorted(folder.iterdir()), read)


def _pictures(name: str, folder: Path) -> Seed:
    rng = np.random.default_rng(0)
    picture = cv2.GaussianBlur(rng.integers(0, 255, (48, 64, 3), np.uint8), (5, 5), 2)
    for suffix in ('jpg', 'png', 'webp', 'bmp', 'tiff'):
        cv2.imwrite(str(folder / f'picture.{suffix}'), picture)
    cv2.imwrite(str(folder / 'progressive.jpg'), picture, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])
    cv2.imwrite(str(folder / 'depth.png'), picture[..., 0].astype(np.uint16) * 9)
    np.save(folder / 'depth.npy', picture[..., 0].astype(np.float32) / 255)
    files = sorted(folder.iterdir())

    def read(scratch: Path) -> None:
        from mmhand.apis.picture_reading import read_picture
        from mmhand.datasets.picture_io import decode_image, read_file
        from mmhand.datasets.transforms.load_depth import read_depth
        from mmhand.utils import MMHandError

        errors = []
        for path in files:
            jobs = [lambda p: read_depth(p)]
            if path.suffix != '.npy':
                jobs += [read_picture, lambda p: decode_image(read_file(str(p), 'a'), str(p), 'a')]
            for job in jobs:
                try:
                    job(path)
                except MMHandError as error:
                    errors.append(error)
        if errors:
            raise max(errors, key=lambda error: len(str(error)))

    return Seed(name, folder, files, read)


def _checkpoints(name: str, folder: Path) -> Seed:
    from mmhand.hand_models import MANO, synthetic_mano
    from mmhand.utils.checkpoint import load_checkpoint

    state = {'layer.weight': torch.zeros(4, 3), 'layer.bias': torch.zeros(4)}
    torch.save({'state_dict': state, 'meta': {'epoch': 1, 'numbers': np.ones(3)}}, folder / 'a.pth')
    torch.save(state, folder / 'b.pth', _use_new_zipfile_serialization=False)
    from safetensors.torch import save_file

    save_file(state, folder / 'c.safetensors')
    hand = folder / 'MANO_RIGHT.pkl'
    hand.write_bytes(pickle.dumps(synthetic_mano('right'), protocol=2))

    def read(scratch: Path) -> None:
        from mmhand.utils import MMHandError

        errors = []
        for path in sorted(folder.glob('?.*')):
            try:
                load_checkpoint(path)
            except MMHandError as error:
                errors.append(error)
        try:
            MANO(model_path=str(hand), side='right')
        except MMHandError as error:
            errors.append(error)
        if errors:
            raise errors[0]

    return Seed(name, folder, [*sorted(folder.glob('?.*')), hand], read)


def _configs(name: str, folder: Path) -> Seed:
    content = {
        'model': {'type': 'mmhand.InterNet', 'backbone': {'depth': 18}},
        'train_dataloader': {'batch_size': 2, 'dataset': {'type': 'InterHand26MDataset'}},
        'custom': [1, 2.5, 'text', None, {'a': {'b': [1]}}],
    }
    (folder / 'a.json').write_text(json.dumps(content))
    import yaml

    (folder / 'b.yaml').write_text(yaml.safe_dump(content))
    files = sorted(folder.iterdir())

    def read(scratch: Path) -> None:
        from mmhand.utils import MMHandError
        from mmhand.utils.config import load_config

        errors = []
        for path in files:
            try:
                load_config(str(path))
            except MMHandError as error:
                errors.append(error)
        if errors:
            raise errors[0]

    return Seed(name, folder, files, read)


def _npz(name: str, folder: Path) -> Seed:
    from mmhand.utils.safe_npz import load_npz

    np.savez(folder / 'a.npz', a=np.arange(5), b=np.ones((2, 3)), c=np.array(['x']))
    np.savez_compressed(folder / 'b.npz', a=np.zeros((100, 100)))
    with (folder / 'c.pkl').open('wb') as file:
        pickle.dump({'a': np.ones((3, 3)), 'b': [1, 2.0, 'x'], 'c': np.float64(3)}, file)
    files = sorted(folder.iterdir())

    def read(scratch: Path) -> None:
        from mmhand.hand_models.io import load_pickle
        from mmhand.utils import MMHandError
        from mmhand.utils.pickle_records import evaluate

        errors = []
        for path in files:
            try:
                if path.suffix == '.npz':
                    load_npz(path)
                else:
                    content = load_pickle(path)
                    for value in content.values() if isinstance(content, dict) else ():
                        _evaluated(value, evaluate)
            except MMHandError as error:
                errors.append(error)
        if errors:
            raise errors[0]

    return Seed(name, folder, files, read)


def _evaluated(value: object, evaluate: Callable) -> None:
    """As the readers do: what cannot be evaluated is the reader's to report."""
    with contextlib.suppress(ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        evaluate(value)


_OTHERS: dict[str, Callable[[str, Path], Seed]] = {
    'cache': _cache,
    'pictures': _pictures,
    'checkpoints': _checkpoints,
    'configs': _configs,
    'npz': _npz,
}

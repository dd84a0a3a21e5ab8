"""AIH: hands to be freed of other hands (Meng et al., ECCV 2022)."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mmhand.datasets.base_hand_dataset import BaseHandDataset
from mmhand.datasets.checks import Column, check_numbers
from mmhand.datasets.store.annotation_store import AnnotationStore, StoreWriter
from mmhand.registry import DATASETS
from mmhand.structures.sides import SIDES
from mmhand.utils.errors import HandConfigError, HandDataError, HandFileError

from .layout import LIST_FOLDERS, UNUSABLE, AIHPaths, read_stems, read_syn_configs

#: Shifts are parts of a picture, turns degrees; colours are scaled by about 1.
_LARGEST_MOVE, _LARGEST_GAIN = 360.0, 100.0

#: Rates of occlusion are parts or percents; nothing is computed from them.
_LARGEST_RATE = 100.0

#: Parts in the release's order: half, source of annotations, side of the target (``''``: either).
PARTS = (
    ('syn', 'machine', ''),
    ('syn', 'human', ''),
    ('render', 'human', 'right'),
    ('render', 'human', 'left'),
    ('render', 'machine', 'right'),
    ('render', 'machine', 'left'),
)


@DATASETS.register_module()
class AIHDataset(BaseHandDataset):
    """AIH in its released layout (methods/hdr.md#aih).

    Samples come in the release's order: pastes of machine and human annotated hands (``AIH_syn``),
    then rendered ones with right and left targets (``AIH_render``). Without a subset ``train`` has
    all of these, ``val`` and ``test`` the machine annotated pastes only, as released. Pastes for
    which the authors found no partner are left out. A sample whose hand has no mask is unusable, and
    the next one takes its place.

    ``subset`` keys, all optional:

    * ``half``: ``'syn'``, ``'render'`` or ``'all'``.
    * ``source``: ``'human'``, ``'machine'`` or ``'all'``.
    * ``side``: ``'right'`` or ``'left'`` targets.

    Pipeline keys: ``sample_id``, ``dataset``, ``img_path``, ``aih`` (what
    :class:`LoadAIHSample` reads: ``half``, ``mirror``, paths, and for pastes ``target_move`` and
    ``pasted_move`` (4,), ``pasted_gain``), ``occlusion_rate`` for pastes, ``hand_type``.

    Args:
        data_root: folder with ``AIH_syn`` and ``AIH_render``.
        split: ``'train'``, ``'val'`` or ``'test'``.
        kwargs: of :class:`BaseHandDataset`.

    Raises:
        HandConfigError: unknown subset value, or nothing left.
        HandFileError, HandDataError: a list or configuration is missing or malformed.
    """

    METAINFO: dict = dict(dataset_name='aih', joint_set='canonical', synthetic=True)
    SUBSET_KEYS = ('half', 'source', 'side')

    def source_files(self) -> Mapping[str, Path | None]:
        """Lists, configurations and picture folders of the split; only those that exist."""
        found: dict[str, Path | None] = {}
        for half, annot, side in PARTS:
            role = f'{half}_{annot}_{side}'
            if half == 'render':
                folder = self._root / AIHPaths(annot, self.split, side).render_folder
                found[role] = folder if folder.is_dir() else None
                continue
            configs = self._root / AIHPaths(annot, self.split, 'right').syn_configs
            exists = configs.is_file()
            found[f'{role}configs'] = configs if exists else None
            for one in SIDES:
                found[f'{role}{one}'] = self._list(annot, one) if exists else None
        if not any(found.values()):
            expected = self._root / AIHPaths('machine', self.split, 'right').syn_configs
            raise HandFileError(
                f'{self.data_root} has nothing of AIH\'s split "{self.split}": '
                f'{expected} does not exist'
            )
        return found

    @property
    def _root(self) -> Path:
        return Path(self.data_root)

    def _list(self, annot: str, side: str) -> Path:
        path = AIHPaths(annot, self.split, side).filtered_list
        for folder in LIST_FOLDERS:
            candidate = self._root / 'AIH_syn' / folder / path.name
            if candidate.is_file():
                return candidate
        raise HandFileError(f'{self._root / path} does not exist; AIH_syn is not complete')

    def build_store(
        self,
        writer: StoreWriter,
        sources: Mapping[str, Path | None],
        progress: Callable[[int], None],
    ) -> None:
        """One row a sample."""
        names: list[tuple[str, str]] = []
        columns: dict[str, list] = {key: [] for key in ('part', 'side', 'moves', 'gains', 'rate')}
        for part, (half, annot, side) in enumerate(PARTS):
            role = f'{half}_{annot}_{side}'
            if half == 'render' and sources[role] is not None:
                stems = sorted(path.stem for path in Path(sources[role]).glob('*.jpg'))
                names += [(stem, '') for stem in stems]
                count = len(stems)
                columns['side'] += [SIDES.index(side)] * count
                columns['moves'] += [np.zeros((2, 4))] * count
                columns['gains'] += [np.ones((2, 3))] * count
                columns['rate'] += [0.0] * count
            elif half == 'syn' and sources[f'{role}configs'] is not None:
                count = self._add_pastes(role, sources, names, columns)
            else:
                count = 0
            columns['part'] += [part] * count
        if not names:
            raise HandDataError(f'{self.data_root} has no sample of split "{self.split}"')
        rows = Column(self.data_root, 'paste', lambda row: '/'.join(names[row]))
        moves, gains, rate = (
            np.array(columns[key], np.float64) for key in ('moves', 'gains', 'rate')
        )
        check_numbers(rows, moves, _LARGEST_MOVE)
        check_numbers(rows, gains, _LARGEST_GAIN)
        pasted = np.array([bool(pasted) for _, pasted in names])
        rows.refuse((moves[..., 2] <= 0) & pasted[:, None], moves, 'has no size')
        check_numbers(rows, rate, _LARGEST_RATE, used=~np.isnan(rate))
        writer.add_strings('sample', 'target', [target for target, _ in names])
        writer.add_strings('sample', 'pasted', [pasted for _, pasted in names])
        for key, dtype in (('part', np.int8), ('side', np.int8), ('rate', np.float32)):
            writer.add('sample', key, np.array(columns[key], dtype))
        for key in ('moves', 'gains'):
            writer.add('sample', key, np.array(columns[key], np.float64))

    def _add_pastes(
        self, role: str, sources: Mapping, names: list[tuple[str, str]], columns: dict[str, list]
    ) -> int:
        stems = [read_stems(Path(sources[f'{role}{side}'])) for side in SIDES]
        path = Path(sources[f'{role}configs'])
        count = 0
        for number, entry in enumerate(read_syn_configs(path)):
            try:
                side = SIDES.index(entry['loop_side'])
                own, other = int(entry['loop_side_idx']), int(entry['another_side_idx'])
                if UNUSABLE in (own, other):
                    continue
                if min(own, other) < 0:
                    raise IndexError(f'index {min(own, other)}')
                names.append((str(stems[side][own]), str(stems[1 - side][other])))
                # "r" is the target whatever its side: it is mirrored to be a right hand.
                lists = [entry['r_aug_list'], entry['l_aug_list']]
                columns['moves'].append(
                    [[*map(float, a[0]), float(a[1]), float(a[2])] for a in lists]
                )
                columns['gains'].append([np.asarray(a[3], float).reshape(3) for a in lists])
                columns['rate'].append(float(entry.get('occlusion_rate', np.nan)))
            except (KeyError, IndexError, TypeError, ValueError) as error:
                raise HandDataError(f'{path}: paste {number} is malformed ({error})') from None
            columns['side'].append(side)
            count += 1
        return count

    def select_rows(self, store: AnnotationStore) -> np.ndarray:
        """Rows of the subset in the release's order."""
        half = _choice(self.subset, 'half', ('syn', 'render', 'all'))
        source = _choice(self.subset, 'source', ('human', 'machine', 'all'))
        side = _choice(self.subset, 'side', (*SIDES, 'all'))
        if not self.subset and self.split != 'train':
            half, source = 'syn', 'machine'
        parts = [
            index
            for index, (kind, annot, _) in enumerate(PARTS)
            if half in (kind, 'all') and source in (annot, 'all')
        ]
        keep = np.isin(store['sample']['part'], parts)
        if side != 'all':
            keep &= store['sample']['side'] == SIDES.index(side)
        return np.flatnonzero(keep)

    def read_row(self, store: AnnotationStore, row: int) -> dict:
        """See :class:`BaseHandDataset`."""
        table = store['sample']
        half, annot, _ = PARTS[table['part'][row]]
        side = int(table['side'][row])
        own = AIHPaths(annot, self.split, SIDES[side])
        other = AIHPaths(annot, self.split, SIDES[1 - side])
        stem, pasted = table['target'][row], table['pasted'][row]
        record: dict[str, Any] = dict(half=half, mirror=side == 1)
        if half == 'syn':
            files = dict(
                image=own.syn_image(stem),
                amodal=own.syn_mask(stem),
                pasted_image=other.syn_image(pasted),
                pasted_amodal=other.syn_mask(pasted),
            )
            moves = np.array(table['moves'][row])
            record.update(target_move=moves[0], pasted_move=moves[1])
            record['gains'] = np.array(table['gains'][row])
        else:
            files = dict(
                image=own.render_image(stem),
                target=own.render_target(stem),
                amodal=own.render_amodal(stem),
                visible=own.render_visible(stem),
            )
        record.update({key: self._root / path for key, path in files.items()})
        return dict(
            img_path=str(record['image']),
            sample_id=f'{self.split}/{half}/{annot}/{SIDES[side]}/{stem}',
            dataset=self._metainfo['dataset_name'],
            hand_type=SIDES[side],
            occlusion_rate=float(table['rate'][row]),
            aih=record,
        )


def _choice(subset: Mapping[str, Any], key: str, known: tuple[str, ...]) -> str:
    value = subset.get(key, 'all')
    if value not in known:
        raise HandConfigError(f'subset {key} must be one of {", ".join(known)}, not {value!r}')
    return value

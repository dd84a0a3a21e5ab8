"""Where AIH keeps its files, and how its pictures are cut (methods/hdr.md#aih)."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mmhand.datasets.checks import Column
from mmhand.datasets.picture_io import decode_image, read_file
from mmhand.hand_models.io import load_pickle_stream
from mmhand.structures.bbox import crop_affine, squarify_bbox
from mmhand.utils.errors import HandDataError, HandFileError
from mmhand.utils.pickle_records import Record, evaluate
from mmhand.utils.plain_file import read_plain
from mmhand.utils.safe_npz import HEADER_ERRORS

#: Side of every picture of AIH.
IMAGE_SIZE = 256

#: ``another_side_idx`` of a paste for which nothing fitting was found.
UNUSABLE = -1000

#: Older releases name the folder of the lists after how they were filtered.
LIST_FOLDERS = ('filtered_list', 'BLACK4_final_filtered_sh_jdxs')


@dataclass(frozen=True)
class AIHPaths:
    """Paths below the root of AIH for one source of annotations, split and side.

    Attributes:
        annot: ``'machine'`` or ``'human'``.
        split: ``'train'``, ``'val'`` or ``'test'``.
        side: ``'right'`` or ``'left'``.
    """

    annot: str
    split: str
    side: str

    @property
    def filtered_list(self) -> Path:
        """Stems of the usable single hands, one a line."""
        name = f'{self.annot}_annot_{self.split}_sh_{self.side}_filtered.txt'
        return Path('AIH_syn') / LIST_FOLDERS[0] / name

    @property
    def syn_configs(self) -> Path:
        """Drawn pastes; one file for both sides."""
        return Path('AIH_syn') / 'syn_cfgs' / f'all_{self.annot}_annot_{self.split}_syn_cfgs.npy'

    def _folder(self, half: str) -> Path:
        return Path(half) / f'{self.annot}_annot' / self.split

    def syn_image(self, stem: str) -> Path:
        """A single hand."""
        return self._folder('AIH_syn') / 'images' / f'{self.side[0]}_images' / f'{stem}.jpg'

    def syn_mask(self, stem: str) -> Path:
        """Its amodal mask."""
        return self._labels('AIH_syn') / f'{self.side[0]}_amodal' / f'{stem}.png'

    def _labels(self, half: str) -> Path:
        return self._folder(half) / 'labels' / f'in_{self.side[0]}_images'

    @property
    def render_folder(self) -> Path:
        """Pictures of interacting hands with this side as the target."""
        return self._folder('AIH_render') / 'images' / f'{self.side[0]}_images' / 'IH'

    def render_image(self, name: str) -> Path:
        """Interacting hands."""
        return self.render_folder / f'{name}.jpg'

    def render_target(self, name: str) -> Path:
        """The target alone."""
        return self.render_folder.parent / 'DR_gt' / f'{name}.jpg'

    def render_amodal(self, name: str) -> Path:
        """The whole target."""
        return self._labels('AIH_render') / f'{self.side[0]}_amodal' / f'{name}.png'

    def render_visible(self, name: str) -> Path:
        """Who is seen: 0 nobody, 1 the right hand, 2 the left one."""
        return self._labels('AIH_render') / 'rl_visible' / f'{name}.png'


def hand_crop(amodal: np.ndarray, scale: float = 2.0) -> np.ndarray:
    """Affine (2, 3) float32 that cuts a hand out by its mask (H, W), as HDR's pipeline does.

    The box around the mask, squared and enlarged, goes to 256 x 256; a picture without the hand is
    taken whole.
    """
    height, width = amodal.shape
    rows, columns = np.nonzero(amodal)
    box = np.array([0.0, 0.0, width, height])
    if len(rows) and (np.ptp(rows) or np.ptp(columns)):
        low = np.array([columns.min(), rows.min()], float)
        high = np.array([columns.max(), rows.max()], float)
        box = squarify_bbox(np.concatenate([low, high - low]), scale)
    return crop_affine(box, (IMAGE_SIZE, IMAGE_SIZE))


def paste_affine(
    move: np.ndarray, out_size: int = IMAGE_SIZE, mirror: bool = False, in_size: int = IMAGE_SIZE
) -> np.ndarray:
    """Affine (2, 3) float32 of one hand of a paste.

    The box is (0, 0, 255, 255), as released: even a hand that is not moved grows by 256 / 255.

    Args:
        move: (4,) shift x, shift y (of 255 pixels), scale, rotation in degrees.
        out_size: side of the result.
        mirror: mirror the picture first.
        in_size: side of the picture.
    """
    edge = in_size - 1.0
    box = np.array([move[0] * edge, move[1] * edge, edge, edge])
    warp = crop_affine(box, (out_size, out_size), float(move[2]), float(move[3]))
    if not mirror:
        return warp
    flip = np.array([[-1.0, 0.0, edge], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    return (warp.astype(np.float64) @ flip).astype(np.float32)


def read_stems(path: Path) -> np.ndarray:
    """Stems (N,) int64 of a filtered list, whose numbers are written as floats.

    Raises:
        HandFileError: it cannot be read.
        HandDataError: it holds something else than numbers.
    """
    try:
        numbers = np.array(path.read_text(encoding='utf-8').split(), dtype=np.float64)
    except OSError as error:
        raise HandFileError(f'cannot read {path}: {error.strerror or error}') from None
    except ValueError as error:
        reason = ' '.join(str(error).split())[:120]
        raise HandDataError(f'{path} is no list of numbers: {reason}; copy it again') from None
    column = Column(path, 'stem', lambda row: f'line {row + 1}')
    column.refuse(
        ~((numbers >= 0) & (numbers < 1e15) & (np.mod(numbers, 1) == 0)),
        numbers,
        'is no number of a file',
    )
    return numbers.astype(np.int64)


def read_syn_configs(path: Path) -> list[dict[str, Any]]:
    """Drawn pastes of a ``syn_cfgs`` file: a pickled object array, read without running anything.

    Raises:
        HandFileError: it cannot be read, or is no such file.
        UnsafeFileError: its pickle asks for anything but arrays and numbers.
    """
    try:
        content = read_plain(path)
        stream = io.BytesIO(content)
        version = np.lib.format.read_magic(stream)
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else None
        header = header or np.lib.format.read_array_header_2_0
        header(stream)
    except (OSError, *HEADER_ERRORS) as error:
        reason = getattr(error, 'strerror', None) or ' '.join(str(error).split())[:200]
        raise HandFileError(f'{path}: cannot be read as .npy ({reason})') from None
    pickled = load_pickle_stream(stream, str(path))
    return [plain(entry) for entry in _entries(pickled, path)]


def _entries(pickled: Any, path: Path) -> list:
    # An object array is pickled as _reconstruct(...) with state (version, shape, dtype, order, list).
    state = getattr(pickled, 'state', None)
    if not isinstance(pickled, Record) or not isinstance(state, tuple) or len(state) < 5:
        raise HandFileError(f'{path}: holds no list of pastes')
    return list(state[4])


def plain(value: Any) -> Any:
    """Records of arrays and numbers in nested containers as what they stand for."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return evaluate(value)


def read_picture(path: Path, flags: int = cv2.IMREAD_COLOR) -> np.ndarray:
    """A picture of AIH, which must be 256 x 256.

    Raises:
        HandFileError: it is missing or no picture.
        HandDataError: it has another size.
    """
    picture = decode_image(read_file(str(path), path.stem), str(path), path.stem, flags)
    if picture.shape[:2] != (IMAGE_SIZE, IMAGE_SIZE):
        raise HandDataError(f'{path} is {picture.shape[:2]}, AIH has {IMAGE_SIZE} x {IMAGE_SIZE}')
    return picture

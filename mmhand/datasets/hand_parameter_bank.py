"""Hand parameters to render training depth from."""

import logging
from pathlib import Path

import numpy as np
import torch
from mmengine.logging import print_log
from torch import Tensor
from torch.utils.data import Dataset

from mmhand.fitting.anatomy import anatomical_frames
from mmhand.hand_models import LinearSkinnedHand
from mmhand.hand_models.joint_limits import anatomical_to_matrix
from mmhand.hand_models.pose_sampling import sample_anatomical
from mmhand.hand_models.rotations import axis_angle_to_matrix, matrix_to_axis_angle
from mmhand.registry import DATASETS, MODELS
from mmhand.utils.errors import HandConfigError, HandDataError, HandFileError
from mmhand.utils.safe_npz import load_npz

from .seeded_sampler import mix_seeds

#: Files of a bank: ``PREFIX-glb.txt`` and so on, and their widths (a quaternion or axis-angle first).
_PARTS = {'glb': (3, 4), 'pose': (45,), 'shape': (10,), 'scale': (1,), 'trans': (3,)}

_HANDS = 45


@DATASETS.register_module()
class HandParameterBank(Dataset):
    """Rows of hand parameters (62 numbers, or 63 with a quaternion) as :class:`MPEHand` takes them.

    Items are ``dict(inputs=dict(mpe, seed))``; the seed decides what a renderer draws about the hand,
    and comes from :class:`.SeededSampler`.

    Sources, one of:

    * ``bank``: a folder of text files ``PREFIX-{glb,pose,shape,scale,trans}.txt`` as DSF's release reads
      them (HANDS 2020 fits, or its published fits to NYU);
    * ``fits``: an ``.npz`` with ``mpe``, or ``pose`` (N, 48) axis-angle, mean not added, and ``betas``;
    * neither: ``num`` poses of the anatomical sampler, for any hand model, from ``seed``.

    Args:
        bank: folder of text files.
        prefix: beginning of their names; only needed where the folder has several.
        fits: ``.npz`` file.
        num: poses to draw where there is no file; rows to take where there is.
        seed: of the drawn poses.
        upright: drawn hands are held up before the camera; else they are turned any way.
        turn: how far drawn upright hands turn: 1 as people hold them, 0 always palm to the camera.
        hand_model: config of the hand that poses are drawn for, and whose components ``fits`` are
            written in.

    Raises:
        HandConfigError: two sources, or ``prefix`` without ``bank``.
        HandFileError, HandDataError: a file is missing or malformed; names it.
    """

    METAINFO: dict = dict(dataset_name='hand_parameters')

    def __init__(
        self,
        bank: str | None = None,
        prefix: str | None = None,
        fits: str | None = None,
        num: int | None = None,
        seed: int = 0,
        upright: bool = True,
        turn: float = 1.0,
        hand_model: dict | None = None,
    ) -> None:
        if bank is not None and fits is not None:
            raise HandConfigError('a bank of hand parameters is either a folder or fits, not both')
        if prefix is not None and bank is None:
            raise HandConfigError(f'prefix "{prefix}" names files of a bank, and there is no bank')
        self.metainfo = dict(self.METAINFO)
        self._hand_model = hand_model or dict(type='OpenHand', side='right')
        if bank is not None:
            rows = read_bank(Path(bank), prefix)
        elif fits is not None:
            rows = self._read_fits(Path(fits))
        else:
            rows = self._drawn(num or 10000, seed, upright, turn)
        self.mpe = rows if num is None else rows[:num]
        source = bank or fits or 'the anatomical sampler'
        print_log(f'{len(self.mpe)} hand parameters from {source}', logger='current')

    def __len__(self) -> int:
        return len(self.mpe)

    def __getitem__(self, index: int) -> dict:
        """Parameters (62,) and the seed of their rendering."""
        seed = getattr(index, 'seed', None)
        seed = mix_seeds(int(index)) if seed is None else seed
        return dict(inputs=dict(mpe=self.mpe[int(index)], seed=seed))

    def _hand(self) -> LinearSkinnedHand:
        hand = MODELS.build(self._hand_model)
        if not isinstance(hand, LinearSkinnedHand):
            raise HandConfigError(f'hand_model {self._hand_model} is no hand that can be posed')
        return hand

    def _drawn(self, count: int, seed: int, upright: bool, turn: float) -> Tensor:
        hand = self._hand()
        generator = torch.Generator().manual_seed(seed)
        angles = sample_anatomical(count, generator).double()
        local = anatomical_to_matrix(angles, anatomical_frames(hand))
        pose = matrix_to_axis_angle(local).flatten(1).float()
        wrists = _orientations(count, generator, upright, turn, hand.side)
        return _rows(hand, matrix_to_axis_angle(wrists), pose, torch.zeros(count, hand.num_betas))

    def _read_fits(self, path: Path) -> Tensor:
        arrays = load_npz(path)
        if 'mpe' in arrays:
            return _checked(np.asarray(arrays['mpe'], np.float32), path)
        missing = [key for key in ('pose', 'betas') if key not in arrays]
        if missing:
            raise HandDataError(f'{path} has no "{missing[0]}": expected mpe, or pose and betas')
        pose, betas = (torch.from_numpy(np.float32(arrays[key])) for key in ('pose', 'betas'))
        if pose.ndim != 2 or pose.shape[1] != 3 + _HANDS or betas.shape != (len(pose), 10):
            raise HandDataError(
                f'{path}: pose {tuple(pose.shape)} and betas {tuple(betas.shape)}, expected (N, 48) and '
                '(N, 10)'
            )
        hand = self._hand()
        return _rows(hand, pose[:, :3], pose[:, 3:] + hand.hand_mean, betas)


def _rows(hand: LinearSkinnedHand, orient: Tensor, pose: Tensor, betas: Tensor) -> Tensor:
    """Parameters of true size of wrist (N, 3), full finger axis-angles (N, 45) and shape."""
    components = hand.hand_components.double()
    coefficients = (pose - hand.hand_mean).double() @ torch.linalg.pinv(components)
    count = len(pose)
    size, place = torch.ones(count, 1), torch.zeros(count, 3)
    return torch.cat((orient.float(), coefficients.float(), betas, size, place), dim=1)


def _orientations(
    count: int, generator: torch.Generator, upright: bool, reach: float, side: str
) -> Tensor:
    """(N, 3, 3) wrists: fingers up, palm or back to the camera, and turned by up to a right angle."""
    if not upright:
        q = torch.randn(count, 4, generator=generator, dtype=torch.float64)
        axis = torch.nn.functional.normalize(q[:, 1:], dim=1)
        angle = 2 * torch.atan2(q[:, 1:].norm(dim=1, keepdim=True), q[:, :1])
        return axis_angle_to_matrix(axis * angle)
    mirror = 1.0 if side == 'right' else -1.0
    # The models' hands point their fingers to -x (right) and their palms to -y.
    fingers, palm = torch.tensor([0.0, -1, 0]), torch.tensor([0.0, 0, -1])
    columns = torch.stack((-mirror * fingers, -palm, torch.linalg.cross(mirror * fingers, palm)), 1)
    turned = torch.rand(count, generator=generator) < 0.5 * reach
    about_y = torch.zeros(count, 3, dtype=torch.float64)
    about_y[:, 1] = turned * torch.pi
    in_plane = torch.zeros(count, 3, dtype=torch.float64)
    in_plane[:, 2] = reach * torch.pi * (torch.rand(count, generator=generator) - 0.5)
    tilt = 0.5 * reach * torch.randn(count, 3, generator=generator, dtype=torch.float64)
    turn = axis_angle_to_matrix(in_plane) @ axis_angle_to_matrix(tilt)
    return turn @ axis_angle_to_matrix(about_y) @ columns.double()


def read_bank(folder: Path, prefix: str | None = None) -> Tensor:
    """Read the text files of a bank.

    Args:
        folder: of ``PREFIX-glb.txt`` and its neighbours.
        prefix: ``None`` where the folder has one bank only.

    Returns:
        (N, 62) or (N, 63).

    Raises:
        HandFileError: a file is missing.
        HandDataError: one is malformed, or they have different lengths.
    """
    found = sorted(path.name.removesuffix('-pose.txt') for path in folder.glob('*-pose.txt'))
    if prefix is None:
        if len(found) != 1:
            there = f'banks {", ".join(found)}' if found else 'no *-pose.txt'
            raise HandFileError(
                f'{folder} has {there}, expected PREFIX-{{glb,pose,shape,scale,trans}}.txt: name one by '
                'prefix, or leave bank out to draw poses'
            )
        prefix = found[0]
    parts = []
    for part, widths in _PARTS.items():
        path = folder / f'{prefix}-{part}.txt'
        try:
            values = np.loadtxt(path, dtype=np.float32, ndmin=2)
        except OSError:
            raise HandFileError(f'{path} is missing or unreadable') from None
        except ValueError as error:
            raise HandDataError(f'{path} is no table of numbers: {error}') from None
        if values.shape[0] == 1 and part == 'scale' and parts and len(parts[0]) > 1:
            values = values.T
        if values.shape[1] not in widths:
            raise HandDataError(
                f'{path} has {values.shape[1]} numbers a row, expected {" or ".join(map(str, widths))}'
            )
        if parts and len(values) != len(parts[0]):
            raise HandDataError(f'{path} has {len(values)} rows, {prefix}-glb.txt {len(parts[0])}')
        parts.append(values)
    return _checked(np.concatenate(parts, axis=1), folder / f'{prefix}-*.txt')


def _checked(rows: np.ndarray, path: Path) -> Tensor:
    if rows.ndim != 2 or rows.shape[1] not in (62, 63) or not len(rows):
        raise HandDataError(f'{path}: hand parameters of shape {rows.shape}, expected (N, 62)')
    finite = np.isfinite(rows).all(1)
    if not finite.all():
        print_log(
            f'{path}: {int((~finite).sum())} rows are not finite and left out',
            logger='current',
            level=logging.WARNING,
        )
    return torch.from_numpy(np.ascontiguousarray(rows[finite], np.float32))

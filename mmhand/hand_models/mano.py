"""MANO hand model (Romero, Tzionas, Black: Embodied Hands, SIGGRAPH Asia 2017)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.logging import print_log

from mmhand.registry import MODELS
from mmhand.structures.sides import SIDES
from mmhand.utils.errors import HandConfigError, HandDataError, HandFileError

from .io import find_mano_file, load_mano_file, mano_arrays
from .linear_skinned_hand import LinearSkinnedHand
from .topology import boundary_ring

#: Fingertip vertices by preset, thumb to pinky, for the right and the left hand.
TIP_PRESETS: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    # manopth, and by it HandOccNet, SPMHand, the DexYCB toolkit, IAHM.
    'manopth': ((745, 317, 444, 556, 673), (745, 317, 445, 556, 673)),
    # Two-Hand-Shape-Pose v2 keeps 444 on the left.
    'twohand': ((745, 317, 444, 556, 673),) * 2,
    # InterHand2.6M's joint regressor has 445 on both sides.
    'interhand': ((745, 317, 445, 556, 673),) * 2,
    'smplx': ((744, 320, 443, 554, 671),) * 2,
    'freihand': ((744, 320, 443, 555, 672),) * 2,
    'humbi': ((744, 320, 443, 555, 672),) * 2,
    # HO3D's set-up script since March 2022; the two sets before it follow.
    'ho3d': ((744, 333, 444, 555, 672),) * 2,
    'ho3d_2020': ((728, 353, 442, 576, 694),) * 2,
    'ho3d_2019': ((745, 320, 444, 555, 657),) * 2,
    'dsf': ((744, 333, 444, 555, 672),) * 2,
    'cmr': ((744, 333, 444, 555, 672),) * 2,
}

#: Rim of MANO's mesh at the wrist, in cyclic order; used where a file's faces leave no rim to find.
WRIST_RING = (121, 214, 215, 279, 239, 234, 92, 38, 122, 118, 117, 119, 120, 108, 79, 78)

#: Loops of vertices at which MANO's closed mesh falls into palm and fourteen bones: root and knuckles of
#: index, middle, little and ring finger, then two of the thumb (docs/en/methods/dsf.md#mesh-parts).
PART_RINGS: tuple[tuple[int, ...], ...] = (
    (274, 260, 258, 172, 169, 168, 138, 137, 263, 186),
    (213, 87, 59, 58, 156, 49, 48, 166, 167, 225),
    (298, 340, 341, 301, 300, 299, 294, 295, 296, 297),
    (75, 246, 277, 269, 270, 187, 185, 262, 228, 288),
    (389, 365, 363, 362, 373, 359, 358, 376, 377, 394),
    (412, 411, 406, 407, 408, 409, 410, 452, 453, 413),
    (606, 607, 596, 597, 612, 611, 627, 593, 592, 608),
    (602, 603, 622, 617, 589, 587, 586, 599, 583, 582),
    (641, 640, 639, 634, 635, 636, 637, 638, 680, 682),
    (76, 141, 197, 198, 162, 163, 290, 276, 247),
    (499, 504, 487, 486, 470, 471, 483, 474, 475, 477),
    (523, 522, 517, 518, 519, 520, 521, 551, 565, 567),
    (105, 286, 253, 252, 248, 123, 126, 266, 10, 30, 29),
    (707, 708, 709, 710, 711, 753, 755, 714, 713, 712),
)

#: Below this sum of |left - right| the left x components are a copy of the right's.
_COPIED_SHAPEDIRS = 1.0


@MODELS.register_module()
class MANO(LinearSkinnedHand):
    """MANO from the user's own licensed file.

    Args:
        model_path: file, or folder with ``MANO_RIGHT.pkl`` / ``MANO_LEFT.pkl`` (or ``.npz`` of
            ``tools/model_converters/mano_to_npz.py``); ``None`` reads the environment variable
            ``MMHAND_MANO_ROOT``.
        side: ``'right'`` or ``'left'``.
        num_pca: take ``hand_pose`` as this many PCA coefficients (1 to 45); ``None`` takes 45
            axis-angle numbers.
        flat_hand_mean: the zero pose is the flat hand instead of MANO's mean pose.
        tip_preset: name in :data:`TIP_PRESETS`, or five vertices, thumb to pinky. Libraries and
            benchmarks differ here by millimetres.
        center_joint: joint (canonical name or index) put at the origin; ``None`` keeps MANO's own.
        fix_shapedirs: negate the x component of the left hand's ``shapedirs``, which the official
            file copies from the right hand without mirroring (smplx issue 48). InterHand2.6M's
            annotations expect it, DexYCB's do not. ``'auto'`` does so only where the copy is seen:
            absolute differences of left and right x that sum to less than 1, against the right
            hand's file in the same folder; without that file the left one is taken for the
            official one and mended, with a log message.
            ``False`` and ``True`` do as they say. Ignored for the right hand.
        dtype: of the buffers, a ``torch.dtype`` or its name.
        data: the arrays themselves in place of a file, by MANO's names (see
            :func:`~mmhand.hand_models.io.load_mano_file`). For ``'auto'`` it may hold
            ``right_shapedirs``.

    Raises:
        HandConfigError: an argument has a value outside its range.
        HandFileError: file missing, unreadable, or of the other hand.
        HandDataError: the file's content does not fit.
        UnsafeFileError: the file would run code.

    Examples:
        >>> mano = MANO('/path/to/mano_v1_2/models', side='right')
        >>> zero = torch.zeros(1, 45)
        >>> mano(zero[:, :3], zero, zero[:, :10]).vertices.shape
        torch.Size([1, 778, 3])
    """

    part_rings = PART_RINGS

    def __init__(
        self,
        model_path: str | Path | None = None,
        side: str = 'right',
        num_pca: int | None = None,
        flat_hand_mean: bool = False,
        tip_preset: str | Sequence[int] = 'manopth',
        center_joint: int | str | None = None,
        fix_shapedirs: bool | str = 'auto',
        dtype: torch.dtype | str = torch.float32,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        if side not in SIDES:
            raise HandConfigError(f'side must be "right" or "left", not {side!r}')
        if fix_shapedirs not in (True, False, 'auto'):
            raise HandConfigError(
                f'fix_shapedirs must be True, False or "auto", not {fix_shapedirs!r}'
            )
        if data is None:
            path = find_mano_file(model_path, side)
            where, arrays = str(path), load_mano_file(path)
        else:
            path, where, arrays = None, 'data', mano_arrays(data, 'data')
        stated = str(arrays.pop('side', side))
        if stated != side:
            raise HandDataError(f'{where}: holds the {stated} hand, but side="{side}"')
        if side == 'left' and fix_shapedirs:
            arrays['shapedirs'] = mended_shapedirs(arrays['shapedirs'], fix_shapedirs, path, data)
        if not len(boundary_ring(arrays['f'])):
            arrays['wrist_ring'] = np.array(WRIST_RING)
        super().__init__(
            arrays,
            side=side,
            tip_vertex_ids=tip_vertices(tip_preset, side),
            num_pca=num_pca,
            flat_hand_mean=flat_hand_mean,
            center_joint=center_joint,
            dtype=_float_dtype(dtype),
        )


def tip_vertices(preset: str | Sequence[int], side: str) -> tuple[int, ...]:
    """Fingertip vertices of a preset.

    Args:
        preset: name in :data:`TIP_PRESETS`, or the five vertices themselves.
        side: ``'right'`` or ``'left'``.

    Returns:
        Five vertex indices, thumb to pinky.

    Raises:
        HandConfigError: unknown preset.
    """
    if not isinstance(preset, str):
        return tuple(preset)
    if preset not in TIP_PRESETS:
        raise HandConfigError(f'unknown tip preset "{preset}"; known: {", ".join(TIP_PRESETS)}')
    return TIP_PRESETS[preset][side == 'left']


def mended_shapedirs(
    shapedirs: np.ndarray,
    fix: bool | str,
    path: Path | None = None,
    data: Mapping[str, Any] | None = None,
) -> np.ndarray:
    """Shape directions of the left hand with the sign of their x component put right.

    Args:
        shapedirs: (V, 3, S) of the left hand.
        fix: ``True`` negates x; ``'auto'`` does so unless the right hand's shape directions are at
            hand and show that it was done before, see :class:`MANO`.
        path: the left hand's file; the right hand's is looked for beside it.
        data: arrays that may hold ``right_shapedirs``; looked at when there is no ``path``.

    Returns:
        (V, 3, S).
    """
    right = _right_shapedirs(path, data) if fix == 'auto' else None
    if right is not None and not _is_copy(shapedirs, right):
        return shapedirs
    return shapedirs * np.array([-1.0, 1.0, 1.0])[:, None]


def _float_dtype(dtype: torch.dtype | str) -> torch.dtype:
    found = getattr(torch, dtype, None) if isinstance(dtype, str) else dtype
    if not isinstance(found, torch.dtype) or not found.is_floating_point:
        raise HandConfigError(f'dtype must be a floating-point torch dtype, not {dtype!r}')
    return found


def _is_copy(left: np.ndarray, right: np.ndarray) -> bool:
    """Whether the left hand's x components were taken over from the right hand's."""
    if left.shape != right.shape:
        return False
    return bool(np.abs(left[:, 0] - right[:, 0]).sum() < _COPIED_SHAPEDIRS)


def _right_shapedirs(path: Path | None, data: Mapping[str, Any] | None) -> np.ndarray | None:
    """Shape directions of the right hand that belongs to a left one, if it is at hand."""
    if path is None:
        right = (data or {}).get('right_shapedirs')
        right = None if right is None else np.asarray(right)
    else:
        try:
            right = load_mano_file(find_mano_file(path.parent, 'right'))['shapedirs']
        except HandFileError:
            right = None
    if right is None:
        print_log(
            'MANO left hand without its right-hand file: taken for the official one, whose '
            'shapedirs need their x negated; pass fix_shapedirs=False if it is mended already',
            logger='current',
        )
    return right

"""MANO's arrays inside single-hand releases, compared with the user's own file."""

import os
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from mmhand.utils.errors import HandDataError

#: Buffers of manopth's layer and MANO's names for them; only leading axes of one differ.
_BUFFERS = {
    'th_v_template': 'v_template',
    'th_shapedirs': 'shapedirs',
    'th_posedirs': 'posedirs',
    'th_J_regressor': 'J_regressor',
    'th_weights': 'weights',
    'th_hands_mean': 'hands_mean',
    'th_comps': 'hands_components',
    'th_faces': 'f',
}

#: Buffers of the identity-aware network itself.
_LOOSE = {'th_hands_mean': 'hands_mean', 'th_selected_comps': 'hands_components'}

#: Buffers are float32 copies of MANO's float64 arrays.
_TOLERANCE = 1e-6


def embedded_mano(state: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    """MANO arrays of a release's state dict, by MANO's names; empty if it holds none.

    Args:
        state: names of the layer's buffers end in ``mano_layer.th_*`` or ``mano_pca_layer.th_*``. A
            layer with a flat mean hand holds no mean, only zeros.
    """
    found = {}
    for key, value in state.items():
        prefix, _, name = key.rpartition('.')
        names = _BUFFERS if prefix.endswith(('mano_layer', 'mano_pca_layer')) else {}
        names = names if prefix else _LOOSE
        flat = name == 'th_hands_mean' and not value.any()
        if name in names and not flat:
            found[names[name]] = value.detach().cpu().numpy()
    return found


def compare_embedded_mano(
    state: Mapping[str, Tensor], mano_root: str | os.PathLike
) -> dict[str, float]:
    """Check that a checkpoint was trained with the user's right-hand MANO.

    Args:
        state: the authors' state dict.
        mano_root: the user's MANO file or its folder.

    Returns:
        Largest absolute difference by MANO's names.

    Raises:
        HandDataError: the checkpoint holds no MANO arrays, or they are another model's.
        HandFileError: the user's file is missing or broken.
    """
    # Only here, because the converters are listed without building models.
    from mmhand.hand_models.io import find_mano_file, load_mano_file

    embedded = embedded_mano(state)
    if not embedded:
        raise HandDataError('the checkpoint holds no MANO arrays to compare')
    path = find_mano_file(mano_root, 'right')
    arrays = load_mano_file(path)
    differences = {}
    for name, value in embedded.items():
        own = np.asarray(arrays[name], dtype=np.float64)
        if name == 'hands_components' and len(value) < len(own):
            own = own[: len(value)]
        value = value.astype(np.float64).reshape(-1)
        if value.size != own.size:
            raise HandDataError(
                f"the checkpoint's {name} has {value.size} numbers, {path} has {own.size}"
            )
        differences[name] = float(np.abs(value - own.reshape(-1)).max())
    wrong = {name: gap for name, gap in differences.items() if gap > _TOLERANCE}
    if wrong:
        name = max(wrong, key=wrong.__getitem__)
        raise HandDataError(
            f'{path} is not the MANO of the checkpoint: {name} differs by {wrong[name]:.2g}'
        )
    return differences


def checkpoint_state(checkpoint: Mapping) -> Mapping[str, Tensor]:
    """The state dict in a release's file."""
    for name in ('network', 'state_dict', 'model_state_dict', 'model', 'net'):
        if isinstance(checkpoint.get(name), Mapping):
            return checkpoint[name]
    return {k: v for k, v in checkpoint.items() if isinstance(v, torch.Tensor)}

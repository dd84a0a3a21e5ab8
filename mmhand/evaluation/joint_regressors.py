"""Joints as weighted means of a mesh's vertices, by regressors with names."""

from collections.abc import Callable, Mapping

import numpy as np
import torch

from mmhand.hand_models.hand_pair import build_hand_pair
from mmhand.hand_models.mano import MANO, tip_vertices
from mmhand.structures.joint_sets import joint_indices
from mmhand.utils.errors import HandConfigError, HandDataError

from .protocols import Protocol

#: From the metainfo of a data set and the protocol to weights (21, V), or (2, 21, V) right first.
Regressor = Callable[[Mapping, Protocol], np.ndarray | None]

_REGRESSORS: dict[str, Regressor] = {}


def register_joint_regressor(name: str) -> Callable[[Regressor], Regressor]:
    """Decorator that makes a regressor known to ``Protocol.joints_from``.

    Args:
        name: for it.

    Raises:
        HandConfigError: the name is taken.
    """
    if name in _REGRESSORS:
        raise HandConfigError(f'joint regressor "{name}" exists already')

    def keep(function: Regressor) -> Regressor:
        _REGRESSORS[name] = function
        return function

    return keep


def joint_regressor(protocol: Protocol, metainfo: Mapping) -> np.ndarray | None:
    """Weights that a protocol takes its joints from meshes with.

    Args:
        protocol: its ``joints_from`` names the regressor.
        metainfo: of the data set.

    Returns:
        (21, V) for both sides or (2, 21, V), rows in canonical order; ``None``: joints are compared as
        annotated and predicted.

    Raises:
        HandConfigError: no such regressor; the hand model of the data is not known.
        HandDataError: the weights have another shape.
    """
    if protocol.joints_from is None:
        return None
    if protocol.joints_from not in _REGRESSORS:
        raise HandConfigError(
            f'evaluation protocol "{protocol.name}": unknown joints_from "{protocol.joints_from}"; '
            f'known: {", ".join(sorted(_REGRESSORS))}'
        )
    weights = _REGRESSORS[protocol.joints_from](metainfo, protocol)
    if weights is None:
        return None
    weights = np.asarray(weights, np.float64)
    if weights.ndim not in (2, 3) or weights.shape[-2] != 21 or len(weights) not in (2, 21):
        raise HandDataError(
            f'joint regressor "{protocol.joints_from}" is {weights.shape}, not (21, V) or (2, 21, V)'
        )
    return weights


@register_joint_regressor('dataset')
def dataset_regressor(metainfo: Mapping, protocol: Protocol) -> np.ndarray | None:
    """What the data set states as ``joint_regressor``; ``None`` where it states none.

    Args:
        metainfo: of the data set.
        protocol: not used.
    """
    return metainfo.get('joint_regressor')


@register_joint_regressor('hand_model')
def hand_model_regressor(metainfo: Mapping, protocol: Protocol) -> np.ndarray:
    """The hand model's own regressor and its tip vertices, of both sides.

    MANO's tips are those of the protocol's ``tip_preset``, another hand's are its own.

    Args:
        metainfo: of the data set, with ``hand_model``, the config of its parameters' model.
        protocol: with ``tip_preset``.

    Raises:
        HandConfigError: the data set names no hand model.
    """
    config = metainfo.get('hand_model')
    if config is None:
        raise HandConfigError(
            f'evaluation protocol "{protocol.name}" takes joints from meshes by the hand model, and the '
            'data set names none: give the data set hand_model=dict(type=...)'
        )
    order = list(joint_indices('mano21', 'canonical'))
    sides = []
    for model in build_hand_pair(config):
        tips = model.tip_vertex_ids
        if isinstance(model, MANO):
            tips = tip_vertices(protocol.tip_preset, model.side)
        chain = model.joint_regressor.double()
        picked = torch.eye(model.num_verts).to(chain)[list(tips)]
        sides.append(torch.cat((chain, picked))[order].cpu().numpy())
    return np.stack(sides)

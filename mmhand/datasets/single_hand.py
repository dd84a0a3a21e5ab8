"""What data sets of one annotated hand per picture have in common."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mmhand.hand_models.base import HandModel
from mmhand.hand_models.build import build_hand_model
from mmhand.structures import CANONICAL, bbox_from_points
from mmhand.utils.errors import HandDataError, HandFileError

from .hand_record import hand_record, project_keypoints
from .mano_params import find_hand_model, hand_config


def right_hand_model(config: Mapping | str | None, data_root: str | Path) -> HandModel:
    """The right hand that a data set's parameters belong to.

    Args:
        config: of a hand model; ``None`` takes the one that a synthetic set names, else MANO.
        data_root: folder of the set.

    Raises:
        HandConfigError: the config builds something else.
        HandFileError: MANO is needed and not there.
    """
    config = config or find_hand_model(data_root) or dict(type='MANO')
    model = build_hand_model(dict(hand_config(config), side='right'))
    return model.eval().requires_grad_(False)


def model_name(config: Mapping | str | None, data_root: str | Path) -> str:
    """Type name of what :func:`right_hand_model` would build, without building it."""
    config = config or find_hand_model(data_root) or 'MANO'
    name = config if isinstance(config, str) else str(config['type'])
    return name.rpartition('.')[2]


def mesh_regressor(build: Callable[[], HandModel]) -> dict[str, np.ndarray]:
    """Metainfo of sets whose benchmark takes joints from meshes.

    Args:
        build: gives the hand model.

    Returns:
        ``joint_regressor`` (21, V) float64, canonical order; nothing where the hand model's file is not
        there, for annotations can be looked at without it.
    """
    try:
        model = build()
    except HandFileError:
        return {}
    with torch.no_grad():
        return dict(
            joint_regressor=model.regress_joints(torch.eye(model.num_verts).double()).numpy()
        )


def single_hand_record(
    *,
    side: str,
    joints: np.ndarray,
    valid: np.ndarray | float,
    intrinsics: np.ndarray,
    bbox: np.ndarray | None,
    sample_id: str,
    pose: np.ndarray | None = None,
    betas: np.ndarray | None = None,
    vertices: np.ndarray | None = None,
    transl: np.ndarray | None = None,
    rest_wrist: np.ndarray | None = None,
    **extra: Any,
) -> dict:
    """Pipeline input of one hand: the arrays of two hands with one of them filled.

    Args:
        side: ``'right'`` or ``'left'``.
        joints: (21, 3) canonical, camera frame, metres.
        valid: flag of all joints, or (21,).
        intrinsics: (3, 3).
        bbox: (4,) xywh; ``None``: the tight box of the projected joints.
        sample_id: name of the sample.
        pose: (48,) axis-angle, mean not added.
        betas: (10,).
        vertices: (V, 3) camera frame, metres.
        transl: (3,) metres, leads from the hand model's own frame to the camera's.
        rest_wrist: (3,) metres, the wrist of the shaped hand in its own frame; with ``transl``.
        extra: further keys of :func:`.hand_record.hand_record`.

    Raises:
        HandDataError: joints are not finite, or their box has no area.
    """
    row = int(side == 'left')
    if not np.isfinite(joints).all():
        raise HandDataError(f'sample {sample_id}: a joint is not finite')
    if bbox is None:
        bbox = bbox_from_points(project_keypoints(joints, intrinsics))

    def stacked(values: np.ndarray | float, shape: tuple[int, ...]) -> np.ndarray:
        both = np.zeros((2, *shape), dtype=np.float32)
        both[row] = values
        return both

    if pose is not None:
        extra['mano_pose'] = stacked(pose, (48,))
        extra['mano_betas'] = stacked(betas, betas.shape)
        extra['mano_valid'] = stacked(1.0, ())
    if transl is not None:
        extra['mano_trans'] = stacked(transl, (3,))
        extra['mano_rest_wrist'] = stacked(rest_wrist, (3,))
    if vertices is not None:
        extra['vertices'] = stacked(vertices, vertices.shape)
    return hand_record(
        bbox=bbox,
        sample_id=sample_id,
        keypoints_3d=stacked(joints, (len(CANONICAL), 3)),
        keypoint_valid=stacked(valid, (len(CANONICAL),)),
        hand_type=side,
        intrinsics=intrinsics,
        **extra,
    )

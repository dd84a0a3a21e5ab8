"""MANO-style parameters of data sets: which model they mean, and moving them between frames."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import torch

from mmhand.hand_models.base import HandModel
from mmhand.hand_models.hand_pair import build_hand_pair
from mmhand.registry import MODELS
from mmhand.utils.errors import HandConfigError, HandFileError, UnsafeFileError

from .checks import shorten

#: A synthetic set says here which hand model its parameters belong to.
SYNTHETIC_FILE = 'synthetic.json'

_BATCH = 512


def hand_config(config: Mapping | str) -> dict:
    """Config of a hand model that is given by its name or as a dictionary.

    Raises:
        HandConfigError: it is neither.
    """
    if not isinstance(config, str | Mapping):
        raise HandConfigError(f'hand_model is a name or a dictionary with a type, not {config!r}')
    return dict(type=config) if isinstance(config, str) else dict(config)


class AnnotatedPair:
    """The right and left hand model that a data set's parameters belong to.

    Args:
        config: of the hand model without ``side``, or its name.

    Raises:
        HandConfigError: the model is no hand model.
    """

    def __init__(self, config: Mapping | str) -> None:
        self.config = hand_config(config)
        models = build_hand_pair(self.config).eval().requires_grad_(False)
        self.models: list[HandModel] = list(models)
        wrists = [rest_wrist_regressor(model) for model in self.models]
        self._template, self._shape = (np.stack(parts) for parts in zip(*wrists, strict=True))

    def rest_wrists(self, betas: np.ndarray) -> np.ndarray:
        """Wrists (2, 3) of the shaped, unposed hands, metres; the pivots of their rotation.

        Args:
            betas: (2, B) shape of right and left.
        """
        return self._template + np.einsum('sck,sk->sc', self._shape, betas)

    def joints(self, pose: np.ndarray, betas: np.ndarray, transl: np.ndarray) -> np.ndarray:
        """Canonical joints (N, 2, 21, 3) of both hands, metres, in the frame of the parameters.

        Args:
            pose: (N, 2, 48) axis-angle, hand mean not added.
            betas: (N, 2, B).
            transl: (N, 2, 3) metres.
        """
        out = np.zeros((len(pose), 2, 21, 3), dtype=np.float32)
        with torch.no_grad():
            for side, model in enumerate(self.models):
                for start in range(0, len(pose), _BATCH):
                    part = slice(start, start + _BATCH)
                    args = (torch.from_numpy(array[part, side]) for array in (pose, betas, transl))
                    theta, beta, shift = args
                    result = model(theta[:, :3], theta[:, 3:], beta, shift)
                    out[part, side] = result.joints.numpy()
        return out

    def vertices(self, pose: np.ndarray, betas: np.ndarray, transl: np.ndarray) -> np.ndarray:
        """Vertices (2, V, 3) of one pair of hands, metres, in the frame of the parameters.

        Args:
            pose: (2, 48) axis-angle, hand mean not added.
            betas: (2, B).
            transl: (2, 3) metres.
        """
        arrays = [torch.as_tensor(array).float()[:, None] for array in (pose, betas, transl)]
        with torch.no_grad():
            return np.concatenate(
                [
                    model(theta[:, :3], theta[:, 3:], beta, shift).vertices.numpy()
                    for model, theta, beta, shift in zip(self.models, *arrays, strict=True)
                ]
            )

    @property
    def signature(self) -> str:
        """Hash of what the models return; equal models give equal signatures."""
        generator = np.random.default_rng(0)
        pose = generator.normal(0, 0.3, (2, 2, 48)).astype(np.float32)
        betas = generator.normal(0, 1, (2, 2, self._shape.shape[-1])).astype(np.float32)
        joints = self.joints(pose, betas, np.zeros((2, 2, 3), np.float32))
        return hashlib.sha256(np.round(joints, 5).tobytes()).hexdigest()[:12]


def rest_wrist_regressor(model: HandModel) -> tuple[np.ndarray, np.ndarray]:
    """Wrist of the shaped, unposed hand as a linear function of betas: (3,) and (3, B), metres.

    A shaped wrist is linear in the betas in every such model, so unit betas tell it all.
    """
    betas = torch.cat([torch.zeros(1, model.num_betas), torch.eye(model.num_betas)])
    rest = torch.zeros(len(betas), 3), torch.zeros(len(betas), 45)
    with torch.no_grad():
        wrists = model(*rest, betas).rest_joints[:, 0].double().numpy()
    return wrists[0], (wrists[1:] - wrists[0]).T


def find_hand_model(data_root: str | Path) -> dict | None:
    """Config of the hand model of a synthetic set's parameters; ``None`` for a real set.

    Raises:
        HandFileError: ``synthetic.json`` is there but unreadable.
    """
    path = Path(data_root) / SYNTHETIC_FILE
    if not path.is_file():
        return None
    try:
        record = json.loads(path.read_text())
        model = record.get('hand_model', 'OpenHand')
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise HandFileError(f'cannot read {path}: {error}') from None
    return _stated_model(model, path)


def _stated_model(model: object, path: Path) -> dict:
    """Config of a hand model that a file names, which may be the name of one and nothing else.

    Files written so far state ``{"type": "OpenHand", "flat_hand_mean": false}``; that form, with no
    other key, is understood too.
    """
    stated = dict(type=model) if isinstance(model, str) else model
    name = stated.get('type') if isinstance(stated, dict) else None
    if not isinstance(name, str) or not name.isidentifier() or not _is_hand_model(name):
        raise UnsafeFileError(
            f'{path}: "hand_model" is {shorten(model)}; a data set may only name a hand model, such '
            'as "OpenHand" or "MANO"; correct the file, or give the data set hand_model=dict(...)'
        )
    flat = stated.get('flat_hand_mean', False)
    if set(stated) - {'type', 'flat_hand_mean'} or not isinstance(flat, bool):
        raise UnsafeFileError(
            f'{path}: "hand_model" is {shorten(model)}; beside its name it may state a true or false '
            'flat_hand_mean only'
        )
    return dict(stated)


def _is_hand_model(name: str) -> bool:
    found = MODELS.get(name)
    return isinstance(found, type) and issubclass(found, HandModel)


def mano_to_camera(
    pose: np.ndarray,
    transl: np.ndarray,
    rest_wrist: np.ndarray,
    rotation: np.ndarray,
    center: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Move parameters from the world to a camera (methods/twohand.md#cameras).

    The wrist's rotation pivots about the shaped rest wrist j0, so the translation takes part of it:
    ``R' = R R_g`` and ``t' = R (t + j0) - R c - j0``.

    Args:
        pose: (2, 48) axis-angle, right and left.
        transl: (2, 3) metres.
        rest_wrist: (2, 3) j0, metres.
        rotation: (3, 3) R, world to camera.
        center: (3,) c, the camera's centre in the world, metres.

    Returns:
        (2, 48) and (2, 3) in the camera's frame.
    """
    return (
        rotate_pose(pose, rotation),
        (transl + rest_wrist - center) @ rotation.T - rest_wrist,
    )


def rotate_pose(pose: np.ndarray, rotation: np.ndarray) -> np.ndarray:
    """Turn the wrist of poses (N, 48), axis-angle, by ``rotation`` (3, 3); fingers stay."""
    out = np.array(pose)
    rotation = np.asarray(rotation, dtype=np.float64)
    for row in out:  # one row a hand; OpenCV converts one rotation at a time
        matrix = rotation @ cv2.Rodrigues(row[:3].astype(np.float64))[0]
        row[:3] = cv2.Rodrigues(matrix)[0][:, 0]
    return out

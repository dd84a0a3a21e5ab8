"""What rendering a scene yields."""

from dataclasses import dataclass, field

import numpy as np
import torch

from mmhand.hand_models.rotations import matrix_to_axis_angle

from .camera_rig import Camera
from .hand_sampling import HandState

#: Bits of :attr:`SyntheticSample.mask`, lowest first.
MASK_PLANES = (
    'right_amodal',
    'right_visible',
    'left_amodal',
    'left_visible',
    'object_visible',
    'forearm_visible',
)


@dataclass
class SyntheticSample:
    """One picture and everything that is known about it.

    Attributes:
        seed: seed of the data set.
        index: sample index; with the seed and the settings it determines the sample.
        frame: frame number; the views of a frame are consecutive samples.
        view: which view of the frame.
        capture: which person, rig and light set-up.
        meeting: ``single``, or how the two hands meet.
        hand_type: ``right``, ``left`` or ``interacting``.
        image: (H, W, 3) uint8 BGR.
        mask: (H, W) uint8 bit field, see :data:`MASK_PLANES`.
        depth: (H, W) float32 camera z of the nearest surface (hands, arms, objects), metres; 0 on
            the background.
        camera: the camera.
        hands: the hands in the world frame, right first.
        solo_images: by side, each hand (and its arm) alone before the same background; only if
            the settings ask for it.
    """

    seed: int
    index: int
    frame: int
    view: int
    capture: int
    meeting: str
    hand_type: str
    image: np.ndarray
    mask: np.ndarray
    depth: np.ndarray
    camera: Camera
    hands: list[HandState]
    solo_images: dict[str, np.ndarray] = field(default_factory=dict)

    def plane(self, name: str) -> np.ndarray:
        """(H, W) bool, one plane of the mask by its name in :data:`MASK_PLANES`."""
        return (self.mask >> MASK_PLANES.index(name)) & 1 > 0

    @property
    def hand_masks(self) -> np.ndarray:
        """(H, W, 4) uint8 0/1: right amodal, right visible, left amodal, left visible."""
        return np.stack([self.plane(name) for name in MASK_PLANES[:4]], axis=-1).astype(np.uint8)

    def joints_camera(self, hand: HandState) -> np.ndarray:
        """(21, 3) joints of a hand in the camera frame, metres, canonical order."""
        return self.camera.to_camera(hand.joints)

    def joints_2d(self, hand: HandState) -> np.ndarray:
        """(21, 2) joints of a hand in pixels, canonical order."""
        return self.camera.project(hand.joints)

    def camera_parameters(self, hand: HandState) -> tuple[np.ndarray, np.ndarray]:
        """Pose (48,) and translation (3,) of a hand in the camera frame.

        The wrist's rotation becomes ``R R_wrist``; the model turns about its rest wrist j0, so the
        translation becomes ``R (trans + j0) + t - j0``.
        """
        rotation = torch.from_numpy(self.camera.R @ hand.rotation)
        wrist = matrix_to_axis_angle(rotation[None])[0].numpy()
        trans = self.camera.to_camera((hand.trans + hand.rest_wrist)[None])[0] - hand.rest_wrist
        return np.concatenate([wrist, hand.pose[3:]]), trans

"""Hands of a video, calm where they rest and quick where they move."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from mmhand.hand_models.linear_skinned_hand import LinearSkinnedHand
from mmhand.hand_models.open_hand import OpenHand
from mmhand.hand_models.rotations import axis_angle_to_matrix, matrix_to_axis_angle
from mmhand.registry import TASK_UTILS
from mmhand.structures.sides import SIDES
from mmhand.utils.errors import HandDataError

from .placed_hand import PlacedHands
from .stacked_cameras import Cameras, stack_cameras
from .starts import PALM
from .track_shape import TrackShape
from .track_table import TrackTable


@dataclass(frozen=True)
class OneEuro:
    """Constants of a One-Euro filter (Casiez et al., CHI 2012).

    Attributes:
        cutoff: hertz, of what does not move.
        speed: how much the cut-off rises with the speed, hertz per unit a second.
        speed_cutoff: hertz, of the speed's own filter.
    """

    cutoff: float
    speed: float
    speed_cutoff: float = 1.0

    def share(self, velocity: Tensor, change: Tensor, dt: Tensor) -> tuple[Tensor, Tensor]:
        """How much of a change is followed.

        Args:
            velocity: (B, ..., C) filtered, units a second.
            change: (B, ..., C) of the new value from the filtered one.
            dt: (B,) seconds.

        Returns:
            (B, ..., 1) in (0, 1], and the new filtered velocity.
        """
        dt = dt.view(-1, *[1] * (change.ndim - 1))
        velocity = velocity + _share(self.speed_cutoff, dt) * (change / dt - velocity)
        speed = velocity.norm(dim=-1, keepdim=True)
        return _share(self.cutoff + self.speed * speed, dt), velocity


def _share(cutoff: Tensor | float, dt: Tensor) -> Tensor:
    """Weight of a new value in a low-pass filter of first order."""
    turn = 2 * math.pi * cutoff * dt
    return turn / (1 + turn)


@TASK_UTILS.register_module()
class HandSmoother:
    """Smooth pose and place of tracked hands, and hold their shape.

    One-Euro filters run on rotations (differences are taken as rotation vectors, so nothing wraps or
    leaves the group), on the palm's direction from the camera, and on the logarithm of its distance,
    which is known worst and filtered most. Betas and size are those of
    :class:`~mmhand.fitting.track_shape.TrackShape`. All hands of a frame are filtered at once.

    Args:
        hand_models: right and left, those of the fit (``fit.hand_models``); ``None``: OpenHand.
        wrist, fingers: filters of rotations, radians.
        direction: filter of x / z and y / z of the palm.
        distance: filter of log z of the palm.
        shape: holds the shapes; ``None``: shapes are left as they are.
        forget: seconds after which a track that was not seen starts anew.
    """

    def __init__(
        self,
        hand_models: Sequence[LinearSkinnedHand] | None = None,
        wrist: OneEuro = OneEuro(0.8, 1.0),
        fingers: OneEuro = OneEuro(0.8, 1.0),
        direction: OneEuro = OneEuro(2.0, 200.0),
        distance: OneEuro = OneEuro(0.6, 10.0),
        shape: TrackShape | None = None,
        forget: float = 0.5,
    ) -> None:
        self.hand_models = hand_models or [OpenHand(side) for side in SIDES]
        self.wrist, self.fingers = wrist, fingers
        self.direction, self.distance = direction, distance
        self.shape = shape
        self.table = TrackTable(forget)

    def __call__(
        self, hands: PlacedHands, tracks: Sequence[int] | Tensor, time: float, camera: Cameras
    ) -> PlacedHands:
        """The hands of a frame, smoothed.

        Args:
            hands: B hands of one frame, as fitted. Hands that are NaN stay so.
            tracks: (B,) identity of each, no two alike.
            time: seconds, later than the frame before.
            camera: as the fit was given.

        Returns:
            The same hands, their mesh, joints, pixels and parameters smoothed.

        Raises:
            HandDataError: two hands of one track, or time runs backwards.
        """
        tracks = torch.as_tensor(tracks, dtype=torch.long)
        if len(tracks.unique()) != len(hands):
            raise HandDataError(f'smoothing: {len(hands)} hands of tracks {tracks.tolist()}')
        known = hands.joints.isfinite().all(-1).all(-1)
        rows = known.nonzero()[:, 0]
        if not len(rows):
            return hands
        K, _ = stack_cameras(camera, len(hands))
        some = hands[rows]
        if self.shape is not None:
            some = self.shape(some, tracks[rows], time)
        some = self._filtered(some, tracks[rows], time)
        some = _posed(self.hand_models, some, K[rows])
        return hands.with_rows(rows, some)

    def _filtered(self, hands: PlacedHands, tracks: Tensor, time: float) -> PlacedHands:
        palm = hands.joints[:, PALM].double().mean(1)
        place = torch.cat((palm[:, :2] / palm[:, 2:], palm[:, 2:].log()), 1)
        new = dict(
            rotations=hands.need('rotmats').double(),
            place=place,
            turning=place.new_zeros(len(place), 16, 3),
            moving=torch.zeros_like(place),
        )
        old, dt = self.table.recall(tracks, time, new)
        turn = matrix_to_axis_angle(old['rotations'].mT @ new['rotations'])
        step = place - old['place']
        shares, turning = zip(
            self.wrist.share(old['turning'][:, :1], turn[:, :1], dt),
            self.fingers.share(old['turning'][:, 1:], turn[:, 1:], dt),
            strict=True,
        )
        rotations = old['rotations'] @ axis_angle_to_matrix(torch.cat(shares, 1) * turn)
        shares, moving = zip(
            self.direction.share(old['moving'][:, :2], step[:, :2], dt),
            self.distance.share(old['moving'][:, 2:], step[:, 2:], dt),
            strict=True,
        )
        share = torch.cat((shares[0].expand(-1, 2), shares[1]), 1)
        place = old['place'] + share * step
        self.table.store(
            tracks,
            time,
            dict(
                rotations=rotations,
                place=place,
                turning=torch.cat(turning, 1),
                moving=torch.cat(moving, 1),
            ),
        )
        palm = torch.cat((place[:, :2], torch.ones_like(place[:, :1])), 1) * place[:, 2:].exp()
        # Where the palm should be; the mesh is put there when it is posed.
        return replace(hands, rotmats=rotations.float(), transl=palm.float())


def _posed(models: Sequence[LinearSkinnedHand], hands: PlacedHands, K: Tensor) -> PlacedHands:
    """Hands whose ``transl`` is where their palm should be, posed and projected anew."""
    vertices = torch.empty_like(hands.need('vertices'))
    joints = torch.empty_like(hands.joints)
    rotmats, betas = hands.need('rotmats'), hands.need('betas')
    pose = matrix_to_axis_angle(rotmats).flatten(1)
    for side, model in enumerate(models):
        rows = hands.side == side
        if rows.any():
            out = model(rotmats[rows, 0], rotmats[rows, 1:], betas[rows])
            vertices[rows], joints[rows] = out.vertices.to(vertices), out.joints.to(joints)
            if not model.flat_hand_mean:
                pose[rows, 3:] -= model.hand_mean.to(pose)
    size = hands.need('size')[:, None, None]
    shift = hands.need('transl') - size[:, 0] * joints[:, PALM].mean(1)
    joints = size * joints + shift[:, None]
    projected = joints.double() @ K.mT
    return replace(
        hands,
        vertices=size * vertices + shift[:, None],
        joints=joints,
        pose=pose,
        transl=shift,
        pixels=(projected[..., :2] / projected[..., 2:]).float(),
    )

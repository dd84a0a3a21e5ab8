"""Pose and place of hands of known shape, moved until their joints fall on given pixels."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from mmhand.hand_models.lbs import forward_kinematics, skinning_transforms
from mmhand.hand_models.linear_skinned_hand import LinearSkinnedHand
from mmhand.hand_models.rotations import rotation_6d_to_matrix
from mmhand.structures.joint_sets import joint_indices
from mmhand.utils.errors import HandDataError
from mmhand.utils.threads import one_thread

Array = np.ndarray | Tensor

#: Added to depths that are divided by, metres.
_EPS = 1e-8

#: Joints that are less sure than this are left out, where confidences are given.
_UNSURE = 0.1

#: Adam's constants.
_BETA1, _BETA2, _ADAM_EPS = 0.9, 0.999, 1e-8


class OptimizedHands(NamedTuple):
    """Hands after optimisation; arrays or tensors as the input was.

    Attributes:
        rotations_6d: (N, 16, 6) two rows of each rotation, not orthonormalised.
        transl: (N, 3) metres, camera frame.
        vertices: (N, V, 3) metres, the hand model's frame; add ``transl`` for the camera's.
        joints: (N, 21, 3) the same.
        energy: (steps,) mean squared pixel error of all hands *before* each update.
        reported_vertices: (N, V, 3) mesh before the last update, which the release measures.
        initial_transl: (N, 3) where the translation started.
    """

    rotations_6d: Array
    transl: Array
    vertices: Array
    joints: Array
    energy: Array
    reported_vertices: Array
    initial_transl: Array


class _ShapedJoints:
    """The 21 joints of hands whose shape does not change: no vertex but the five tips is posed."""

    def __init__(self, hand_model: LinearSkinnedHand, betas: Tensor) -> None:
        model = hand_model
        tips = list(model.tip_vertex_ids)
        template, dirs = model.v_template.to(betas), model.shapedirs.to(betas)
        regressor = model.joint_regressor.to(betas)
        rest = regressor @ template + torch.einsum('jv,vcs,ns->njc', regressor, dirs, betas)
        parents = torch.tensor(model.parents[1:])
        self.rest = rest
        self.offsets = torch.cat((rest[:, :1], rest[:, 1:] - rest[:, parents]), 1)
        self.tips = template[tips] + torch.einsum('tcs,ns->ntc', dirs[tips], betas)
        self.pose_dirs = model.posedirs[tips].to(betas)
        self.weights = model.skinning_weights[tips].to(betas)
        self.order = torch.tensor(joint_indices('mano21', 'canonical'))

    def __call__(self, rotations: Tensor) -> Tensor:
        """(N, 16, 3, 3) to (N, 21, 3)."""
        world, places = forward_kinematics(rotations, self.offsets)
        tips = self.tips
        if self.pose_dirs.shape[2]:
            turned = (rotations[:, 1:] - torch.eye(3).to(rotations)).flatten(1)
            tips = tips + (turned @ self.pose_dirs.flatten(0, 1).T).unflatten(1, (-1, 3))
        carry = skinning_transforms(world, places, self.rest).flatten(2)
        carry = (self.weights @ carry).unflatten(2, (3, 4))
        tips = (carry[..., :3] * tips[:, :, None]).sum(-1) + carry[..., 3]
        return torch.cat((places, tips), 1)[:, self.order]


class _Adam:
    """Adam of several tensors, without the bookkeeping of an optimiser object."""

    def __init__(self, lr: float, *values: Tensor) -> None:
        self.lr, self.step_number = lr, 0
        self.moments = [(torch.zeros_like(x), torch.zeros_like(x)) for x in values]

    def step(self, values: Sequence[Tensor], gradients: Sequence[Tensor]) -> None:
        """Change ``values`` in place."""
        self.step_number += 1
        correct1 = 1 - _BETA1**self.step_number
        correct2 = (1 - _BETA2**self.step_number) ** 0.5
        for value, gradient, (first, second) in zip(values, gradients, self.moments, strict=True):
            first.lerp_(gradient, 1 - _BETA1)
            second.mul_(_BETA2).addcmul_(gradient, gradient, value=1 - _BETA2)
            scale = (second.sqrt() / correct2).add_(_ADAM_EPS)
            value.addcdiv_(first, scale, value=-self.lr / correct1)


class _Reprojection:
    """Mean squared pixel error of joints in front of their cameras, and its derivative."""

    def __init__(self, pixels: Tensor, K: Tensor, confidence: Tensor | None) -> None:
        self.pixels, self.K = pixels, K
        keep = torch.ones_like(pixels[..., 0])
        if confidence is not None:
            keep = (confidence > _UNSURE).to(pixels)
        self.weights = keep / (2 * keep.sum(1, keepdim=True)).clamp_min(1)

    def __call__(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Energy (N,) of camera points (N, 21, 3), and its derivative (N, 21, 3) by them."""
        image = points @ self.K.mT
        depth = image[..., 2:] + _EPS
        projected = image[..., :2] / depth
        residual = projected - self.pixels
        weighted = self.weights[..., None] * residual
        along = 2 * weighted / depth
        by_depth = -(along * projected).sum(-1, keepdim=True)
        return (weighted * residual).sum((1, 2)), torch.cat((along, by_depth), -1) @ self.K


def optimize_pose(
    rotations_6d: Array,
    betas: Array,
    keypoints_2d: Array,
    K: Array,
    hand_model: LinearSkinnedHand,
    steps: tuple[int, int] = (200, 100),
    lr: tuple[float, float] = (1e-2, 1e-3),
    depth: float = 0.85,
    confidence: Array | None = None,
) -> OptimizedHands:
    """Fit hands of fixed shape to 2D joints (methods/iahm.md#optimisation).

    Adam moves the translation alone, then translation and the raw six numbers of each joint. There is
    no prior. Every hand has its own energy, so hands do not know of each other: a batch gives what one
    by one gives. Only joints are computed on the way.

    Args:
        rotations_6d: (N, 16, 6) or (N, 96), two rows of each joint's rotation, mean pose included; as
            regressed. Do not orthonormalise them first: Adam's step turns long vectors less.
        betas: (N, S) shapes.
        keypoints_2d: (N, 21, 2) pixels, canonical order.
        K: (N, 3, 3) or (3, 3) intrinsics of those pixels.
        hand_model: a linear-skinned hand; its own mean pose is not added.
        steps: updates of the two stages.
        lr: their step lengths.
        depth: where hands start, metres.
        confidence: (N, 21); joints at 0.1 and below are left out. The release has the option off.

    Returns:
        The hands after the last update.

    Raises:
        HandDataError: shapes do not fit, or numbers are not finite.
    """
    as_numpy = not isinstance(rotations_6d, Tensor)
    like = rotations_6d.detach() if isinstance(rotations_6d, Tensor) else torch.zeros(0)
    given = [rotations_6d, betas, keypoints_2d, K]
    rotations, shapes, pixels, cameras = (torch.as_tensor(x).detach().to(like) for x in given)
    count = len(rotations) if rotations.ndim else 0
    if not count:
        raise HandDataError(f'rotations_6d has shape {tuple(rotations.shape)}: there is no hand')
    rotations = rotations.reshape(count, -1)
    cameras = cameras.expand(count, 3, 3) if cameras.shape == (3, 3) else cameras
    joints = len(joint_indices('mano21', 'canonical'))
    wanted = {
        'rotations_6d': (rotations, (count, 6 * hand_model.num_joints)),
        'betas': (shapes, (count, hand_model.num_betas)),
        'keypoints_2d': (pixels, (count, joints, 2)),
        'K': (cameras, (count, 3, 3)),
    }
    scores = None
    if confidence is not None:
        scores = torch.as_tensor(confidence).detach().to(like)
        wanted['confidence'] = (scores, (count, joints))
    for name, (value, shape) in wanted.items():
        if value.shape != shape:
            raise HandDataError(
                f'{name} has shape {tuple(value.shape)}, {count} hands need {tuple(shape)}'
            )
        if not torch.isfinite(value).all():
            raise HandDataError(f'{name} has numbers that are not finite')
    with torch.inference_mode(False), one_thread():
        out = _optimize(
            rotations.clone(),
            shapes.clone(),
            _Reprojection(pixels.clone(), cameras.clone(), scores),
            hand_model,
            steps,
            lr,
            depth,
        )
    return OptimizedHands(*(torch.as_tensor(x).cpu().numpy() for x in out)) if as_numpy else out


def _optimize(
    rotations: Tensor,
    betas: Tensor,
    energy: _Reprojection,
    hand_model: LinearSkinnedHand,
    steps: tuple[int, int],
    lr: tuple[float, float],
    depth: float,
) -> OptimizedHands:
    """Both stages; ``rotations`` (N, 96) is changed in place."""
    shaped = _ShapedJoints(hand_model, betas)
    pixel = torch.cat((energy.pixels[:, 0], torch.ones_like(energy.pixels[:, 0, :1])), 1)
    # The wrist's ray at the starting depth; what is put there is the model's origin.
    transl = depth * torch.linalg.solve(energy.K, pixel)
    initial, energies = transl.clone(), []
    before = rotations
    with torch.no_grad():
        joints = shaped(_matrices(rotations))
        adam = _Adam(lr[0], transl)
        for _ in range(steps[0]):
            values, gradient = energy(joints + transl[:, None])
            energies.append(values.mean())
            adam.step((transl,), (gradient.sum(1),))
    adam = _Adam(lr[1], transl, rotations)
    for step in range(steps[1]):
        rotations.requires_grad_(True)
        with torch.enable_grad():
            joints = shaped(_matrices(rotations))
        values, gradient = energy(joints.detach() + transl[:, None])
        energies.append(values.mean())
        (by_rotation,) = torch.autograd.grad(joints, rotations, gradient)
        rotations = rotations.detach()
        if step == steps[1] - 1:
            before = rotations.clone()
        adam.step((transl, rotations), (gradient.sum(1), by_rotation))
    with torch.no_grad():
        after, reported = (_pose(hand_model, x, betas) for x in (rotations, before))
    return OptimizedHands(
        rotations_6d=rotations.unflatten(1, (-1, 6)),
        transl=transl,
        vertices=after[0],
        joints=after[1],
        energy=torch.stack(energies) if energies else transl.new_zeros(0),
        reported_vertices=reported[0],
        initial_transl=initial,
    )


def _matrices(rotations: Tensor) -> Tensor:
    return rotation_6d_to_matrix(rotations.unflatten(1, (-1, 6)), layout='rows')


def _pose(hand_model: LinearSkinnedHand, rotations: Tensor, betas: Tensor) -> tuple[Tensor, Tensor]:
    matrices = _matrices(rotations)
    output = hand_model(matrices[:, 0], matrices[:, 1:], betas)
    return output.vertices.to(rotations), output.joints.to(rotations)

"""The default method: hands of a picture from open weights, as meshes where the picture shows them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from mmhand.fitting import (
    HandEvidence,
    PlacedHands,
    ReprojectionFit,
    ShapeTable,
    TwoHandFit,
    fit_translation,
)
from mmhand.structures import HandCamera, HandDataSample, HandInstances
from mmhand.structures.sides import SIDES
from mmhand.utils.errors import HandConfigError, HandDataError
from mmhand.utils.threads import one_thread

from .finding import FoundHands, OpenHandFinder


class OpenHands(nn.Module):
    """Finds hands with the open networks and lays a hand model into each; no download, no licence.

    Hands that touch are fitted together, so that none is inside the other.

    Args:
        hand_model: ``'OpenHand'``, or ``'MANO'`` where ``MMHAND_MANO_ROOT`` has it.
        engine: ``'torch'`` or ``'onnxruntime'``, see :class:`~mmhand.apis.OpenHandFinder`.
        device: where torch runs the networks; the fit runs on the CPU.
        finder: in place of the one that ``engine`` and ``device`` make.
        person: whose hands they are; hands get this shape.

    Raises:
        HandConfigError: see :class:`~mmhand.apis.OpenHandFinder`, or the shape is of another model.
    """

    #: What results name as their method and their weights.
    name, weights_source = 'open', 'open weights in the package'

    def __init__(
        self,
        hand_model: str = 'OpenHand',
        engine: str = 'torch',
        device: str = 'cpu',
        finder: OpenHandFinder | None = None,
        person: ShapeTable | None = None,
    ) -> None:
        super().__init__()
        self.finder = finder or OpenHandFinder(engine=engine, device=device)
        self.fit = TwoHandFit(ReprojectionFit(dict(type=hand_model)))
        self.hand_models = self.fit.single.hand_models
        self.hand_model_name = hand_model
        self.betas = None if person is None else self._shape(person)

    def _shape(self, person: ShapeTable) -> torch.Tensor:
        betas = torch.from_numpy(person.person).float()
        if person.hand_model != self.hand_model_name or len(betas) != self.hand_models[0].num_betas:
            raise HandConfigError(
                f'the person has {len(betas)} betas of {person.hand_model}, the open method poses '
                f'{self.hand_model_name}: personalize with this hand model'
            )
        return betas

    def forward(
        self,
        images: Sequence[np.ndarray],
        cameras: Sequence[HandCamera],
        bboxes: Sequence[np.ndarray] | None = None,
        sides: Sequence[str | None] | None = None,
    ) -> list[HandDataSample]:
        """The hands of pictures.

        Args:
            images: (H, W, 3) uint8 BGR.
            cameras: one of each picture.
            bboxes: (K, 4) xywh of each picture, one hand in each box; found if ``None``.
            sides: ``'right'`` or ``'left'`` for all hands of each picture, if that is known.

        Returns:
            One sample for each picture, see :func:`hand_sample`; it may hold no hand.

        Raises:
            HandDataError: a box has no size or misses its picture.
        """
        if bboxes is not None:
            _check_boxes(images, bboxes)
        found = self.finder.find(images, bboxes)
        if sides is not None:
            found = [
                hands if side is None else _of_side(hands, side)
                for hands, side in zip(found, sides, strict=True)
            ]
        placed = self.place(found, cameras)
        ends = np.cumsum([len(hands) for hands in found]).tolist()
        starts = [0, *ends[:-1]]
        return [
            hand_sample(hands, placed[slice(a, b)], camera, image.shape[:2])
            for hands, a, b, camera, image in zip(found, starts, ends, cameras, images, strict=True)
        ]

    @torch.no_grad()
    def place(
        self,
        found: Sequence[FoundHands],
        cameras: Sequence[HandCamera],
        before: PlacedHands | None = None,
    ) -> PlacedHands:
        """Lay the hand model into what was found, all hands of all pictures at once.

        Args:
            found: hands of each picture.
            cameras: one of each picture.
            before: the same hands as placed in the frame before, of which they are then followed.
        """
        owners = np.repeat(np.arange(len(found)), [len(hands) for hands in found])

        def stacked(name: str) -> torch.Tensor:
            return torch.from_numpy(np.concatenate([getattr(hands, name) for hands in found]))

        evidence = HandEvidence(
            pixels=stacked('keypoints_2d'),
            side=stacked('sides'),
            pixel_scores=stacked('keypoint_scores'),
            joints_3d=stacked('keypoints_3d'),
            hand_scores=stacked('scores'),
            picture=torch.from_numpy(owners),
        )
        per_hand = [cameras[owner] for owner in owners]
        with one_thread():
            if before is None:
                placed = self.fit(None, evidence, per_hand)
            else:
                placed = self.fit.follow(before, evidence, per_hand)
        return placed if self.betas is None else self._worn(placed, evidence, per_hand)

    def _worn(
        self, placed: PlacedHands, evidence: HandEvidence, cameras: Sequence[HandCamera]
    ) -> PlacedHands:
        """The hands in the person's shape, where their joints fall best on the seen ones."""
        if not len(placed):
            return placed
        betas = self.betas.expand(len(placed), -1)
        vertices, joints = torch.empty_like(placed.vertices), torch.empty_like(placed.joints)
        for side, model in enumerate(self.hand_models):
            rows = placed.side == side
            if bool(rows.any()):
                turns = placed.rotmats[rows]
                out = model(turns[:, 0], turns[:, 1:], betas[rows])
                vertices[rows], joints[rows] = out.vertices, out.joints
        K = torch.from_numpy(np.stack([camera.K_crop for camera in cameras])).float()
        shift = fit_translation(joints, evidence.pixels, K, evidence.pixel_scores).to(joints)
        joints = joints + shift[:, None]
        projected = joints @ K.mT
        return replace(
            placed,
            betas=betas.clone(),
            size=torch.ones_like(placed.size),
            vertices=vertices + shift[:, None],
            joints=joints,
            transl=shift,
            pixels=projected[..., :2] / projected[..., 2:],
        )


def hand_sample(
    found: FoundHands, placed: PlacedHands, camera: HandCamera, shape: tuple[int, int]
) -> HandDataSample:
    """Fitted hands of one picture as a sample.

    Args:
        found: N hands.
        placed: the same ones, fitted.
        camera: of the picture; whether it is assumed is said in the sample's ``camera``.
        shape: height and width of the picture.

    Returns:
        Its ``pred_hands`` have ``keypoints_3d``, ``vertices`` and ``root`` in metres in the camera's
        frame, ``keypoints_2d`` and ``bbox`` in pixels of the picture, ``pose``, ``betas``, ``scale``
        (of the hand to its model), ``transl``, ``side``, ``side_score`` (how sure the side is),
        ``handedness_score`` (how sure the hand is), ``confidence`` (the fit's),
        ``keypoint_sigma`` (N, 21) and ``relative_sigma`` (N, 21) metres, ``pixel_residual`` pixels,
        ``present``.
    """
    whole = placed.joints.isfinite().all(-1).all(-1)
    right = torch.from_numpy(found.right_scores)
    hands = HandInstances(
        side=placed.side.long(),
        present=whole,
        handedness_score=torch.from_numpy(found.scores),
        side_score=torch.where(placed.side == 0, right, 1 - right),
        confidence=placed.confidence,
        bbox=torch.from_numpy(found.bboxes),
        keypoints_2d=placed.pixels,
        keypoints_3d=placed.joints,
        root=placed.joints[:, 0],
        vertices=placed.vertices,
        pose=placed.pose,
        betas=placed.betas,
        scale=placed.size,
        transl=placed.transl,
        pixel_residual=placed.residual,
        keypoint_sigma=placed.joint_sigma,
        relative_sigma=placed.relative_sigma,
    )
    sample = HandDataSample(
        metainfo=dict(ori_shape=tuple(shape), img_shape=tuple(shape), camera=camera)
    )
    sample.pred_hands = hands
    return sample


def _of_side(found: FoundHands, side: str) -> FoundHands:
    if side not in SIDES:
        raise HandDataError(f'a hand is right or left, not "{side}"')
    sides = np.full(len(found), int(side == 'left'), np.int64)
    return replace(found, sides=sides, right_scores=(1 - sides).astype(np.float32))


def _check_boxes(images: Sequence[np.ndarray], bboxes: Sequence[np.ndarray]) -> None:
    for image, boxes in zip(images, bboxes, strict=True):
        height, width = image.shape[:2]
        for box in np.asarray(boxes, np.float64).reshape(-1, 4):
            if not np.isfinite(box).all() or (box[2:] <= 0).any():
                raise HandDataError(f'box {box.tolist()} is no x, y, w, h with a positive size')
            x, y, w, h = box
            if x >= width or y >= height or x + w <= 0 or y + h <= 0:
                raise HandDataError(
                    f'box {box.tolist()} lies outside the picture of {width} x {height}'
                )

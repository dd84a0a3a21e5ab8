"""Hands put before a camera as they are: only their place is found."""

import torch
from torch import Tensor

from mmhand.registry import TASK_UTILS
from mmhand.structures.hand_estimate import HandEstimate
from mmhand.structures.joint_sets import get_joint_set
from mmhand.utils.errors import HandDataError

from .evidence import HandEvidence
from .placed_hand import PlacedHands
from .registration import mask_silhouette, register_root
from .root import fit_root
from .stacked_cameras import Cameras, stack_cameras
from .translation import NEAREST, fit_translation, translation_by_size

_WRIST = get_joint_set('canonical').index('wrist')


def place_at(estimate: HandEstimate, root: Tensor, evidence: HandEvidence) -> PlacedHands:
    """The estimate with its wrists (B, 3) metres where they are said to be; pixels stay its own."""
    joints = estimate.need('joints')
    wrist = joints[:, _WRIST : _WRIST + 1]
    root = root[:, None]
    kept = estimate.as_dict()
    kept['joints'] = joints - wrist + root
    if estimate.vertices is not None:
        kept['vertices'] = estimate.vertices - wrist + root
    kept['side'] = evidence.side
    # Hands that were placed before are moved on.
    kept['transl'] = kept.get('transl', 0) + (root - wrist)[:, 0]
    kept.setdefault('size', torch.ones_like(root[:, 0, 0]))
    return PlacedHands(**kept)


class Placement:
    """Base of fits ``(estimate, evidence, camera)`` that move hands and leave all else as it is."""

    def __call__(
        self, estimate: HandEstimate, evidence: HandEvidence, camera: Cameras
    ) -> PlacedHands:
        """Put hands before the camera.

        Args:
            estimate: B hands with ``joints``, anywhere.
            evidence: what is seen of them.
            camera: whose current pixels the evidence's are: one, one for each hand, or intrinsics
                (3, 3) or (B, 3, 3).

        Returns:
            The hands in the camera's frame.
        """
        joints = estimate.need('joints')
        K = stack_cameras(camera, len(evidence))[0].to(joints)
        relative = joints - joints[:, _WRIST : _WRIST + 1]
        return place_at(estimate, self.roots(relative, estimate, evidence, K), evidence)

    def roots(
        self, relative: Tensor, estimate: HandEstimate, evidence: HandEvidence, K: Tensor
    ) -> Tensor:
        """Wrists (B, 3), metres; ``relative`` (B, 21, 3) are the joints less the wrist."""
        raise NotImplementedError

    @staticmethod
    def by_size(
        relative: Tensor, evidence: HandEvidence, K: Tensor, size: float | None = None
    ) -> Tensor:
        """Wrists (B, 3) of hands as large as their box, or ``size`` pixels, on their pixels if any."""
        uv = evidence.pixels.to(relative)
        wide: Tensor | float | None = size
        if wide is None or not bool(uv.isfinite().all()):
            if evidence.bbox is None:
                raise HandDataError(
                    'hand evidence: neither all pixels nor a box tell where hands are'
                )
            box = evidence.bbox.to(relative)
            middle = ((box[:, :2] + box[:, 2:]) / 2)[:, None]
            uv = torch.where(uv.isfinite().all(-1).all(-1)[:, None, None], uv, middle)
            wide = box[:, 2] - box[:, 0] if wide is None else wide
        return translation_by_size(relative, uv, K, wide)

    @classmethod
    def mend(
        cls,
        root: Tensor,
        relative: Tensor,
        evidence: HandEvidence,
        K: Tensor,
        size: float | None = None,
    ) -> Tensor:
        """``root`` (B, 3) where the whole hand is before the camera, else by its size.

        Pixels that no hand has ask for anything.
        """
        nearest = root[:, 2:] + relative[..., 2].amin(1, keepdim=True)
        good = torch.isfinite(root).all(-1, keepdim=True) & (nearest > NEAREST)
        if bool(good.all()):
            return root
        return torch.where(good, root, cls.by_size(relative, evidence, K, size))


@TASK_UTILS.register_module()
class BoxPlacement(Placement):
    """Where a hand of its size is as wide as its box, wrist in the box's middle."""

    def roots(
        self, relative: Tensor, estimate: HandEstimate, evidence: HandEvidence, K: Tensor
    ) -> Tensor:
        """See :class:`Placement`."""
        if evidence.bbox is None:
            raise HandDataError('hand evidence: BoxPlacement needs a bbox')
        box = evidence.bbox.to(relative)
        middle = ((box[:, :2] + box[:, 2:]) / 2)[:, None]
        return translation_by_size(relative, middle, K, box[:, 2] - box[:, 0])


@TASK_UTILS.register_module()
class RootFit(Placement):
    """Where the joints fall on their pixels, by the sum of absolute errors (:func:`.fit_root`).

    Args:
        size: pixels that a hand is wide whose pixels make no sense; ``None``: as its box.
    """

    def __init__(self, size: float | None = None) -> None:
        self.size = size

    def roots(
        self, relative: Tensor, estimate: HandEstimate, evidence: HandEvidence, K: Tensor
    ) -> Tensor:
        """See :class:`Placement`."""
        root = fit_root(relative, evidence.pixels.to(relative), K)
        return self.mend(root, relative, evidence, K, self.size)


@TASK_UTILS.register_module()
class TranslationFit(Placement):
    """Where the joints fall on their pixels, by weighted linear least squares.

    Args:
        together: hands of one ``evidence.picture`` keep their places to each other and move as one;
            those that would not be before the camera stay where they are. Otherwise each hand is
            moved by itself, and by the size of its box where its pixels make no sense.
    """

    def __init__(self, together: bool = False) -> None:
        self.together = together

    def roots(
        self, relative: Tensor, estimate: HandEstimate, evidence: HandEvidence, K: Tensor
    ) -> Tensor:
        """See :class:`Placement`."""
        uv, weights = evidence.pixels.to(relative), evidence.pixel_scores
        weights = None if weights is None else weights.to(relative)
        if not self.together:
            root = fit_translation(relative, uv, K, weights)
            return self.mend(root, relative, evidence, K)
        joints = estimate.need('joints')
        wrist = joints[:, _WRIST]
        pictures = evidence.picture
        if pictures is None:
            pictures = torch.zeros_like(evidence.side)
        weights = torch.ones_like(uv[..., 0]) if weights is None else weights
        shift = torch.zeros_like(wrist)
        # Pictures with as many hands are solved at once.
        _, place, counts = pictures.unique(return_inverse=True, return_counts=True)
        order = place.argsort(stable=True)
        for count in counts.unique().tolist():
            rows = order[(counts == count)[place[order]]].view(-1, count)
            points = joints[rows].flatten(1, 2)
            moved = fit_translation(
                points, uv[rows].flatten(1, 2), K[rows[:, 0]], weights[rows].flatten(1, 2)
            )
            nearest = points[..., 2].amin(-1, keepdim=True) + moved[:, 2:]
            good = torch.isfinite(moved).all(-1, keepdim=True) & (nearest > 0)
            shift[rows] = torch.where(good, moved, 0.0)[:, None]
        return wrist + shift


@TASK_UTILS.register_module()
class OutlineRegistration(Placement):
    """Joints on their pixels, then the mesh's extents on the silhouette's (:func:`.register_root`).

    Args:
        image_size: side of the square picture that the pixels are of.
    """

    def __init__(self, image_size: int = 224) -> None:
        self.image_size = image_size

    def roots(
        self, relative: Tensor, estimate: HandEstimate, evidence: HandEvidence, K: Tensor
    ) -> Tensor:
        """See :class:`Placement`."""
        joints, vertices = estimate.need('joints'), estimate.need('vertices')
        wrist = joints[:, _WRIST]
        scores = evidence.pixel_scores
        scores = torch.ones_like(evidence.pixels[..., 0]) if scores is None else scores
        found = []
        for row in range(len(evidence)):
            outline = None
            if evidence.silhouette is not None:
                outline = mask_silhouette(evidence.silhouette[row] / 255, self.image_size)
            shift = register_root(
                vertices[row],
                joints[row],
                evidence.pixels[row],
                scores[row],
                K[row],
                outline,
                self.image_size,
            )
            found.append(wrist[row] + shift.to(wrist))
        root = torch.stack(found) if found else wrist
        good = torch.isfinite(root).all(-1, keepdim=True)
        if bool(good.all()):
            return root
        return torch.where(good, root, BoxPlacement().roots(relative, estimate, evidence, K))

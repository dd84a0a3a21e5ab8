"""DSF's losses on real depth, whose hand nobody has annotated."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmhand.cameras import crop_affine_cube, crop_points
from mmhand.cameras.depth_cube import FOREGROUND, DepthCamera
from mmhand.geometry import SphereProxy, point_mesh_distances
from mmhand.hand_models import LinearSkinnedHand, MPEHand
from mmhand.registry import MODELS
from mmhand.structures.joint_sets import convert_joints, get_joint_set
from mmhand.utils.errors import HandConfigError

from .dsf_terms import (
    DELTA,
    DepthView,
    StageReader,
    StageView,
    crop_hand,
    draw_points,
    foreground,
    huber,
)

#: A mesh fits a crop when its depth, its points and a joint's part are this near, cube-normalised.
_DEPTH_GATE, _POINT_GATE = 0.04, 1e-3
#: Foreground of the one-stage variant's gate.
_ONE_STAGE_FOREGROUND = 0.95


class ModelFit(NamedTuple):
    """How well a mesh fits a crop.

    Attributes:
        m2d: (B,) depth difference where either shows something.
        d2m: (B,) mean squared distance of the crop's points to the mesh.
        pd2m: (B, 15) the same of each bone's points to the bone's faces.
        depth: (B,) depth difference that the gate judges.
    """

    m2d: Tensor
    d2m: Tensor
    pd2m: Tensor
    depth: Tensor


@MODELS.register_module()
class DSFSelfSupervisedLoss(nn.Module):
    """Model fitting, inter-branch and self-boosting losses (docs/en/methods/dsf.md#losses).

    The last stage, without gradients, is the teacher: it says which pixels are hand and which bone each
    belongs to, and with two stages the first learns from it. Within the last stage, the hand follows the
    maps' joints, and the maps follow the hand's joints where the mesh fits.

    Args:
        hand: the hand layer, a hand model or its config.
        camera: name or camera.
        two_stage: with ``False`` a single stage is its own teacher; masks of its gate are stricter and
            its depth difference is divided by the pixels of both instead of either, as released.
        reader: parts to share with the estimator; made of ``hand`` and ``camera`` if ``None``.
        num_points: drawn from a crop, and again of its bones.
        pixel, coord, joint, vert: weights of the first stage's distillation.
        p2m, m2p: weights of the branches' losses.
        coll, m2d, d2m, pd2m: weights of collision and model fitting.

    Raises:
        HandConfigError: a weight that is no number.
    """

    def __init__(
        self,
        hand: MPEHand | LinearSkinnedHand | dict,
        camera: str | DepthCamera = 'nyu',
        two_stage: bool = True,
        reader: StageReader | None = None,
        num_points: int = 2048,
        pixel: float = 1.0,
        coord: float = 100.0,
        joint: float = 100.0,
        vert: float = 100.0,
        p2m: float = 100.0,
        m2p: float = 100.0,
        coll: float = 1.0,
        m2d: float = 0.1,
        d2m: float = 1.0,
        pd2m: float = 1.0,
    ) -> None:
        super().__init__()
        self.reader = reader or StageReader(hand, camera)
        self.proxy = SphereProxy(self.reader.hand)
        self.two_stage = two_stage
        self.num_points = num_points
        self.weights = dict(pixel=pixel, coord=coord, joint=joint, vert=vert, p2m=p2m, m2p=m2p)
        self.weights.update(coll=coll, m2d=m2d, d2m=d2m, pd2m=pd2m)
        for name, weight in self.weights.items():
            if isinstance(weight, bool) or not isinstance(weight, int | float):
                raise HandConfigError(f'loss_self_supervised.{name} is {weight!r}, not a number')

    def forward(
        self,
        stages: Sequence[tuple[Tensor, Tensor]],
        real: Mapping[str, Tensor],
        points: Mapping[str, Tensor] | None = None,
    ) -> dict[str, Tensor]:
        """Losses of a batch.

        Args:
            stages: maps (B, 84, s, s) and hand parameters (B, 62) of each, two or one.
            real: ``image`` (B, 1, S, S), ``center`` and ``cube`` (B, 3) metres, and ``affine``
                (B, 3, 3), computed where it is missing.
            points: ``part`` and ``all`` (B, N, 3), cube-normalised, in place of drawn ones.

        Returns:
            ``s1.loss_`` ``pixel coord joint vert coll m2d d2m pd2m`` and ``s2.loss_`` ``p2m m2p coll
            m2d d2m pd2m``; of one stage the latter as ``s1.``.
        """
        affine = real.get('affine')
        if affine is None:
            affine = crop_affine_cube(real['center'], real['cube'], self.reader.camera)
        view = DepthView(real['image'], real['center'], real['cube'], affine)
        views = [self.reader(maps, mpe.float(), view) for maps, mpe in stages]
        teacher = views[-1].detach()
        crop = crop_hand(view.image, teacher.hand_xyz, view, self.reader.camera)
        radii = self.proxy.radii(teacher.hand_xyz, teacher.vertices)
        with torch.no_grad():
            if points is None:
                points = self.draw(crop, view, teacher, radii)
            labels = self.proxy.segment(points['part'], teacher.xyz, radii)
        losses = {}
        for number, stage in enumerate(views, 1):
            fit = self.fit(stage, teacher, crop, view, points, labels)
            last = number == len(views)
            terms = self.between_branches(stage, fit) if last else self.learned(stage, teacher)
            terms['coll'] = self.proxy.loss(stage.hand_xyz, stage.vertices)
            terms.update(m2d=fit.m2d.mean(), d2m=fit.d2m.mean(), pd2m=fit.pd2m.mean())
            for name, value in terms.items():
                losses[f's{number}.loss_{name}'] = self.weights[name] * value
        return losses

    def draw(
        self, crop: Tensor, view: DepthView, teacher: StageView, radii: Tensor
    ) -> dict[str, Tensor]:
        """Points of a hand's crop: ``all``, and ``part``, those of its bones (B, N, 3)."""
        cloud = crop_points(crop, view.center, view.cube, view.affine, self.reader.camera)
        seen = crop.flatten(1) <= FOREGROUND
        # Most of a crop is background: only what is seen is segmented, padded to the fullest crop.
        most = int(seen.sum(1).max().clamp(min=1))
        index = seen.to(torch.int8).argsort(dim=1, descending=True, stable=True)[:, :most]
        some = cloud.gather(1, index[..., None].expand(-1, -1, 3))
        bone = self.proxy.segment(some, teacher.xyz, radii) > 0
        bones = seen & torch.zeros_like(seen).scatter(1, index, bone)
        part = draw_points(cloud, bones, self.num_points)
        return {'part': part, 'all': draw_points(cloud, seen, self.num_points)}

    def fit(
        self,
        stage: StageView,
        teacher: StageView,
        crop: Tensor,
        view: DepthView,
        points: Mapping[str, Tensor],
        labels: Tensor,
    ) -> ModelFit:
        """How well a stage's mesh fits the crop of the teacher's hand."""
        drawn = crop_hand(stage.drawn, teacher.hand_xyz, view, self.reader.camera)
        difference = (crop - drawn).abs()

        def mean(mask: Tensor, count: Tensor) -> Tensor:
            return (difference * mask).sum((1, 2, 3)) / (count.sum((1, 2, 3)) + 1e-8)

        ours, theirs = foreground(crop, drawn)
        either = ours | theirs
        m2d = mean(either, either)
        if self.two_stage:
            depth = mean(ours & theirs, either)
        else:
            ours, theirs = foreground(crop, drawn, below=_ONE_STAGE_FOREGROUND)
            depth = mean(ours & theirs, ours & theirs)
        hand = self.reader.hand
        d2m = point_mesh_distances(points['all'], stage.vertices, hand.faces).squared.mean(1)
        near = point_mesh_distances(
            points['part'], stage.vertices, hand.faces, labels, hand.part_faces
        )
        # A point that touches the mesh does not count, nor does the palm.
        counted = (labels > 0) & (near.face >= 0) & (near.squared > 0)
        squared = torch.where(counted, near.squared, torch.zeros_like(near.squared))
        parts = len(hand.part_faces)
        total = squared.new_zeros(len(squared), parts).scatter_add(1, labels, squared)
        number = squared.new_zeros(len(squared), parts).scatter_add(1, labels, counted.to(squared))
        return ModelFit(m2d, d2m, (total / number.clamp(min=1))[:, 1:], depth.detach())

    def learned(self, stage: StageView, teacher: StageView) -> dict[str, Tensor]:
        """What the first stage learns from the last."""
        return dict(
            pixel=huber(stage.maps, teacher.maps),
            coord=huber(stage.uvd, teacher.uvd),
            joint=huber(stage.hand_xyz, teacher.xyz),
            vert=huber(stage.vertices, teacher.vertices),
        )

    def between_branches(self, stage: StageView, fit: ModelFit) -> dict[str, Tensor]:
        """What the hand learns from the maps, and the maps from the hand where it fits."""
        p2m = huber(stage.hand_uvd, stage.uvd.detach())
        trusted = trusted_joints(fit)
        error = F.huber_loss(stage.uvd, stage.hand_uvd.detach(), delta=DELTA, reduction='none')
        chosen = trusted[..., None].to(error.dtype).expand_as(error)
        return dict(p2m=p2m, m2p=(error * chosen).sum() / chosen.sum().clamp(min=1))


def trusted_joints(fit: ModelFit) -> Tensor:
    """(B, 21) bool, canonical order: joints of meshes that fit, whose own bone fits.

    A tip goes by the last bone of its finger; the wrist by the whole mesh.
    """
    names = get_joint_set('dsf21').joints
    near = fit.pd2m < _POINT_GATE
    near = torch.cat((torch.ones_like(near[:, :1]), near), dim=1)
    last = [names.index(f'{name[:-1]}3') for name in names[near.shape[1] :]]
    joints = convert_joints(torch.cat((near, near[:, last]), dim=1), 'dsf21', 'canonical', axis=1)
    sample = (fit.depth < _DEPTH_GATE) & (fit.d2m < _POINT_GATE)
    return joints & sample[:, None]

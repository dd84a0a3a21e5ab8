"""DSF's losses on rendered depth, whose hand is known."""

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from mmhand.cameras.depth_cube import DepthCamera
from mmhand.geometry import SphereProxy
from mmhand.hand_models import LinearSkinnedHand, MPEHand
from mmhand.registry import MODELS

from .dsf_terms import DepthView, StageReader, huber


@MODELS.register_module()
class DSFSupervisedLoss(nn.Module):
    """Huber losses (delta 0.01, means) of every stage's maps, joints and mesh.

    Pre-training pulls the shape to 0 and the scale above 0; fine-tuning has the gated collision loss
    instead. See docs/en/methods/dsf.md#losses.

    Args:
        hand: the hand layer, a hand model or its config.
        camera: name or camera.
        pretrain: which of the two.
        reader: parts to share with the estimator; made of ``hand`` and ``camera`` if ``None``.
        pixel, coord, joint, vert: weights of maps, decoded joints, and the hand's joints and vertices.
        coll: weight of the collision loss, in fine-tuning.
        beta, scale: weights of shape and scale, in pre-training.
    """

    def __init__(
        self,
        hand: MPEHand | LinearSkinnedHand | dict,
        camera: str | DepthCamera = 'nyu',
        pretrain: bool = False,
        reader: StageReader | None = None,
        pixel: float = 1.0,
        coord: float = 100.0,
        joint: float = 100.0,
        vert: float = 100.0,
        coll: float = 1.0,
        beta: float = 1000.0,
        scale: float = 0.1,
    ) -> None:
        super().__init__()
        self.reader = reader or StageReader(hand, camera)
        self.proxy = SphereProxy(self.reader.hand)
        self.pretrain = pretrain
        self.weights = dict(
            pixel=pixel, coord=coord, joint=joint, vert=vert, coll=coll, beta=beta, scale=scale
        )

    def forward(
        self, stages: Sequence[tuple[Tensor, Tensor]], target: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Losses of a batch.

        Args:
            stages: maps (B, 84, s, s) and hand parameters (B, 62) of each.
            target: what was rendered: ``image`` (B, 1, S, S), before any translation,
                ``joints_uvd`` and ``joints_cube`` (B, 21, 3), ``vertices_cube`` (B, V + 1, 3),
                ``center`` and ``cube`` (B, 3), ``affine`` (B, 3, 3).

        Returns:
            ``s1.loss_pixel``, ``s1.loss_coord``, ``s1.loss_joint``, ``s1.loss_vert`` and
            ``s1.loss_coll``, or ``s1.loss_beta`` and ``s1.loss_scale``; the same of ``s2.``.
        """
        view = DepthView(*(target[key] for key in ('image', 'center', 'cube', 'affine')))
        maps = self.reader.codec.encode(target['joints_uvd'], view.image)
        losses = {}
        for number, (said, mpe) in enumerate(stages, 1):
            mpe = mpe.float()
            stage = self.reader(said, mpe, view, drawn=False)
            terms = dict(
                pixel=huber(stage.maps, maps),
                coord=huber(stage.uvd, target['joints_uvd']),
                joint=huber(stage.hand_xyz, target['joints_cube']),
                vert=huber(stage.vertices, target['vertices_cube']),
            )
            if self.pretrain:
                parts = self.reader.hand.split(mpe)
                terms['beta'] = parts.betas.square().mean()
                terms['scale'] = parts.scale.clamp(max=0).abs().mean()
            else:
                terms['coll'] = self.proxy.loss(stage.hand_xyz, stage.vertices)
            for name, value in terms.items():
                losses[f's{number}.loss_{name}'] = self.weights[name] * value
        return losses

"""Pictures of a person whose hand's shape is known."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmhand.fitting import ShapeTable, fit_root
from mmhand.hand_models import HandModel
from mmhand.hand_models.rotations import mirror_axis_angle
from mmhand.structures import HandCamera, HandDataSample
from mmhand.utils.errors import HandConfigError


def hand_model_of(model: nn.Module) -> HandModel:
    """The right hand model that a network poses.

    Raises:
        HandConfigError: it has none.
    """
    own = getattr(model, 'hand_model', None)
    for part in (own, *model.modules()):
        if isinstance(part, HandModel) and part.side == 'right':
            return part
    raise HandConfigError(f'{type(model).__name__} poses no hand model, so a shape has no use')


def shape_for(model: nn.Module, table: ShapeTable) -> Tensor:
    """(S,) a person's shape for a network.

    Args:
        model: a network.
        table: of one person.

    Raises:
        HandConfigError: the shape belongs to another hand model.
        HandDataError: the table holds several persons.
    """
    hand = hand_model_of(model)
    betas, name = table.person, type(hand).__name__
    if table.hand_model != name or len(betas) != hand.num_betas:
        raise HandConfigError(
            f'the person has {len(betas)} betas of {table.hand_model}, {type(model).__name__} poses '
            f'{name} with {hand.num_betas}: personalize with this model'
        )
    return torch.from_numpy(betas)


@torch.no_grad()
def wear_shape(
    model: nn.Module, samples: Sequence[HandDataSample], betas: Tensor
) -> list[HandDataSample]:
    """Pose predicted hands anew with a given shape, in place.

    The pose stays. The wrist stays where it is, or goes to where the new hand's joints fall best on
    the predicted pixels, if there are some. Networks that are given the shape need none of this.

    Args:
        model: the network.
        samples: predictions, before left hands of mirrored crops are turned back.
        betas: (S,).

    Returns:
        The samples.

    Raises:
        HandConfigError: the network gives no pose that a shape could be put on.
    """
    if getattr(model, 'needs_betas', False):
        return list(samples)
    hand = hand_model_of(model)
    device = hand.faces.device
    for sample in samples:
        hands = sample.pred_hands
        if not {'pose', 'vertices', 'betas', 'keypoints_3d'} <= set(hands.keys()):
            raise HandConfigError(
                f'{type(model).__name__} predicts no pose with a mesh, so that no shape can be given'
            )
        if not len(hands):
            continue
        wrist = hands.keypoints_3d[:, :1]
        left = (hands.side == 1)[:, None]
        pose = torch.where(left, mirror_axis_angle(hands.pose), hands.pose).to(device)
        shape = betas.to(device).expand(len(hands), -1)
        out = hand(pose[:, :3], pose[:, 3:], shape)
        flip = torch.where(left[..., None], torch.tensor([-1.0, 1.0, 1.0]), torch.ones(3))
        joints, vertices = (x.to(wrist) * flip.to(wrist) for x in (out.joints, out.vertices))
        moved = _wrists(sample, joints - joints[:, :1], wrist)
        shift = moved - joints[:, :1]
        hands.keypoints_3d, hands.vertices = joints + shift, vertices + shift
        hands.betas = shape.to(wrist)
        if 'root' in hands:
            hands.root = moved[:, 0]
        if 'transl' in hands:
            hands.transl = shift[:, 0]
    return list(samples)


def _wrists(sample: HandDataSample, relative: Tensor, wrist: Tensor) -> Tensor:
    """(N, 1, 3) wrists of hands of a new size."""
    camera = HandCamera.of(sample.get('camera'))
    if camera is None or 'keypoints_2d' not in sample.pred_hands:
        return wrist
    K = torch.from_numpy(camera.K_crop).to(wrist).expand(len(wrist), 3, 3)
    found = fit_root(relative, sample.pred_hands.keypoints_2d, K)[:, None]
    good = torch.isfinite(found).all(-1, keepdim=True) & (found[..., 2:] > 0)
    return torch.where(good, found, wrist)

"""Where HDR's hands are in metres: size, place before the camera, and a hand model laid into them."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from mmhand.fitting import HandEvidence, PlacedHands
from mmhand.structures import HandCamera, HandDataSample

#: Metres from wrist to middle MCP of a hand about which nothing is known.
COMMON_BONE = 0.095

Fit = Callable[..., PlacedHands]


def bone_lengths(
    data_samples: Sequence[HandDataSample], hands: int, default: float | None
) -> Tensor:
    """(B, N) metres from wrist to middle MCP as the samples say; NaN where nobody says."""
    rows = []
    for sample in data_samples:
        told = sample.get('bone_length', default)
        row = torch.as_tensor(torch.nan if told is None else told, dtype=torch.float32)
        rows.append(row.reshape(-1)[:hands].expand(hands))
    return torch.stack(rows)


def metric_fields(
    bones: Tensor,
    side: Tensor,
    pixels: Tensor,
    scores: Tensor,
    boxes: Tensor,
    lengths: Tensor,
    cameras: Sequence[HandCamera | None],
    refine: Fit,
    mesh_fitter: Fit | None = None,
) -> dict[str, Tensor]:
    """Give bone-normalised hands their size, a mesh, and their place.

    Args:
        bones: (B, N, 21, 3) in lengths of the wrist - middle MCP bone, camera axes.
        side: (B, N) 0 right, 1 left.
        pixels: (B, N, 21, 2) of the pixels that the cameras project on.
        scores: (B, N, 21).
        boxes: (B, N, 4) xywh of the crops, which are about twice the hand.
        lengths: (B, N) metres of that bone; where not known (NaN) the hand is as large as its model
            thinks, or :data:`COMMON_BONE`.
        cameras: of each picture; where ``None`` wrists are at the origin.
        refine: fit that places the hands.
        mesh_fitter: fit that lays a hand model into the joints.

    Returns:
        On the CPU, (B, N, ...): ``keypoints_3d``, ``root``, and with meshes ``pose``, ``betas``,
        ``scale`` (of the hand model), ``transl``, ``vertices`` and ``fit_residual``; metres.
    """
    size = tuple(side.shape)
    bones, side, pixels, scores, boxes, lengths = (
        value.cpu().flatten(0, 1) for value in (bones, side, pixels, scores, boxes, lengths)
    )
    unknown = lengths.isnan()
    unit = torch.where(unknown, COMMON_BONE, lengths).to(bones)[:, None, None]
    centre, half = boxes[:, :2] + boxes[:, 2:] / 2, boxes[:, 2:] / 4
    evidence = HandEvidence(
        pixels,
        side,
        pixel_scores=scores,
        joints_3d=(bones - bones[:, :1]) * unit,
        bbox=torch.cat((centre - half, centre + half), 1),
        picture=torch.arange(size[0]).repeat_interleave(size[1]),
    )
    hands = PlacedHands(evidence.joints_3d, side=side)
    if mesh_fitter is not None:
        known = [camera for camera in cameras for _ in range(size[1])]
        hands = mesh_fitter(None, evidence, known)
        hands = _resized(hands, torch.where(unknown, 1 / hands.size, 1.0), evidence.joints_3d)
    seen = [row for row, camera in enumerate(cameras) if camera is not None]
    if seen:
        rows = (torch.tensor(seen)[:, None] * size[1] + torch.arange(size[1])).flatten()
        placed = refine(
            hands[rows], evidence[rows], [cameras[row] for row in seen for _ in range(size[1])]
        )
        changed = {
            name: getattr(hands, name).index_copy(0, rows, value.to(getattr(hands, name)))
            for name in ('joints', 'vertices', 'transl')
            if getattr(hands, name) is not None and (value := getattr(placed, name)) is not None
        }
        hands = replace(hands, **changed)
    fields = {'keypoints_3d': hands.joints, 'root': hands.joints[:, 0]}
    if mesh_fitter is not None:
        fields |= {
            'pose': hands.pose,
            'betas': hands.betas,
            'scale': hands.size,
            'transl': hands.transl,
            'vertices': hands.vertices,
            'fit_residual': hands.joint_residual,
        }
    return {name: value.unflatten(0, size) for name, value in fields.items() if value is not None}


def _resized(hands: PlacedHands, factor: Tensor, joints: Tensor) -> PlacedHands:
    """A fitted mesh and the joints (N, 21, 3) it was fitted to, times ``factor`` (N,)."""
    return replace(
        hands,
        joints=joints * factor[:, None, None],
        vertices=hands.vertices * factor[:, None, None],
        transl=hands.transl * factor[:, None],
        size=hands.size * factor,
        joint_residual=None if hands.joint_residual is None else hands.joint_residual * factor,
    )

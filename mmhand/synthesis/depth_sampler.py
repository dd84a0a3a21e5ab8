"""Rendered depth crops with their hands, drawn on the fly for DSF's training."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mmhand.cameras import DepthCamera, cube_to_uvd
from mmhand.hand_models import LinearSkinnedHand, MPEHand
from mmhand.hand_models.rotations import axis_angle_to_matrix
from mmhand.registry import MODELS, TASK_UTILS
from mmhand.renderers import DepthCropRenderer
from mmhand.utils.errors import HandDataError

#: Half the cube in which a scale of 1 is true size, metres.
_UNIT = 0.125

#: How far hands are from a camera, metres. SHREC's is ours: the release has none.
DEPTH_RANGES = {
    'nyu': (0.5, 1.2),
    'hands': (0.3, 0.9),
    'icvl': (0.15, 0.6),
    'msra': (0.15, 0.6),
    'shrec': (0.3, 0.9),
}

_JOINTS = 21


@dataclass
class DepthDraws:
    """What chance decides about a batch of hands.

    Attributes:
        betas: (B, 10) added to the shape.
        depth: (B, 1) metres, of the mean of the joints.
        view: (B, 3) radians, axis-angle of a turn about it.
        center: (B, 3) metres, from there to the middle of the cube.
        size: (B, 1) of the cube over its base.
    """

    betas: Tensor
    depth: Tensor
    view: Tensor
    center: Tensor
    size: Tensor


@TASK_UTILS.register_module()
class DepthHandSampler(nn.Module):
    """Places hands before a depth camera and renders crops of them.

    A hand of true size times its scale is put with the mean of its joints on the optical axis, turned
    about it, and rendered in a cube about it; see docs/en/depth.md#rendered-hands.

    Args:
        hand: the hand layer, a hand model or its config.
        camera: name in :data:`~mmhand.cameras.DEPTH_CAMERAS`, or a camera.
        base_cube: edge of the cube before its change, metres.
        depth: range of distances, metres; by default :data:`DEPTH_RANGES` of the camera.
        turn: whether views are turned (the release turns in fine-tuning only).
        mask: whether balls are cut out of the depth.
        spread: standard deviation of what is added to the shape; the release draws it three wide.
        row_map: of :class:`~mmhand.renderers.DepthCropRenderer`.
    """

    def __init__(
        self,
        hand: MPEHand | LinearSkinnedHand | dict,
        camera: str | DepthCamera = 'nyu',
        base_cube: float = 0.25,
        depth: tuple[float, float] | None = None,
        turn: bool = True,
        mask: bool = True,
        spread: float = 3.0,
        row_map: str = 'released',
    ) -> None:
        super().__init__()
        if isinstance(hand, dict):
            hand = MODELS.build(hand)
        self.hand = hand if isinstance(hand, MPEHand) else MPEHand(hand)
        self.renderer = DepthCropRenderer(camera, row_map=row_map)
        self.camera = self.renderer.camera
        self.base_cube = float(base_cube)
        self.depth = depth or DEPTH_RANGES.get(self.camera.name, DEPTH_RANGES['nyu'])
        self.turn, self.mask, self.spread = turn, mask, spread

    def draw(self, count: int, generator: torch.Generator | None = None) -> DepthDraws:
        """Draws of ``count`` hands, on the CPU."""

        def uniform(low: float, high: float, *shape: int) -> Tensor:
            return low + (high - low) * torch.rand(count, *shape, generator=generator)

        view = uniform(0.0, 2 * math.pi, 3)
        return DepthDraws(
            betas=self.spread
            * torch.randn(count, self.hand.hand_model.num_betas, generator=generator),
            depth=uniform(*self.depth, 1),
            view=view if self.turn else torch.zeros_like(view),
            center=uniform(-0.02, 0.02, 3),
            size=uniform(0.8, 1.2, 1),
        )

    @torch.no_grad()
    def render(
        self, mpe: Tensor, base_cube: float | Tensor, draws: DepthDraws
    ) -> dict[str, Tensor]:
        """Render hands.

        Args:
            mpe: (B, 62), or (B, 63) with a quaternion; translations do not matter.
            base_cube: edge, or (3,) edges, metres.
            draws: see :class:`DepthDraws`.

        Returns:
            ``image`` (B, 1, 128, 128), ``joints_uvd``, ``joints_cube`` (B, 21, 3) canonical order,
            ``vertices_cube`` (B, V + 1, 3), ``center`` and ``cube`` (B, 3) metres, ``affine`` (B, 3, 3).
        """
        device = self.hand.faces.device
        mpe = mpe.to(device, torch.float32)
        draws = DepthDraws(
            **{key: value.to(device, torch.float32) for key, value in vars(draws).items()}
        )
        parts = self.hand.split(mpe)
        betas = parts.betas + draws.betas
        shaped = torch.cat((parts.orient, parts.pose, betas, parts.scale, parts.transl), dim=1)
        hand = self.hand(shaped)
        place = torch.nn.functional.pad(draws.depth, (2, 0))
        turn = axis_angle_to_matrix(draws.view)
        middle = hand.joints.mean(1, keepdim=True)
        joints, vertices = (
            (points - middle) * _UNIT @ turn.mT + place[:, None]
            for points in (hand.joints, hand.vertices)
        )
        center = place + draws.center
        cube = torch.as_tensor(base_cube, dtype=torch.float32, device=device) * draws.size
        cube = cube.expand(-1, 3).contiguous()
        image, affine = self.renderer(vertices, self.hand.faces, center, cube)
        half = cube[:, None] / 2
        joints, vertices = ((points - center[:, None]) / half for points in (joints, vertices))
        return {
            'image': image,
            'joints_uvd': cube_to_uvd(joints, center, cube, affine, self.camera),
            'joints_cube': joints,
            'vertices_cube': vertices,
            'center': center,
            'cube': cube,
            'affine': affine,
        }

    def forward(self, mpe: Tensor, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """A batch to train on, as a generator (CPU) decides: drawn, rendered, and with balls cut out."""
        rendered = self.render(mpe, self.base_cube, self.draw(len(mpe), generator))
        return self._masked(rendered, *draw_balls(len(mpe), generator))

    def render_seeded(self, mpe: Tensor, seeds: Sequence[int], shared: int) -> dict[str, Tensor]:
        """As :meth:`forward`, but what is drawn about a hand depends on its own seed only.

        Args:
            mpe: (B, 62).
            seeds: B seeds.
            shared: seed of what the batch shares: at which joints balls are cut out.
        """
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        draws = _concatenated([self.draw(1, generator) for generator in generators])
        rendered = self.render(mpe, self.base_cube, draws)
        joints, *_ = draw_balls(1, torch.Generator().manual_seed(shared))
        balls = [draw_ball_places(1, len(joints), generator) for generator in generators]
        offsets, radii = (torch.cat(values) for values in zip(*balls, strict=True))
        return self._masked(rendered, joints, offsets, radii)

    def _masked(
        self, rendered: dict[str, Tensor], joints: Tensor, offsets: Tensor, radii: Tensor
    ) -> dict[str, Tensor]:
        if self.mask:
            device = rendered['image'].device
            balls = [value.to(device) for value in (joints, offsets, radii)]
            rendered['image'] = mask_balls(rendered['image'], rendered['joints_uvd'], *balls)
        return rendered


def _concatenated(draws: list[DepthDraws]) -> DepthDraws:
    names = vars(draws[0])
    return DepthDraws(**{name: torch.cat([getattr(one, name) for one in draws]) for name in names})


def draw_balls(
    count: int, generator: torch.Generator | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Balls to cut out of a batch: three to nine joints, the same of all samples.

    Returns:
        Joints (K,), offsets (B, K, 3) and radii (B, K), crop-normalised.
    """
    number = int(torch.randint(3, 10, (), generator=generator))
    joints = torch.randperm(_JOINTS, generator=generator)[:number]
    return joints, *draw_ball_places(count, number, generator)


def draw_ball_places(
    count: int, number: int, generator: torch.Generator | None = None
) -> tuple[Tensor, Tensor]:
    """Offsets (B, K, 3) and radii (B, K) of ``number`` balls in each of ``count`` crops."""
    offsets = 0.15 * (2 * torch.rand(count, number, 3, generator=generator) - 1)
    return offsets, 0.3 * torch.rand(count, number, generator=generator)


def mask_balls(
    image: Tensor, joints_uvd: Tensor, joint_ids: Tensor, offsets: Tensor, radii: Tensor
) -> Tensor:
    """Cut balls out of depth: their pixels become background.

    Pixel i of S lies at ``2 (i + 0.5) / S - 1``, as in the maps.

    Args:
        image: (B, 1, S, S) normalised depth.
        joints_uvd: (B, J, 3) crop-normalised.
        joint_ids: (K,) joints that balls lie at.
        offsets: (B, K, 3) from there to their middles.
        radii: (B, K) or (B, K, 1).

    Returns:
        (B, 1, S, S).

    Raises:
        HandDataError: shapes do not fit.
    """
    joint_ids = torch.as_tensor(joint_ids, device=joints_uvd.device).long()
    if offsets.shape[-2] != len(joint_ids):
        raise HandDataError(f'{len(joint_ids)} balls have {offsets.shape[-2]} offsets')
    middles = joints_uvd[:, joint_ids] + offsets
    size = image.shape[-1]
    grid = 2 * (torch.arange(size, dtype=image.dtype, device=image.device) + 0.5) / size - 1
    radii = radii.reshape(*radii.shape[:1], len(joint_ids)).expand(len(image), -1)
    flat = (grid[:, None] - middles[:, None, :, 0]) ** 2  # (B, S, K) columns
    tall = (grid[:, None] - middles[:, None, :, 1]) ** 2
    deep = (image[:, 0, :, :, None] - middles[:, None, None, :, 2]) ** 2
    inside = tall[:, :, None] + flat[:, None] + deep < (radii**2)[:, None, None]
    return torch.where(inside.any(-1)[:, None], torch.ones_like(image), image)

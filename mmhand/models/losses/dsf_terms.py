"""What DSF's losses are made of: views of an estimate, crops of a hand, and points on it."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmhand.cameras import crop_points, cube_to_uvd, depth_camera, uvd_to_cube
from mmhand.cameras.depth_cube import FOREGROUND, DepthCamera
from mmhand.codecs import PixelOffset
from mmhand.hand_models import LinearSkinnedHand, MPEHand
from mmhand.renderers import DepthCropRenderer

#: Of all of DSF's Huber losses.
DELTA = 0.01

#: How far beyond the joints a hand reaches, metres: x, y, and before and behind in z.
_MARGIN_LOW, _MARGIN_HIGH = (0.025, 0.025, 0.040), (0.025, 0.025, 0.020)


class DepthView(NamedTuple):
    """Depth crops and where they were taken.

    Attributes:
        image: (B, 1, S, S) normalised depth.
        center, cube: (B, 3) metres, camera frame.
        affine: (B, 3, 3) from the picture's to the crop's pixels.
    """

    image: Tensor
    center: Tensor
    cube: Tensor
    affine: Tensor


class StageView(NamedTuple):
    """What a stage says, in all coordinates; canonical joint order.

    Attributes:
        maps: (B, 84, s, s) offset maps.
        uvd, xyz: (B, 21, 3) joints of the maps, crop- and cube-normalised.
        hand_uvd, hand_xyz: (B, 21, 3) joints of the hand.
        vertices: (B, V + 1, 3) of the hand, cube-normalised.
        drawn: (B, 1, S, S) depth of the hand; ``None`` where it was not asked for.
    """

    maps: Tensor
    uvd: Tensor
    xyz: Tensor
    hand_uvd: Tensor
    hand_xyz: Tensor
    vertices: Tensor
    drawn: Tensor | None

    def detach(self) -> 'StageView':
        """The same without gradients."""
        return StageView(*(None if value is None else value.detach() for value in self))


class StageReader(nn.Module):
    """Turns a stage's maps and parameters into joints, meshes and depth.

    Args:
        hand: the hand layer, or the hand model it is to pose.
        camera: name or camera.
        renderer: ``None`` for :class:`~mmhand.renderers.DepthCropRenderer` of the camera.
        codec: ``None`` for :class:`~mmhand.codecs.PixelOffset`.
    """

    def __init__(
        self,
        hand: MPEHand | LinearSkinnedHand | dict,
        camera: str | DepthCamera = 'nyu',
        renderer: DepthCropRenderer | None = None,
        codec: PixelOffset | None = None,
    ) -> None:
        super().__init__()
        self.hand = hand if isinstance(hand, MPEHand) else MPEHand(hand)
        self.camera = depth_camera(camera)
        self.renderer = renderer or DepthCropRenderer(self.camera)
        self.codec = codec or PixelOffset()

    def draw(self, vertices: Tensor, view: DepthView) -> tuple[Tensor, Tensor]:
        """Depth (B, 1, S, S) and crop matrix (B, 3, 3) of cube-normalised vertices (B, V + 1, 3)."""
        metres = self.hand.to_camera(vertices, view.center, view.cube)
        return self.renderer(metres, self.hand.faces, view.center, view.cube)

    def remap(self, mpe: Tensor, view: DepthView) -> Tensor:
        """Maps (B, 84, s, s) of the hand of parameters (B, 62), as the camera sees it."""
        hand = self.hand(mpe)
        drawn, affine = self.draw(hand.vertices, view)
        uvd = cube_to_uvd(hand.joints, view.center, view.cube, affine, self.camera)
        return self.codec.encode(uvd, drawn)

    def forward(self, maps: Tensor, mpe: Tensor, view: DepthView, drawn: bool = True) -> StageView:
        """Read a stage.

        Args:
            maps: (B, 84, s, s).
            mpe: (B, 62).
            view: the crops it looked at; their image places the maps' pixels.
            drawn: render the mesh.
        """
        maps = maps.float()
        uvd = self.codec.decode(maps, view.image)
        xyz = uvd_to_cube(uvd, view.center, view.cube, view.affine, self.camera)
        hand = self.hand(mpe)
        picture, affine = self.draw(hand.vertices, view) if drawn else (None, view.affine)
        hand_uvd = cube_to_uvd(hand.joints, view.center, view.cube, affine, self.camera)
        return StageView(maps, uvd, xyz, hand_uvd, hand.joints, hand.vertices, picture)


def huber(pred: Tensor, target: Tensor) -> Tensor:
    """Mean Huber loss with DSF's delta."""
    return F.huber_loss(pred, target, delta=DELTA)


def crop_hand(image: Tensor, joints: Tensor, view: DepthView, camera: str | DepthCamera) -> Tensor:
    """Depth of what lies about a hand's joints; everything else becomes background.

    Args:
        image: (B, 1, S, S) normalised depth, of the real hand or of a mesh.
        joints: (B, 21, 3) cube-normalised.
        view: where the crop was taken.
        camera: the picture's.

    Returns:
        (B, 1, S, S); gradients go through the pixels that are kept.
    """
    half, center = view.cube[:, None] / 2, view.center[:, None]
    with torch.no_grad():
        points = crop_points(image, view.center, view.cube, view.affine, camera) * half + center
        metres = joints * half + center
        low = metres.amin(1, keepdim=True) - metres.new_tensor(_MARGIN_LOW)
        high = metres.amax(1, keepdim=True) + metres.new_tensor(_MARGIN_HIGH)
        within = ((points >= low) & (points <= high)).all(-1).view_as(image)
    return torch.where(within, image, torch.ones_like(image))


def draw_points(points: Tensor, mask: Tensor, count: int) -> Tensor:
    """A fixed number of a cloud's points, drawn from torch's generator.

    Few points are all taken several times, and the rest without repeats; of none, zeros are made.

    Args:
        points: (B, N, 3).
        mask: (B, N) bool, which to draw from.
        count: how many.

    Returns:
        (B, count, 3).
    """
    clouds = []
    for cloud, keep in zip(points, mask, strict=True):
        index = keep.nonzero().squeeze(1)
        if not len(index):
            clouds.append(cloud.new_zeros(count, 3))
            continue
        rest = torch.randperm(len(index), device=index.device)[: count % len(index)]
        whole = index.repeat(count // len(index))
        clouds.append(cloud[torch.cat((whole, index[rest]))])
    return torch.stack(clouds)


def foreground(*images: Tensor, below: float = FOREGROUND) -> tuple[Tensor, ...]:
    """Which pixels of each picture show something."""
    return tuple(image < below for image in images)

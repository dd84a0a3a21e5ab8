"""One right hand with its forearm before depth cameras."""

import functools
from dataclasses import dataclass

import numpy as np
import torch

from mmhand.cameras import DepthCamera, depth_camera
from mmhand.hand_models import LinearSkinnedHand
from mmhand.hand_models.rotations import axis_angle_to_matrix
from mmhand.renderers import rasterize

from .depth_sensor import get_sensor, sense_depth
from .forearm import forearm_mesh, sample_forearm
from .hand_sampling import rest_axes
from .mesh_ops import rotation_about
from .rng import stream, torch_generator
from .scene_hands import scene_hands

#: Angles between the views of a frame, degrees about the vertical.
_VIEW_ANGLES = (0.0, 35.0, -35.0)


@dataclass
class DepthFrame:
    """A hand as one or several sensors see it.

    Attributes:
        index: of the frame in its split.
        subject: number of the person.
        depth: a (H, W) uint16 picture a view, millimetres.
        joints: (views, 21, 3) canonical, camera frame of each view, metres.
        center: (views, 3) about the middle of the joints, as a detector would say it.
    """

    index: int
    subject: int
    depth: list[np.ndarray]
    joints: np.ndarray
    center: np.ndarray


@dataclass(frozen=True)
class DepthSceneConfig:
    """What frames show.

    Attributes:
        camera: name of the depth camera, whose sensor errs as :data:`.depth_sensor.SENSORS` says.
        distance: range of the hand's, metres.
        views: cameras.
        people: in a split, each with a shape of its own; frames go round them.
        sensor: how well its sensor does, one of :data:`.depth_sensor.SENSOR_QUALITIES`; exact depth is
            in whole millimetres.
        hand_model: name of the hand.
        turn: how far wrists turn: 1 as people hold them, 0 always palm to the camera, fingers up.
    """

    camera: str
    distance: tuple[float, float]
    views: int = 1
    people: int = 4
    sensor: str = 'usual'
    hand_model: str = 'OpenHand'
    turn: float = 1.0

    @functools.cached_property
    def hand(self) -> LinearSkinnedHand:
        """The right hand that is drawn."""
        return scene_hands(self.hand_model)[0]


def person_shape(seed: int, person: int, count: int = 10) -> np.ndarray:
    """(10,) shape of a person of a split."""
    return stream(seed, 'person', person).normal(0, 0.8, count)


def render_depth_frame(seed: int, index: int, config: DepthSceneConfig) -> DepthFrame:
    """Draw and render a frame; the same for the same arguments.

    Args:
        seed: of the split.
        index: of the frame.
        config: what it shows.
    """
    rng = stream(seed, 'depth frame', index)
    person = index % config.people
    pose = config.hand.sample_pose(1, torch_generator(rng))[0].numpy()
    turn = config.turn * np.deg2rad(rng.uniform(-60, 60))
    tilt = rotation_about(_unit(rng), config.turn * rng.normal(0, 0.45))
    back = rng.random() < 0.5 * config.turn
    orient = rotation_about(np.array([0.0, 0, 1]), turn) @ tilt @ upright(back)
    camera = depth_camera(config.camera)
    distance = rng.uniform(*config.distance)
    span = 0.35 * distance * np.array(camera.size) / np.array(camera.focal)
    place = np.array([*(rng.uniform(-0.4, 0.4, 2) * span), distance])
    body = distance + rng.uniform(0.25, 0.6) if rng.random() < 0.7 else 0.0
    return render_pose(seed, index, config, person, orient, pose, place, body, rng)


def upright(back: bool) -> np.ndarray:
    """(3, 3) wrist of a right hand whose fingers point up, palm or back to the camera."""
    axes = rest_axes('right')
    palm = np.array([0.0, 0, 1]) if back else np.array([0.0, 0, -1])
    up = np.array([0.0, -1, 0])
    return np.stack([up, palm, np.cross(up, palm)], axis=1) @ axes.T


def render_pose(
    seed: int,
    index: int,
    config: DepthSceneConfig,
    person: int,
    orient: np.ndarray,
    pose: np.ndarray,
    place: np.ndarray,
    body: float,
    rng: np.random.Generator,
) -> DepthFrame:
    """Render a given hand.

    Args:
        seed: of the split, which decides the people's shapes.
        index: of the frame.
        config: cameras.
        person: whose hand.
        orient: (3, 3) of the wrist.
        pose: (45,) of the fingers.
        place: (3,) middle of the joints in the first camera, metres.
        body: depth of what stands behind the hand; 0 for nothing.
        rng: of forearm and sensor.
    """
    vertices, joints, faces, ring = pose_hand(seed, config, person, orient, pose)
    middle = joints.mean(0)
    axes = orient @ rest_axes('right')
    arm = sample_forearm(rng, 0.25)
    arm_vertices, arm_faces, _ = forearm_mesh(
        arm, vertices[ring], -axes[:, 0], axes[:, 1], axes[:, 2]
    )
    count = len(vertices)
    mesh = np.concatenate([vertices, arm_vertices]) - middle
    faces = np.concatenate([faces, arm_faces + count])
    camera = depth_camera(config.camera)
    sensor = get_sensor(camera.name, config.sensor)
    depths, own, centers = [], [], []
    for angle in _VIEW_ANGLES[: config.views]:
        turn = rotation_about(np.array([0.0, 1, 0]), np.deg2rad(angle))
        points = (joints - middle) @ turn.T + place
        exact = render_depth(mesh @ turn.T + place, faces, camera)
        if body:
            # A person or a wall behind, a little aslant.
            slant = np.linspace(-1, 1, exact.shape[1])[None] * rng.uniform(-0.1, 0.1)
            exact = np.where(exact > 0, exact, body + slant)
        if sensor:
            depths.append(sense_depth(exact, sensor, camera.focal[0], rng))
        else:
            depths.append(np.rint(1000 * exact).astype(np.uint16))
        own.append(points)
        centers.append(points.mean(0) + rng.normal(0, 0.006, 3))
    return DepthFrame(index, person, depths, np.stack(own), np.stack(centers))


def pose_hand(
    seed: int, config: DepthSceneConfig, person: int, orient: np.ndarray, pose: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Vertices (V, 3), canonical joints (21, 3), faces and wrist ring; see :func:`render_pose`."""
    hand = config.hand
    betas = torch.from_numpy(person_shape(seed, person, hand.num_betas)).float()[None]
    with torch.no_grad():
        matrix = torch.from_numpy(orient).float()[None]
        full = hand.full_hand_pose(torch.from_numpy(np.float32(pose))[None])
        local = axis_angle_to_matrix(full.unflatten(1, (15, 3)))
        vertices = hand(matrix, local, betas).vertices
        # As DSF's hand has them: of the posed mesh.
        joints = hand.regress_joints(vertices)
    ring = hand.wrist_ring.numpy()
    return vertices[0].numpy(), joints[0].numpy(), hand.faces.numpy(), ring


def render_depth(vertices: np.ndarray, faces: np.ndarray, camera: DepthCamera) -> np.ndarray:
    """(H, W) exact depth of a mesh, metres, 0 where there is nothing.

    Only the box that the mesh covers is rasterised.
    """
    width, height = camera.size
    K = camera.K
    K[:2, 2] -= 0.5  # the rasteriser's pixel centres are whole numbers
    depth = np.zeros((height, width), np.float32)
    front = vertices[vertices[:, 2] > 0.05]
    if not len(front):
        return depth
    uv = front @ K.T
    uv = uv[:, :2] / uv[:, 2:]
    x0, y0 = np.clip(np.floor(uv.min(0)) - 1, 0, camera.size).astype(int)
    x1, y1 = np.clip(np.ceil(uv.max(0)) + 2, 0, camera.size).astype(int)
    if x0 >= x1 or y0 >= y1:
        return depth
    K[:2, 2] -= [x0, y0]
    drawn = rasterize(
        torch.from_numpy(np.float32(vertices))[None],
        torch.from_numpy(faces),
        torch.from_numpy(K).float(),
        (int(y1 - y0), int(x1 - x0)),
    ).depth[0]
    depth[y0:y1, x0:x1] = drawn.numpy()
    return depth


def _unit(rng: np.random.Generator) -> np.ndarray:
    axis = rng.standard_normal(3)
    return axis / np.linalg.norm(axis)

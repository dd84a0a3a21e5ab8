"""From a scene to a picture with its masks and depth."""

import functools

import cv2
import numpy as np

from mmhand.cameras import camera_to_world, unproject
from mmhand.hand_models import LinearSkinnedHand

from .anatomy import Anatomy, anatomy
from .background import sample_background
from .camera_rig import Camera
from .config import SynthesisConfig
from .layers import Layer, blend, draw, in_front
from .mesh_ops import join_meshes, vertex_normals
from .noise import solid_noise
from .rng import stream
from .sample import MASK_PLANES, SyntheticSample
from .scene import Arm, Scene
from .sensor import expose
from .shading import Surface, ambient_occlusion, bump, shade
from .shadow_map import ShadowMap
from .skin import SkinTone, Sleeve, bake_skin, sample_skin, sample_sleeve

#: Brightness that the hands are exposed to, linear.
_MIDDLE = 0.2


@functools.lru_cache(maxsize=32)
def _person(
    model: LinearSkinnedHand, seed: int, number: int
) -> tuple[SkinTone, Sleeve, np.ndarray]:
    """Skin, sleeve and baked texels of one hand of a person."""
    tone = sample_skin(seed, number)
    return tone, sample_sleeve(seed, number), bake_skin(tone, anatomy(model))


class SceneRenderer:
    """Renders the views of one scene.

    Args:
        scene: what to draw.
        config: settings it was drawn with.
    """

    def __init__(self, scene: Scene, config: SynthesisConfig) -> None:
        self.scene, self.config = scene, config
        self._who = scene.person.seed, scene.person.number
        self.faces = [hand.faces for hand in scene.hands]
        self.hand_normals, self.arm_normals = self._normals()
        # Arms and objects are one mesh; parts[k] is the first face of the k-th of them.
        meshes = [(arm.vertices, arm.faces) for arm in scene.arms]
        meshes += [(thing.vertices, thing.faces) for thing in scene.objects]
        self.rest_faces, self.parts = join_meshes(
            [len(v) for v, _ in meshes], [f for _, f in meshes]
        )
        self.rest_vertices = np.concatenate([v for v, _ in meshes]) if meshes else np.zeros((0, 3))
        all_faces, _ = join_meshes(
            [len(self.rest_vertices), *(len(hand.vertices) for hand in scene.hands)],
            [self.rest_faces, *self.faces],
        )
        hands = np.concatenate([hand.vertices for hand in scene.hands])
        self.shadows = ShadowMap(
            np.concatenate([self.rest_vertices, hands]),
            all_faces,
            scene.lights,
            hands.mean(0),
            softness=float(stream(scene.seed, 'shadow', scene.capture).uniform(0.003, 0.012)),
        )

    def _anatomy(self, which: int) -> Anatomy:
        return anatomy(self.scene.hands[which].model)

    def _normals(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Vertex normals of hands and arms, smooth where a hand goes over into its arm."""
        hand_normals, arm_normals = [], []
        for which, hand in enumerate(self.scene.hands):
            faces, count = self.faces[which], len(hand.vertices)
            closed = vertex_normals(hand.vertices, faces)
            if not self.scene.arms:
                hand_normals.append(closed)
                continue
            arm, ring = self.scene.arms[which], self._ring(which)
            link = np.concatenate([ring, np.arange(len(ring), len(arm.vertices)) + count])
            skin = faces[self._anatomy(which).outside]
            normals = vertex_normals(
                np.concatenate([hand.vertices, arm.vertices]),
                np.concatenate([skin, link[arm.faces]]),
            )
            inner = np.linalg.norm(normals[:count], axis=-1, keepdims=True) < 0.5
            hand_normals.append(np.where(inner, closed, normals[:count]))
            arm_normals.append(np.concatenate([normals[ring], normals[count + len(ring) :]]))
        return hand_normals, arm_normals

    def _ring(self, which: int) -> np.ndarray:
        return self.scene.hands[which].model.wrist_ring.numpy()

    def render(self, view: int, index: int) -> SyntheticSample:
        """Draw one view.

        Args:
            view: index into the scene's cameras.
            index: sample index, kept in the result.
        """
        scene, camera = self.scene, self.scene.cameras[view]
        layers = [
            draw(hand.vertices, faces, camera)
            for hand, faces in zip(scene.hands, self.faces, strict=True)
        ]
        rest = draw(self.rest_vertices, self.rest_faces, camera) if self.parts else None
        everything = [*layers, rest] if rest else layers
        owner, depth = in_front(everything)
        rng = stream(scene.seed, 'picture', scene.frame, view)
        config = self.config
        background = sample_background(
            rng, camera.size, config.backgrounds, config.photos, config.photo_share
        )
        radiance = self._compose(camera, everything, owner, depth, background)
        exposure = _exposure(radiance, owner, len(layers), rng)
        sensor_seed = int(rng.integers(2**63))
        solo = {}
        if self.config.solo_images:
            for which, hand in enumerate(scene.hands):
                alone = self._solo(camera, layers, rest, which, background)
                solo[hand.side] = expose(
                    alone, stream(sensor_seed, 'sensor'), exposure, camera.grey
                )
        return SyntheticSample(
            seed=scene.seed,
            index=index,
            frame=scene.frame,
            view=view,
            capture=scene.capture,
            meeting=scene.meeting,
            hand_type=scene.hand_type,
            image=expose(radiance, stream(sensor_seed, 'sensor'), exposure, camera.grey),
            mask=self._mask(layers, rest, owner),
            depth=depth,
            camera=camera,
            hands=scene.hands,
            solo_images=solo,
        )

    def _mask(self, layers: list[Layer], rest: Layer | None, owner: np.ndarray) -> np.ndarray:
        mask = np.zeros(owner.shape, np.uint8)

        def put(name: str, where: np.ndarray) -> None:
            mask[where] |= 1 << MASK_PLANES.index(name)

        for which, layer in enumerate(layers):
            side = self.scene.hands[which].side
            put(f'{side}_amodal', layer.face >= 0)
            put(f'{side}_visible', owner == which)
        if rest:
            part = np.searchsorted(self.parts, rest.face, side='right') - 1
            nearest = owner == len(layers)
            arms = len(self.scene.arms)
            put('forearm_visible', nearest & (part < arms))
            put('object_visible', nearest & (part >= arms))
        return mask

    def _compose(
        self,
        camera: Camera,
        layers: list[Layer],
        owner: np.ndarray,
        depth: np.ndarray,
        background: np.ndarray,
    ) -> np.ndarray:
        """(H, W, 3) linear light of everything that is seen."""
        ambient = ambient_occlusion(depth, camera.K[0, 0])
        radiance = background.copy()
        for number, layer in enumerate(layers):
            rows, columns = np.nonzero(owner == number)
            if not len(rows):
                continue
            box = (
                slice(max(rows.min() - 1, 0), rows.max() + 2),
                slice(max(columns.min() - 1, 0), columns.max() + 2),
            )
            inside = (owner == number)[box]
            if number < len(self.scene.hands):
                surface = self._hand_surface(camera, number, layer, box, inside)
            else:
                surface = self._rest_surface(camera, layer, box, inside)
            world = camera_to_world(surface.position, camera.R, camera.center)
            surface.shadow = self.shadows.lit(world)
            surface.ambient = ambient[box][inside]
            radiance[box][inside] = shade(surface, self.scene.lights, camera.R)
        return _smooth_edges(radiance, owner)

    def _geometry(
        self, camera: Camera, layer: Layer, box: tuple[slice, slice], inside: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Faces (N,), barycentrics (N, 3) and positions (N, 3) of the pixels inside."""
        face, barycentric = layer.face[box][inside], layer.barycentric[box][inside]
        rows, columns = np.nonzero(inside)
        pixels = np.stack([columns + box[1].start, rows + box[0].start], -1)
        position = unproject(pixels, layer.depth[box][inside], camera.K)
        return face, barycentric, position.astype(np.float32)

    def _hand_surface(
        self,
        camera: Camera,
        which: int,
        layer: Layer,
        box: tuple[slice, slice],
        inside: np.ndarray,
    ) -> Surface:
        face, barycentric, position = self._geometry(camera, layer, box, inside)
        _, _, baked = _person(self.scene.hands[which].model, *self._who)
        texels = self._anatomy(which).texture.sample(baked, face, barycentric)
        normal = blend(self.hand_normals[which] @ camera.R.T, self.faces[which][face], barycentric)
        normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-6)

        def picture(values: np.ndarray) -> np.ndarray:
            out = np.zeros((*inside.shape, *values.shape[1:]), np.float32)
            out[inside] = values
            return out

        relief = picture(texels[:, 4] * np.float32(1e-3))
        normal = bump(picture(normal), picture(position), relief, inside)[inside]
        return Surface(
            albedo=texels[:, :3],
            normal=normal,
            position=position,
            gloss=texels[:, 3],
            skin=np.ones(len(face), bool),
            shadow=np.ones(len(face), np.float32),
            ambient=np.ones(len(face), np.float32),
        )

    def _rest_surface(
        self, camera: Camera, layer: Layer, box: tuple[slice, slice], inside: np.ndarray
    ) -> Surface:
        face, barycentric, position = self._geometry(camera, layer, box, inside)
        part = np.searchsorted(self.parts, face, side='right') - 1
        count = len(face)
        albedo, normal = np.zeros((count, 3), np.float32), np.zeros((count, 3), np.float32)
        gloss, skin = np.zeros(count, np.float32), np.zeros(count, bool)
        for number in np.unique(part):
            here = part == number
            local_face, weights = face[here] - self.parts[number], barycentric[here]
            if number < len(self.scene.arms):
                arm = self.scene.arms[number]
                corners = arm.faces[local_face]
                normals = self.arm_normals[number]
                albedo[here], skin[here] = self._arm_albedo(number, arm, corners, weights)
                gloss[here] = np.where(skin[here], 0.9, 0.25)
            else:
                thing = self.scene.objects[number - len(self.scene.arms)]
                corners = thing.faces[local_face]
                normals = vertex_normals(thing.vertices, thing.faces)
                albedo[here] = thing.paint.albedo(blend(thing.local, corners, weights))
                gloss[here] = 0.3 + 6 * thing.paint.gloss
            normal[here] = blend(normals @ camera.R.T, corners, weights)
        normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-6)
        lit = np.ones(count, np.float32)
        return Surface(albedo, normal, position, gloss, skin, lit, lit.copy())

    def _arm_albedo(
        self, which: int, arm: Arm, corners: np.ndarray, weights: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Linear RGB (N, 3) of arm pixels and which of them (N,) are bare."""
        tone, sleeve, _ = _person(self.scene.hands[which].model, *self._who)
        local = blend(arm.local, corners, weights)
        palm = blend(arm.palm[:, None], corners, weights)
        bare = local[:, 0] < arm.shape.sleeve * arm.shape.length
        color = tone.back * (1 - palm) + tone.palm * palm
        mottle = solid_noise(local, 0.02, tone.shift, 3)[:, None]
        color = color * (
            1 + tone.mottle * np.clip(0.5 + 0.5 * mottle, 0, 1.5) * (0.04, -0.07, -0.07)
        )
        if not bare.all():
            color[~bare] = sleeve.albedo(local[~bare])
        return color.astype(np.float32), bare

    def _solo(
        self,
        camera: Camera,
        layers: list[Layer],
        rest: Layer | None,
        which: int,
        background: np.ndarray,
    ) -> np.ndarray:
        """(H, W, 3) linear light with one hand and its arm only."""
        alone = [layer if i == which else layer.unseen() for i, layer in enumerate(layers)]
        if self.scene.arms:
            faces = self.rest_faces[self._part(which)]
            own = draw(self.rest_vertices, faces, camera)
            own.face[own.face >= 0] += self.parts[which]
            alone.append(own)
        return self._compose(camera, alone, *in_front(alone), background)

    def _part(self, number: int) -> slice:
        ends = [*self.parts[1:], len(self.rest_faces)]
        return slice(self.parts[number], ends[number])


def _smooth_edges(image: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """Mix the colours of neighbouring things where they border on each other."""
    across = np.zeros(owner.shape, bool)
    for axis in (0, 1):
        differs = np.diff(owner, axis=axis) != 0
        first = [slice(None)] * 2
        second = [slice(None)] * 2
        first[axis], second[axis] = slice(None, -1), slice(1, None)
        across[tuple(first)] |= differs
        across[tuple(second)] |= differs
    soft = cv2.GaussianBlur(image, (3, 3), 0.7)
    return np.where(across[..., None], soft, image)


def _exposure(
    radiance: np.ndarray, owner: np.ndarray, hands: int, rng: np.random.Generator
) -> float:
    """Exposure that brings the hands towards middle brightness, as a camera's automatic does.

    Only a part of the way: dark skin stays dark and fair skin fair.
    """
    seen = (owner >= 0) & (owner < hands)
    factor = np.exp(rng.normal(0, 0.22))
    if not seen.any():
        return float(factor)
    level = float(radiance[seen].mean())
    return float(factor * (_MIDDLE / max(level, 1e-3)) ** 0.3)

"""Cameras, lights, noise, textures, skin, backgrounds, objects, forearms."""

import numpy as np
import pytest
import trimesh

from mmhand.synthesis import background
from mmhand.synthesis.anatomy import anatomy
from mmhand.synthesis.background import KINDS, sample_background
from mmhand.synthesis.camera_rig import RIG_CENTER, aimed_rotation, sample_cameras, sample_rig
from mmhand.synthesis.config import SynthesisConfig
from mmhand.synthesis.contact import MeshPair
from mmhand.synthesis.forearm import Forearm, forearm_mesh
from mmhand.synthesis.hand_sampling import sample_hands
from mmhand.synthesis.lights import sample_lights
from mmhand.synthesis.mesh_ops import random_rotation, rotation_about, rotation_between
from mmhand.synthesis.mesh_texture import MeshTexture
from mmhand.synthesis.noise import plane_noise, solid_noise
from mmhand.synthesis.object_placement import hidden_share, sample_objects
from mmhand.synthesis.occluders import KINDS as KINDS_OF_OBJECTS
from mmhand.synthesis.occluders import sample_paint, sample_shape
from mmhand.synthesis.rng import derive_seed, stream
from mmhand.synthesis.scene_hands import scene_hands
from mmhand.synthesis.sensor import expose, srgb_to_linear
from mmhand.synthesis.shading import ambient_occlusion, bump
from mmhand.synthesis.shadow_map import ShadowMap
from mmhand.synthesis.skin import bake_skin, lab_to_linear, sample_skin


def test_streams_depend_on_every_key():
    draws = [
        stream(*keys).random() for keys in ((0, 'a', 1), (0, 'a', 2), (0, 'b', 1), (1, 'a', 1))
    ]
    assert len(set(draws)) == 4
    assert stream(0, 'a', 1).random() == draws[0]
    assert derive_seed(0, 'split', 'train') != derive_seed(0, 'split', 'test')


def test_rotations():
    rng = stream(0, 'rotations')
    for _ in range(20):
        a, b = rng.standard_normal((2, 3))
        turned = rotation_between(a, b) @ a
        assert np.allclose(turned / np.linalg.norm(a), b / np.linalg.norm(b))
        assert np.isclose(np.linalg.det(random_rotation(rng)), 1)
    assert np.allclose(rotation_between(a, -a) @ a, -a)
    assert np.allclose(rotation_between(a, a), np.eye(3))
    quarter = rotation_about(np.array([0, 0, 2.0]), np.pi / 2)
    assert np.allclose(quarter @ [1, 0, 0], [0, 1, 0])


def test_cameras_see_the_hands():
    config = SynthesisConfig()
    joints = RIG_CENTER + 0.06 * stream(0, 'joints').standard_normal((21, 3))
    rig = sample_rig(config, 0, 1)
    assert len({camera.name for camera in rig}) == config.cameras
    assert {camera.size for camera in rig} == {(512, 334), (334, 512)}
    assert {camera.grey for camera in rig} == {True, False}
    for camera in sample_cameras(config, 0, 1, joints):
        assert camera.share_inside(joints) > 0.9
        local = joints @ camera.R.T + camera.t
        assert np.allclose(local, camera.to_camera(joints))
        pixel = local @ camera.K.T
        assert np.allclose(pixel[:, :2] / pixel[:, 2:], camera.project(joints))
        assert np.isclose(np.linalg.det(camera.R), 1)
        assert camera.name in {other.name for other in rig}
    crop = SynthesisConfig(framing='crop', image_size=(224, 224), turn_cameras=False)
    for camera in sample_cameras(crop, 0, 1, joints):
        assert camera.share_inside(joints) > 0.9
        assert 80 < np.ptp(camera.project(joints), axis=0).max() < 224


def test_aimed_rotation_keeps_the_world_upright_until_rolled():
    rotation = aimed_rotation(np.zeros(3), np.array([0.3, 0, 1.0]), 0.0)
    assert np.allclose(rotation[1], [0, 1, 0])
    assert (rotation @ [0.3, 0, 1.0])[2] > 1
    rolled = aimed_rotation(np.zeros(3), np.array([0.3, 0, 1.0]), 0.2)
    assert np.allclose(rolled[2], rotation[2])
    assert np.isclose(rolled[1] @ rotation[1], np.cos(0.2))


def test_lights_come_with_the_capture():
    one, two = sample_lights(0, 3, 1), sample_lights(0, 3, 2)
    assert len(one.directions) == len(two.directions)
    assert np.allclose(np.linalg.norm(one.directions, axis=-1), 1)
    assert not np.allclose(one.directions[0], two.directions[0])


def test_noise_has_unit_spread_and_is_continuous():
    field = plane_noise(stream(0, 'n'), (200, 120), 30, 3, 2)
    assert field.shape == (120, 200, 2)
    assert 0.6 < field.std() < 1.5
    points = stream(0, 'p').uniform(0, 1, (4000, 3))
    values = solid_noise(points, 0.05, np.zeros(3), 2)
    assert 0.6 < values.std() < 1.5
    near = solid_noise(points + 1e-6, 0.05, np.zeros(3), 2)
    assert np.abs(near - values).max() < 1e-2


def test_mesh_texture_is_exact_for_linear_fields():
    rng = stream(0, 'mesh')
    vertices, faces = rng.random((30, 3)), rng.integers(0, 30, (50, 3))
    texture = MeshTexture(vertices, faces, 0.1)
    texels = texture.spread(vertices)
    weights = rng.dirichlet([1, 1, 1], 2000)
    weights[:5] = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.5, 0.5, 0], [0, 0.5, 0.5]]
    face = rng.integers(0, 50, 2000)
    wanted = np.einsum('nkc,nk->nc', vertices[faces[face]], weights)
    assert np.abs(texture.sample(texels, face, weights) - wanted).max() < 1e-6


def test_skin_covers_the_human_range():
    tones = [sample_skin(0, person) for person in range(60)]
    light = np.array([tone.lightness for tone in tones])
    assert light.min() < 36
    assert light.max() > 68
    backs, palms = (np.array([getattr(t, name) for t in tones]) for name in ('back', 'palm'))
    assert (backs[:, 0] > backs[:, 1]).all()  # skin is reddish, and bluish on nobody
    assert (backs[:, 1] > backs[:, 2]).all()
    assert (palms.mean(1) > backs.mean(1)).all()
    assert np.ptp(palms.mean(1)) < np.ptp(backs.mean(1))
    assert np.allclose(lab_to_linear(100, 0, 0), [0.95] * 3)


@pytest.mark.parametrize('side', ['right', 'left'])
def test_anatomy_finds_nails_on_the_back_of_the_fingertips(side):
    parts = anatomy(scene_hands('OpenHand')[side == 'left'])
    assert parts.nail[parts.palm > 0.9].max() < 0.5
    area = (parts.nail > 0.5).mean()
    assert 0.005 < area < 0.12
    assert 0.3 < parts.palm.mean() < 0.7
    for name in ('crease', 'wrinkle', 'vein', 'lunula', 'pad'):
        field = getattr(parts, name)
        assert field.min() >= 0
        assert 0.3 < field.max() <= 1.0
    assert 0 < (~parts.outside).sum() < 100
    baked = bake_skin(sample_skin(0, 0), parts)
    assert baked.shape == (parts.texture.count, 5)
    assert np.isfinite(baked).all()


@pytest.mark.parametrize('kind', list(KINDS))
def test_backgrounds(kind):
    image = sample_background(stream(1, kind), (160, 90), [kind])
    assert image.shape == (90, 160, 3)
    assert image.min() >= 0
    assert np.isfinite(image).all()
    assert image.std() > 1e-3


def test_backgrounds_keep_to_the_kinds_asked_for(monkeypatch):
    drawn = []

    def painter(kind):
        return lambda rng, size: drawn.append(kind) or np.zeros((30, 40, 3))

    monkeypatch.setattr(background, '_PAINTERS', {kind: painter(kind) for kind in KINDS})
    for number in range(40):
        sample_background(stream(number, 'b'), (40, 30), ('plain', 'studio'))
    assert set(drawn) == {'plain', 'studio'}
    for number in range(80):
        sample_background(stream(number, 'b'), (40, 30))
    assert set(drawn) == set(KINDS)


def test_objects_have_volume_and_paint():
    kinds = set()
    for number in range(40):
        rng = stream(0, 'shape', number)
        kind, vertices, faces = sample_shape(rng)
        kinds.add(kind)
        mesh = trimesh.Trimesh(vertices, faces, process=True)
        assert mesh.volume > 1e-6
        assert np.ptp(vertices, axis=0).max() <= 0.25
        color = sample_paint(rng).albedo(vertices)
        assert color.min() >= 0
        assert color.max() < 1.5
    assert kinds == set(KINDS_OF_OBJECTS)


def test_objects_stay_outside_the_hands():
    config = SynthesisConfig(occluder_prob=1.0)
    touching = 0
    for frame in range(10):
        hands, _ = sample_hands(config, 0, frame)
        cameras = sample_cameras(config, 0, frame, hands[0].joints)
        for thing in sample_objects(config, 0, frame, hands, cameras):
            for hand in hands:
                faces = hand.faces
                pair = MeshPair(hand.vertices, thing.vertices, faces, thing.faces)
                report = pair.report(np.zeros(3))
                assert report.max_penetration < 0.0021
                touching += report.max_penetration > 0
            assert all(
                hidden_share(thing, hand, view) <= 0.55 for hand in hands for view in cameras
            )
    assert touching >= 2


def test_forearm_continues_the_ring_outwards():
    angle = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    ring = 0.03 * np.stack([0 * angle, np.cos(angle), 0.7 * np.sin(angle)], -1)
    arm = Forearm(length=0.4, flexion=0.3, deviation=0.1, swell=1.5, sleeve=0.3)
    x, y, z = np.eye(3)
    vertices, faces, along = forearm_mesh(arm, ring, x, -y, z)
    assert np.array_equal(vertices[:16], ring)
    assert along[0] == 0
    assert along[-1] == 1
    assert 0.3 < np.linalg.norm(vertices[-1]) < 0.42
    lid = np.stack([np.arange(16), np.roll(np.arange(16), -1), np.full(16, len(vertices))], -1)
    for closing in (lid, lid[:, ::-1]):
        mesh = trimesh.Trimesh(
            np.vstack([vertices, ring.mean(0)]), np.vstack([faces, closing]), process=False
        )
        if mesh.is_winding_consistent:
            break
    assert mesh.is_watertight
    assert mesh.volume > 1e-4


def test_expose_is_monotone_and_grey_when_asked():
    ramp = np.tile(np.linspace(0, 1.5, 64, dtype=np.float32)[None, :, None], (16, 1, 3))
    image = expose(ramp, stream(0, 'sensor'), 1.0, grey=True)
    assert np.ptp(image.astype(int), axis=-1).max() == 0
    profile = image[..., 0].mean(0)
    assert (np.diff(profile[::8]) > 0).all()
    assert np.allclose(srgb_to_linear(np.array([0.0, 1.0])), [0, 1])


def test_bump_keeps_flat_relief_and_tilts_slopes():
    rows, columns = np.mgrid[0:20, 0:20].astype(np.float32)
    position = np.stack([columns * 1e-3, rows * 1e-3, np.ones_like(rows)], -1)
    normal = np.zeros((20, 20, 3), np.float32)
    normal[..., 2] = -1
    inside = np.ones((20, 20), bool)
    assert np.allclose(bump(normal, position, np.zeros((20, 20), np.float32), inside), normal)
    tilted = bump(normal, position, columns * 1e-4, inside)[5, 5]
    # A surface that rises towards +x faces -x.
    assert tilted[0] < -0.05
    assert np.isclose(np.linalg.norm(tilted), 1, atol=1e-5)


def test_hollows_are_darker_and_shadows_fall_behind():
    depth = np.ones((120, 120), np.float32)
    depth[:, 58:62] = 1.02
    ambient = ambient_occlusion(depth, 1000.0)
    assert ambient[60, 60] < 0.8
    assert ambient[60, 20] > 0.95
    lights = sample_lights(0, 0, 0)
    plate = trimesh.creation.box((0.1, 0.1, 0.002))
    turn = rotation_between(np.array([0, 0, 1.0]), lights.directions[0])
    vertices = np.array(plate.vertices) @ turn.T + RIG_CENTER
    shadows = ShadowMap(vertices, np.array(plate.faces), lights, RIG_CENTER, 0.002)
    behind = RIG_CENTER - 0.05 * lights.directions[0]
    aside = behind + turn @ np.array([0.2, 0, 0])
    front = RIG_CENTER + 0.05 * lights.directions[0]
    lit = shadows.lit(np.stack([behind, aside, front]))
    assert lit[0] < 0.1
    assert lit[1:].min() > 0.9

"""Hands in fifteen closed parts."""

import numpy as np
import pytest
import torch

from mmhand.evaluation.metrics import MeshSelfIntersection
from mmhand.geometry import hand_parts, is_watertight, self_intersection_volume, signed_volume
from mmhand.geometry.mesh_parts import PARENTS, MeshParts, ring_labels
from mmhand.hand_models import MPEHand, OpenHand
from mmhand.structures import HandInstances
from mmhand.utils.errors import HandDataError


def cactus():
    """A prism with five square arms of three links, the last of two: (V, 3), (F, 3), rings."""
    angle = 2 * np.pi * np.arange(10) / 10
    ring = np.stack((np.cos(angle), np.sin(angle), np.zeros(10)), 1)
    points = [
        *(ring - [0, 0, 0.3]),
        *(ring + [0, 0, 0.3]),
        np.array([0, 0, -0.3]),
        np.array([0, 0, 0.3]),
    ]
    faces, rings = [], []
    for k in range(10):
        n = (k + 1) % 10
        faces += [(n, k, 20), (k + 10, n + 10, 21)]
        if k % 2:
            faces += [(k, n, k + 10), (n, n + 10, k + 10)]
            continue
        loop, out = [k, n, n + 10, k + 10], ring[k] + ring[n]
        for _ in range(3 if k < 8 else 2):
            rings.append(loop)
            start = len(points)
            points += [points[v] + 0.5 * out for v in loop]
            new = list(range(start, start + 4))
            for i in range(4):
                a, b, c, d = loop[i], loop[(i + 1) % 4], new[i], new[(i + 1) % 4]
                faces += [(a, b, c), (b, d, c)]
            loop = new
        faces += [(loop[0], loop[1], loop[2]), (loop[0], loop[2], loop[3])]
    return np.array(points), np.array(faces), rings


def test_rings_cut_a_mesh_into_bones():
    vertices, faces, rings = cactus()
    assert is_watertight(faces)
    labels = ring_labels(faces, rings)
    assert sorted(set(labels.tolist())) == list(range(15))
    parts = MeshParts.from_labels(faces, labels)
    meshes = parts.meshes(vertices)
    assert all(is_watertight(own) for _, own in meshes)
    assert sum(signed_volume(*mesh) for mesh in meshes) == pytest.approx(
        signed_volume(vertices, faces)
    )
    assert [len(loops) for loops in parts.loops] == [5, 2, 2, 1, 2, 2, 1, 2, 2, 1, 2, 2, 1, 2, 1]
    for part, up in enumerate(PARENTS[1:], 1):
        assert set(parts.vertices[part]) & set(parts.vertices[up]) == set(rings[part - 1])
    assert ring_labels(faces, rings[:-1]) is None


@pytest.mark.parametrize('side', ['right', 'left'])
def test_any_hand_has_parts(side):
    parts = hand_parts(MPEHand(OpenHand(side)))
    assert len(parts) == 15
    assert all(is_watertight(faces) for faces in parts.faces)


def test_a_link_within_another_is_counted():
    vertices, faces, rings = cactus()
    parts = MeshParts.from_labels(faces, ring_labels(faces, rings))
    vertices = 0.02 * vertices
    assert self_intersection_volume(vertices, parts) == 0
    # The last link of the first arm into the palm's middle.
    last = np.setdiff1d(parts.vertices[3], parts.vertices[2])
    bent = vertices.copy()
    bent[last] = bent[last] * 0.2
    volume = self_intersection_volume(bent, parts)
    assert volume > 20 * 0.001**3
    shell = volume / 0.001**3
    assert shell == round(shell)


def test_the_metric_counts_hands():
    hand = MPEHand(OpenHand())
    mpe = torch.zeros(1, 62)
    mpe[:, 58] = 1
    vertices = hand(mpe).vertices * 0.125
    metric = MeshSelfIntersection(hand_model=dict(type='OpenHand'), max_samples=1)
    sample = dict(pred_hands=HandInstances(vertices=vertices), sample_id='a')
    metric.process(None, [sample, sample])
    (volume,) = metric.results
    assert 0 <= volume < 500
    assert metric.compute_metrics([0.0, 4.0]) == {'volume': 2.0, 'share': 0.5}
    short = dict(pred_hands=HandInstances(vertices=vertices[:, :9]), sample_id='b')
    with pytest.raises(HandDataError, match='sample b has a mesh of 9'):
        MeshSelfIntersection(hand_model=dict(type='OpenHand')).process(None, [short])

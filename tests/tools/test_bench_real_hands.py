"""The scores of real hands, and the tool where the pictures are absent."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def tool(repo, monkeypatch):
    monkeypatch.syspath_prepend(str(repo / 'tools' / 'benchmark'))
    import real_hands

    return real_hands


def annotated(tool, path, shift=0.0):
    keypoints = np.stack((np.arange(21.0), np.zeros(21)), -1) + shift
    valid = np.ones(21, bool)
    valid[0] = False
    return tool.RealHand(path, np.array([0, 0, 20, 10.0]) + [shift, shift, 0, 0], keypoints, valid)


def test_scores_and_false_hands(tool, tmp_path):
    same, other = tmp_path / 'a.jpg', tmp_path / 'b.jpg'
    again = tmp_path / 'c.jpg'
    for path, content in ((same, b'1'), (other, b'2'), (again, b'1')):
        path.write_bytes(content)
    hands = [annotated(tool, same), annotated(tool, other), annotated(tool, again, 200)]
    near = hands[0].keypoints + (0, 3)
    far = hands[2].keypoints + (3, 0)
    found = [np.stack((far, near)), np.zeros((0, 21, 2)), np.stack((far, near))]
    rows = tool.match_hands(hands, found)
    assert rows == [1, None, 0]
    errors = [
        tool.errors_of(hand, None if row is None else joints[row])
        for hand, joints, row in zip(hands, found, rows, strict=True)
    ]
    assert [len(each) for each in errors] == [20, 20, 20]
    scores = tool.summarise(errors)
    assert scores['found'] == 2
    # Two hands at 3 pixels of 20, one missed.
    np.testing.assert_allclose(scores['PCK@0.2'], 2 / 3)
    assert scores['PCK@0.1'] == 0
    np.testing.assert_allclose(scores['AUC'], (2 / 3) * 0.5, atol=2e-3)
    # Of the two files of one picture each hand is claimed once; the other picture has none.
    assert tool.false_hands(hands, found) == []
    found[1] = near[None] + 500
    assert tool.false_hands(hands, found) == [('b.jpg', 0)]


def test_skips_without_the_data(repo, tmp_path):
    script = repo / 'tools' / 'benchmark' / 'bench_real_hands.py'
    result = subprocess.run(
        [sys.executable, str(script), str(tmp_path / 'absent')], capture_output=True, text=True
    )
    assert result.returncode == 0
    assert result.stdout.startswith('skipped: ')


def test_reads_the_annotations(tool, realdata):
    hands = tool.load_hands(Path(realdata))
    assert len(hands) == 19
    for hand in hands:
        inside = hand.keypoints[hand.valid]
        low, size = hand.bbox[:2], hand.bbox[2:]
        assert (abs(inside - low - size / 2) < 0.8 * hand.side).mean() > 0.9


def test_knows_what_pictures_of_two_hands_show(tool, realdata):
    import real_two_hands

    pictures = real_two_hands.two_hand_pictures(Path(realdata))
    assert len(pictures) == 8
    shown = {picture.path.name: picture.hands for picture in pictures}
    # As InterHand2.6M itself says of two of its four frames.
    assert [name for name, number in shown.items() if number == 1] == [
        'image2017.jpg',
        'image29590.jpg',
    ]
    right = pictures[0]
    assert right.path.name == 'image2017.jpg'
    truth = right.keypoints[0]
    # The thumb points up, above all other joints.
    assert truth[:, 1].argmin() == 4
    errors = real_two_hands.errors_by_side(right, truth[None] + 3, np.array([0]))
    np.testing.assert_allclose(errors[0], 18**0.5 / np.ptp(truth, axis=0).max())
    assert real_two_hands.errors_by_side(right, truth[None], np.array([1])) == {0: np.inf}


def test_depth_of_two_boxes(tool):
    import real_two_hands
    import trimesh

    box = trimesh.creation.box((0.02, 0.02, 0.02)).subdivide().subdivide()
    faces = (box.faces, box.faces)
    vertices = np.stack((box.vertices, box.vertices + (0.017, 0, 0)))
    np.testing.assert_allclose(
        real_two_hands.deepest(vertices, np.array([0, 1]), faces), 3, atol=0.01
    )
    assert real_two_hands.deepest(vertices[:1], np.array([0]), faces) == 0

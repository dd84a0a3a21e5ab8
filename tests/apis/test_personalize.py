"""One person's hand out of pictures, and back into models."""

import cv2
import numpy as np
import pytest
import torch

from mmhand.apis import PictureResult, inference_hands, init_model
from mmhand.apis.finding import FoundHands
from mmhand.apis.left_hands import restore_left_hand
from mmhand.apis.open_hands import OpenHands, hand_sample
from mmhand.apis.person_report import person_report
from mmhand.apis.personalize import Sighting, personal_hand, sightings_of
from mmhand.apis.video_frames import is_video, video_frames
from mmhand.apis.worn_shape import hand_model_of, shape_for, wear_shape
from mmhand.cameras import assume_camera
from mmhand.fitting import ShapeTable
from mmhand.hand_models import OpenHand
from mmhand.structures import HandDataSample, HandInstances
from mmhand.utils.errors import HandConfigError, HandDataError, HandFileError


@pytest.fixture(scope='module')
def hand_model():
    return OpenHand()


def seen(truth, count, noise, seed=0, confidence=True):
    rng = np.random.default_rng(seed)
    off = noise * rng.normal(size=(count, 10)) * rng.uniform(0.2, 2, (count, 1))
    scores = -np.abs(off).mean(1) if confidence else np.full(count, np.nan)
    return [Sighting(k, k % 2, truth + off[k], float(scores[k])) for k in range(count)]


def test_confident_pictures_give_the_better_hand(hand_model):
    truth = np.random.default_rng(1).normal(size=10)
    sightings = seen(truth, 60, 0.7)
    top = personal_hand(hand_model, sightings)
    assert top.strategy == 'top'
    assert len(top.used) == 20
    drawn = personal_hand(hand_model, sightings, 'random')
    errors = [np.abs(hand.betas - truth).mean() for hand in (top, drawn)]
    assert errors[0] < errors[1] < 0.5
    # The curve ends in the result, and the uncertainty shrinks with pictures.
    assert top.curve.errors[-1].max() < 1e-4
    assert top.curve.errors[0].mean() > 2 * top.curve.errors[-2].mean() > 0
    few = personal_hand(hand_model, sightings, 'random', num=5)
    assert few.uncertainty[0] > drawn.uncertainty[0] > 0
    blind = personal_hand(hand_model, seen(truth, 5, 0.7, confidence=False))
    assert blind.strategy == 'all'


def test_two_people_have_two_hands(hand_model):
    truths = np.random.default_rng(2).normal(size=(2, 10))
    hands = [
        personal_hand(hand_model, seen(truth, 30, 0.5, seed=k)) for k, truth in enumerate(truths)
    ]
    apart = (
        1000 * np.linalg.norm(hands[0].rest_vertices() - hands[1].rest_vertices(), axis=-1).mean()
    )
    assert apart > 3 * max(hand.uncertainty[1] for hand in hands)


def test_another_persons_hand_is_odd_and_left_out(hand_model):
    sightings = seen(np.zeros(10), 12, 0.3)
    without = personal_hand(hand_model, sightings[:7] + sightings[8:], 'all')
    sightings[7] = Sighting(7, 0, np.full(10, 4.0), 9.0)
    for strategy in ('all', 'top', 'softmax'):
        hand = personal_hand(hand_model, sightings, strategy)
        assert np.flatnonzero(hand.odd).tolist() == [7]
        assert 7 not in hand.used
    assert np.allclose(personal_hand(hand_model, sightings, 'all').betas, without.betas)


def test_open_method_tells_two_people_apart(hand_model):
    """Long fingers and short ones, seen by the open method's fit in ten pictures each."""
    method = OpenHands()
    camera = assume_camera(320, 320)
    truths = np.zeros((2, 10))
    truths[:, 1] = 2, -2
    shapes = []
    for person, truth in enumerate(truths):
        pose = hand_model.sample_pose(10, torch.Generator().manual_seed(person), 'relaxed')
        turn = torch.randn(10, 3, generator=torch.Generator().manual_seed(1)) * 0.4
        out = hand_model(turn, pose, torch.from_numpy(truth).float().expand(10, -1))
        joints = (out.joints + torch.tensor([0.0, 0.0, 0.6])).numpy()
        pixels = joints @ camera.K.T
        pixels = pixels[..., :2] / pixels[..., 2:]
        rng = np.random.default_rng(person)
        pixels = (pixels + rng.normal(0, 1, pixels.shape)).astype(np.float32)
        found = [found_hand(uv, xyz - xyz[:1]) for uv, xyz in zip(pixels, joints, strict=True)]
        placed = method.place(found, [camera] * 10)
        results = [
            PictureResult(
                str(row),
                np.zeros((320, 320, 3), np.uint8),
                hand.bboxes,
                [hand_sample(hand, placed[row : row + 1], camera, (320, 320))],
            )
            for row, hand in enumerate(found)
        ]
        shapes.append(personal_hand(hand_model_of(method), sightings_of(results)))
    difference = shapes[0].betas - shapes[1].betas
    assert difference[1] > 2
    assert np.abs(np.delete(difference, 1)).max() < difference[1] / 2


def found_hand(pixels, joints):
    low, high = pixels.min(0), pixels.max(0)
    return FoundHands(
        bboxes=np.concatenate([low, high - low])[None],
        sides=np.zeros(1, np.int64),
        scores=np.ones(1, np.float32),
        right_scores=np.ones(1, np.float32),
        keypoints_2d=pixels[None],
        keypoint_scores=np.ones((1, 21), np.float32),
        keypoints_3d=joints[None].astype(np.float32),
        affines=np.zeros((1, 2, 3), np.float32),
    )


def test_file_and_report(hand_model, tmp_path):
    sightings = seen(np.ones(10), 6, 0.3)
    hand = personal_hand(hand_model, sightings)
    names = [f'p{k}' for k in range(8)]
    hand.table(names).save(tmp_path / 'a.npz')
    table = ShapeTable.load(tmp_path / 'a.npz')
    assert np.array_equal(table.person, hand.betas)
    assert table.hand_model == 'OpenHand'
    assert table.extra['rest_vertices'].shape == (hand_model.num_verts, 3)
    assert table.extra['pictures'].tolist() == names[:6]
    drawn = [np.full((40, 30, 3), 90, np.uint8)] * 8
    page = person_report(hand, names, drawn, 'untrained').render()
    for text in ('cm long', 'untrained', 'No hand was found in 2 picture(s), such as p6, p7', 'p3'):
        assert text in page


def test_sightings(hand_model):
    def result(**fields):
        sample = HandDataSample()
        sample.pred_hands = HandInstances(**fields)
        return PictureResult('p', np.zeros((4, 4, 3), np.uint8), np.zeros((1, 4)), [sample])

    two = dict(side=torch.tensor([0, 1]), betas=torch.zeros(2, 10), confidence=torch.ones(2))
    bad = dict(side=torch.tensor([0]), betas=torch.full((1, 10), torch.nan))
    found = sightings_of([result(**two), result(**bad)])
    assert [(s.picture, s.side, s.confidence) for s in found] == [(0, 0, 1.0), (0, 1, 1.0)]
    assert [s.side for s in sightings_of([result(**two)], 'left')] == [1]
    with pytest.raises(HandConfigError, match='no shape coefficients'):
        sightings_of([result(side=torch.zeros(1, dtype=torch.int64))])
    with pytest.raises(HandDataError, match='no hand was found'):
        personal_hand(hand_model, [])
    with pytest.raises(HandDataError, match='5 betas'):
        personal_hand(hand_model, [Sighting(0, 0, np.zeros(5), 0.0)])


def test_tables_that_are_none(tmp_path):
    (tmp_path / 'text.npz').write_text('no')
    np.savez(tmp_path / 'other.npz', a=np.zeros(3))
    np.savez(tmp_path / 'object.npz', subjects=np.array([{}], dtype=object))
    for name in ('text', 'other', 'object', 'absent'):
        with pytest.raises(HandFileError, match='no table of calibrated shapes'):
            ShapeTable.load(tmp_path / f'{name}.npz')
    table = ShapeTable(('1', '2'), np.zeros((2, 10)), 'OpenHand', np.ones(2))
    with pytest.raises(HandDataError, match='"3"'):
        table[3]
    with pytest.raises(HandDataError, match='no single person'):
        _ = table.person


def test_a_shape_is_worn(hand_model):
    """A model that predicts shapes, and one that is given them."""
    torch.manual_seed(0)
    betas = np.full((1, 10), 1.5, np.float32)
    person = ShapeTable(('person',), betas, 'OpenHand', np.ones(1))
    picture = np.random.default_rng(0).integers(0, 255, (80, 80, 3)).astype(np.uint8)
    for name in ('iahm_r18_baseline_cpu_dexycb-s1', 'iahm_r18_cpu_dexycb-s1'):
        model = init_model(name)
        right, left = inference_hands(model, [picture] * 2, sides=['right', 'left'], person=person)
        for sample, side in ((right, 0), (left, 1)):
            hands = sample.pred_hands
            assert hands.side.tolist() == [side]
            assert torch.equal(hands.betas, torch.from_numpy(betas))
            own = OpenHand(('right', 'left')[side], flat_hand_mean=True)
            posed = own(hands.pose[:, :3], hands.pose[:, 3:], hands.betas, hands.transl)
            assert torch.allclose(posed.vertices, hands.vertices, atol=1e-5)
            assert torch.allclose(posed.joints, hands.keypoints_3d, atol=1e-5)
    other = ShapeTable(('person',), betas, 'MANO', np.ones(1))
    with pytest.raises(HandConfigError, match='of MANO'):
        shape_for(model, other)
    with pytest.raises(HandDataError, match='no betas'):
        inference_hands(model, picture)


def test_video(tmp_path):
    path = tmp_path / 'a.avi'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), 10, (32, 24))
    for level in range(0, 250, 10):
        writer.write(np.full((24, 32, 3), level, np.uint8))
    writer.release()
    assert is_video(path)
    frames = video_frames(path, 5)
    assert list(frames)[0] == 'a.avi frame 0'
    assert len(frames) == 5
    means = [frame.mean() for frame in frames.values()]
    assert means == sorted(means)
    assert means[-1] > 220
    (tmp_path / 'b.mp4').write_text('no')
    with pytest.raises(HandFileError, match='b.mp4'):
        video_frames(tmp_path / 'b.mp4')


def test_left_translation_survives_the_mirror():
    """A hand in a mirrored and turned crop is the left model's hand of the picture."""
    right, left = OpenHand('right', flat_hand_mean=True), OpenHand('left', flat_hand_mean=True)
    generator = torch.Generator().manual_seed(0)
    pose, betas = 0.4 * torch.randn(1, 48, generator=generator), torch.ones(1, 10)
    transl = torch.tensor([[0.03, -0.02, 0.6]])
    out = right(pose[:, :3], pose[:, 3:], betas, transl)
    turn = torch.tensor([[0.8, 0.6, 0], [-0.6, 0.8, 0], [0, 0, 1]])
    frame = (turn @ torch.diag(torch.tensor([-1.0, 1, 1]))).numpy()
    sample = HandDataSample(metainfo=dict(camera=dict(frame=frame, K_crop=np.eye(3))))
    sample.pred_hands = HandInstances(
        side=torch.zeros(1, dtype=torch.int64),
        vertices=out.vertices,
        keypoints_3d=out.joints,
        root=out.joints[:, 0],
        transl=transl,
        pose=pose,
    )
    hands = restore_left_hand(sample).pred_hands
    back = left(hands.pose[:, :3], hands.pose[:, 3:], betas, hands.transl)
    assert torch.allclose(back.vertices, hands.vertices, atol=1e-5)


def test_nothing_to_wear(hand_model):
    model = init_model('iahm_r18_baseline_cpu_dexycb-s1')
    sample = HandDataSample()
    sample.pred_hands = HandInstances(keypoints_3d=torch.zeros(1, 21, 3))
    with pytest.raises(HandConfigError, match='no pose with a mesh'):
        wear_shape(model, [sample], torch.zeros(10))

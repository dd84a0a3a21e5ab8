"""The open method with MANO, and with a person's shape."""

import numpy as np
import pytest
import torch

from mmhand.apis import HandInferencer
from mmhand.apis.finding import FoundHands
from mmhand.apis.open_hands import OpenHands
from mmhand.fitting import ShapeTable
from mmhand.hand_models import synthetic_mano
from mmhand.hand_models.io import save_mano_npz
from mmhand.utils.errors import HandConfigError, HandDataError

K = np.array([[400.0, 0, 160], [0, 400, 120], [0, 0, 1]], np.float32)


class OneOfEach:
    """Finds a right and a left hand that a hand model shows, wherever it looks."""

    def __init__(self, models):
        self.joints = []
        for side, model in enumerate(models):
            place = torch.tensor([[0.15 * side - 0.07, 0.0, 0.6]])
            out = model(torch.zeros(1, 3), 0.1 * torch.ones(1, 45), torch.zeros(1, 10), place)
            self.joints.append(model_joints(out))

    def find(self, images, bboxes=None):
        joints = np.concatenate(self.joints).astype(np.float32)
        pixels = joints @ K.T
        pixels = pixels[..., :2] / pixels[..., 2:]
        low, high = pixels.min(1), pixels.max(1)
        found = FoundHands(
            np.concatenate((low, high - low), 1),
            np.array([0, 1]),
            np.full(2, 0.9, np.float32),
            np.array([1, 0], np.float32),
            pixels,
            np.full((2, 21), 0.9, np.float32),
            joints - joints[:, :1],
            np.tile(np.eye(2, 3, dtype=np.float32), (2, 1, 1)),
        )
        return [found for _ in images]


def model_joints(out):
    return out.joints.numpy()


def table(betas, hand_model='OpenHand', subjects=('me',)):
    betas = np.tile(np.asarray(betas, np.float32), (len(subjects), 1))
    return ShapeTable(subjects, betas, hand_model, np.full(len(subjects), 5), 'test')


@pytest.fixture(scope='module')
def mano_root(tmp_path_factory):
    root = tmp_path_factory.mktemp('mano')
    for side in ('right', 'left'):
        save_mano_npz(synthetic_mano(side), root / f'MANO_{side.upper()}.npz', side)
    return root


def test_mano_takes_the_place_of_openhand(mano_root, monkeypatch):
    """MANO's files by the environment, as ``mmhand --hand-model MANO`` finds them."""
    monkeypatch.setenv('MMHAND_MANO_ROOT', str(mano_root))
    method = OpenHands('MANO', finder=object())
    method.finder = OneOfEach(OpenHands(finder=object()).hand_models)
    inferencer = HandInferencer(method)
    (result,) = inferencer([np.zeros((240, 320, 3), np.uint8)], cameras=[K])
    hands = result.samples[0].pred_hands
    hands.check()
    assert hands.vertices.shape == (2, method.hand_models[0].num_verts, 3)
    assert hands.side.tolist() == [0, 1]
    assert inferencer.describe(result, camera_given=True)['hand_model'] == 'MANO'


def test_hands_wear_the_persons_shape(tmp_path):
    betas = np.zeros(10)
    betas[0] = 1.5
    table(betas).save(tmp_path / 'me.npz')
    person = ShapeTable.load(tmp_path / 'me.npz')
    method = OpenHands(finder=object(), person=person)
    method.finder = OneOfEach(method.hand_models)
    (result,) = HandInferencer(method)([np.zeros((240, 320, 3), np.uint8)], cameras=[K])
    hands = result.samples[0].pred_hands
    torch.testing.assert_close(hands.betas, torch.from_numpy(person.betas).expand(2, -1))
    assert hands.scale.tolist() == [1, 1]
    # Where the picture shows them, though the shape is another one.
    (found,) = method.finder.find([None])
    error = np.linalg.norm(hands.keypoints_2d.numpy() - found.keypoints_2d, axis=-1)
    assert error.mean() < 0.06 * found.bboxes[:, 2:].max()
    pixels = hands.keypoints_3d.numpy() @ K.T
    np.testing.assert_allclose(
        pixels[..., :2] / pixels[..., 2:], hands.keypoints_2d.numpy(), atol=0.05
    )


def test_shapes_of_others_are_refused():
    with pytest.raises(HandConfigError, match='personalize with this hand model'):
        OpenHands(finder=object(), person=table(np.zeros(10), 'MANO'))
    with pytest.raises(HandConfigError, match='has 4 betas'):
        OpenHands(finder=object(), person=table(np.zeros(4)))
    with pytest.raises(HandDataError, match='2 subjects are no single person'):
        OpenHands(finder=object(), person=table(np.zeros(10), subjects=('me', 'you')))

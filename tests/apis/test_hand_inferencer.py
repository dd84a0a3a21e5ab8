"""From pictures to files in one call, and the demo around it."""

import copy
import json
import re

import cv2
import numpy as np
import pytest
import torch
from mmengine.structures import BaseDataElement, InstanceData
from torch import nn

from mmhand.apis import HandInferencer, MMDetHandDetector
from mmhand.apis.pictures import list_pictures
from mmhand.apis.sinks import PictureFiles
from mmhand.deploy.quick_deconv import QuickDeconv
from mmhand.geometry.mesh_io import load_mesh
from mmhand.hand_models import OpenHand
from mmhand.structures import HandInstances
from mmhand.utils.config import load_config
from mmhand.utils.errors import HandConfigError, HandFileError

NAME = 'internet_r18_cpu_interhand'


def picture(seed=0):
    return np.random.default_rng(seed).integers(0, 255, (90, 120, 3), np.uint8)


class MeshMaker(nn.Module):
    """Says that a hand stands half a metre in front of every crop's camera."""

    def __init__(self):
        super().__init__()
        self.hand = OpenHand('left')
        self.cfg = load_config(NAME)
        self.weights_source = 'made.pth'

    def test_step(self, batch):
        zeros = torch.zeros(1, 3)
        out = self.hand(zeros, torch.zeros(1, 45), torch.zeros(1, 10), torch.tensor([[0, 0, 0.5]]))
        for sample in batch['data_samples']:
            sample.pred_hands = HandInstances(
                side=torch.tensor([1]),
                vertices=out.vertices,
                keypoints_3d=out.joints,
                betas=torch.zeros(1, 10),
                handedness_score=torch.tensor([0.9]),
            )
        return batch['data_samples']


@pytest.fixture(scope='module')
def meshes():
    return HandInferencer(MeshMaker())


def test_everything_is_written(meshes, tmp_path):
    camera = np.array([[100.0, 0, 60], [0, 100, 45], [0, 0, 1]])
    (result,) = meshes(picture(), [[10, 10, 80, 70]], [camera], out_dir=tmp_path)
    overlay = cv2.imread(str(result.files['overlay'][0]))
    assert overlay.shape[1] > 2 * 90
    (path,) = result.files['mesh']
    mesh = load_mesh(path)
    expected = result.samples[0].pred_hands.vertices[0].numpy()
    np.testing.assert_allclose(mesh.vertices, expected, atol=1e-5)
    told = json.loads((tmp_path / 'picture_0.json').read_text())
    assert told['weights'] == 'made.pth'
    assert told['camera'] == {'K': camera.tolist(), 'source': 'given'}
    (hand,) = told['hands']
    assert hand['side'] == 'left'
    assert hand['searched_box'] == [10, 10, 80, 70]
    joints = np.array(hand['keypoints_3d'])
    uv = (joints @ camera.T)[:, :2] / joints[:, 2:]
    np.testing.assert_allclose(hand['keypoints_2d'], uv, atol=0.02)
    assert len(hand['betas']) == 10
    assert 'metres' in told['units']
    assert set(meshes.seconds) == {'read', 'detect', 'model', 'write'}


def test_only_what_is_asked_for_is_written(meshes, tmp_path):
    meshes([picture(), picture(1)], out_dir=tmp_path, save=['json'])
    assert sorted(p.name for p in tmp_path.iterdir()) == ['picture_0.json', 'picture_1.json']
    (result,) = meshes(picture())
    assert result.files == {}
    assert result.boxes.tolist() == [[0, 0, 120, 90]]
    with pytest.raises(HandConfigError, match='save has "video"'):
        meshes(picture(), save=['video'])


def test_folders_and_pictures_of_one_name(meshes, tmp_path):
    for folder in ('a', 'b'):
        (tmp_path / folder).mkdir()
        cv2.imwrite(str(tmp_path / folder / 'x.png'), picture())
    (tmp_path / 'a' / 'notes.txt').write_text('')
    assert [p.name for p in list_pictures(tmp_path / 'a')] == ['x.png']
    out = tmp_path / 'out'
    meshes([tmp_path / 'a/x.png', tmp_path / 'b/x.png'], out_dir=out, save=['overlay'])
    assert sorted(p.name for p in out.iterdir()) == ['x_0_overlay.jpg', 'x_1_overlay.jpg']
    (tmp_path / 'c').mkdir()
    with pytest.raises(HandFileError, match='holds no picture'):
        list_pictures(tmp_path / 'c')


def test_detectors_find_boxes_and_may_find_none():
    found = iter([np.array([[5, 5, 50, 50], [60, 10, 40, 40]]), np.zeros((0, 4))])
    inferencer = HandInferencer(MeshMaker(), detector=lambda image: next(found))
    two, none = inferencer([picture(), picture(1)])
    assert len(two.samples) == 2
    assert none.samples == []
    assert inferencer.draw(none).shape == (90, 120, 3)
    assert inferencer.describe(none)['hands'] == []
    with pytest.raises(HandConfigError, match='1 pictures and 2 boxes'):
        inferencer(picture(), [[0, 0, 9, 9]] * 2)


def test_config_options_for_pictures_are_applied():
    inferencer = HandInferencer(NAME)
    assert inferencer.weights == 'untrained'
    assert inferencer.model.test_cfg['root_depth'] == 'bone_length'
    own = HandInferencer(NAME, cfg_options={'model.test_cfg.root_depth': 'sample'})
    assert own.model.test_cfg['root_depth'] == 'sample'


def test_a_deployed_network_finds_the_same():
    torch.manual_seed(0)
    plain = HandInferencer(NAME)
    quick = HandInferencer(copy.deepcopy(plain.model), deploy=True)
    kinds = [type(module) for module in quick.model.modules()]
    assert QuickDeconv in kinds
    assert nn.BatchNorm2d not in kinds
    found, wanted = (i(picture(), [[10, 10, 80, 70]])[0].samples[0] for i in (quick, plain))
    for name in ('keypoints_3d', 'keypoints_2d', 'handedness_score'):
        torch.testing.assert_close(found.pred_hands.get(name), wanted.pred_hands.get(name))


def test_meshes_are_fitted_on_request(tmp_path):
    fitter = dict(type='JointFitter', hand_model=dict(type='OpenHand'))
    torch.manual_seed(0)
    inferencer = HandInferencer('hdr_cpu_interhand', mesh_fitter=fitter)
    (result,) = inferencer(picture(), [[10, 10, 80, 70]])
    assert result.samples[0].pred_hands.vertices.shape[0] == 2
    result.samples[0].pred_hands.present = torch.ones(2, dtype=torch.bool)
    kinds = ('json', 'mesh', 'views', 'glb')
    PictureFiles(tmp_path, kinds, inferencer.views).add(result, 'x')
    assert {p.suffix for p in tmp_path.iterdir()} == {'.json', '.obj', '.jpg', '.glb'}
    assert len(result.files['mesh']) == 2
    hand = json.loads((tmp_path / 'x.json').read_text())['hands'][1]
    assert {'pose', 'betas', 'scale', 'transl', 'fit_residual'} <= hand.keys()
    told = np.array(hand['keypoints_3d'])
    np.testing.assert_allclose(told, result.samples[0].pred_hands.keypoints_3d[1], atol=1e-5)
    with pytest.raises(HandConfigError, match='InterNet fits no meshes'):
        HandInferencer(NAME, mesh_fitter=fitter)


class TestDetector:
    @pytest.fixture
    def detector(self, tmp_path, monkeypatch):
        """mmdetection's two functions are played; the rest is ours."""
        pytest.importorskip('mmdet')
        from mmhand.utils.compat import ensure_openmmlab

        ensure_openmmlab()
        import mmdet.apis

        found = InstanceData(
            scores=torch.tensor([0.5, 0.9, 0.2, 0.8]),
            labels=torch.tensor([0, 0, 0, 1]),
            bboxes=torch.tensor([[10.0, 20, 30, 40], [50, 0, 90, 30], [0, 0, 9, 9], [1, 1, 5, 5]]),
        )
        result = BaseDataElement()
        result.set_field(found, 'pred_instances')
        monkeypatch.setattr(mmdet.apis, 'init_detector', lambda *args, **kwargs: 'model')
        monkeypatch.setattr(mmdet.apis, 'inference_detector', lambda model, image: result)
        config = tmp_path / 'det.py'
        config.write_text('')
        return lambda **kwargs: MMDetHandDetector(config, **kwargs)

    def test_boxes_are_filtered_sorted_and_joined(self, detector):
        alone = detector(merge=False)(picture())
        assert alone.tolist() == [[50, 0, 40, 30], [10, 20, 20, 20]]
        assert detector()(picture()).tolist() == [[10, 0, 80, 40]]
        assert detector(classes=None, merge=False)(picture()).shape == (3, 4)
        assert detector(score_threshold=0.95)(picture()).shape == (0, 4)

    def test_missing_config_is_named(self):
        with pytest.raises(HandConfigError, match='detector config gone.py does not exist'):
            MMDetHandDetector('gone.py')


class TestDemo:
    def test_writes_and_says_which_weights(self, toy):
        cv2.imwrite(str(toy.folder / 'photo.jpg'), picture())
        done = toy.run(
            *('demo/image_demo.py', 'photo.jpg', '--model', NAME, '--bbox', 10, 10, 60, 60),
            *('--camera', 100, 100, 60, 45, '--out-dir', 'out', '--deploy'),
        )
        assert 'weights: untrained' in done.stdout
        told = json.loads((toy.folder / 'out' / 'photo.json').read_text())
        assert told['camera']['source'] == 'given'
        assert (toy.folder / 'out' / 'photo_overlay.jpg').is_file()

    def test_open_finder_looks_for_the_hands(self, toy, repo):
        shown = repo / 'demo' / 'images' / 'two_hands_1.jpg'
        done = toy.run(
            *('demo/image_demo.py', shown, '--model', 'handoccnet_r18_cpu_ho3d'),
            *('--detector', 'open', '--out-dir', 'found', '--save', 'json'),
        )
        assert '2 box(es)' in done.stdout

    @pytest.mark.parametrize(
        ('args', 'message'),
        [
            (('gone.jpg', '--model', NAME), 'picture gone.jpg does not exist'),
            (('data', '--model', 'internet_r18_cpu'), 'did you mean internet/internet_r18_cpu'),
            (('data/annotations.json', '--model', NAME), 'cannot be read as a picture'),
            (('data/0.png', '--model', NAME, '--checkpoint', 'no.pth'), r'no\.pth does not exist'),
            (('data/0.png', '--model', NAME, '--bbox', 90, 0, 5, 5), 'outside the picture'),
            (('data/0.png', '--model', NAME, '--out-dir', 'data/0.png'), 'cannot write to'),
            (
                (*('data/0.png', '--model', NAME, '--bbox', 0, 0, 5, 5), '--detector', 'a', 'b'),
                'give one',
            ),
            (('data/0.png', '--model', NAME, '--detector', 'opn'), '--detector is opn; give open'),
        ],
    )
    def test_mistakes_end_in_one_line(self, toy, args, message):
        assert re.search(message, toy.fails('demo/image_demo.py', *args))

"""What a user can get wrong with persons, shapes, templates and cameras: one line each."""

import sys

import cv2
import numpy as np
import pytest
import torch

from mmhand.apis.inference import picture_record
from mmhand.apis.worn_shape import shape_for
from mmhand.datasets.transforms import AttachBetas
from mmhand.fitting import ShapeTable, calibrate_shapes, optimize_pose, register_root
from mmhand.geometry.mesh_hierarchy import CMR_TEMPLATE
from mmhand.hand_models import MANO, OpenHand, synthetic_mano
from mmhand.models.cmr.cmr_hierarchy import hierarchy_for
from mmhand.models.iahm import IdentityAwareHandMesh
from mmhand.structures import HandDataSample, HandInstances
from mmhand.utils.errors import HandConfigError, HandDataError, HandFileError, MMHandError

CASES = {}


def case(name, error, message):
    def register(function):
        CASES[name] = (function, error, message)
        return function

    return register


@pytest.fixture(scope='module')
def network():
    torch.manual_seed(0)
    return IdentityAwareHandMesh(
        hand_model=dict(type='mmhand.OpenHand', side='right'),
        backbone=dict(
            type='mmhand.ResNetLogits', depth=18, base_channels=8, stem_channels=8, num_features=16
        ),
        pose_head=dict(type='mmhand.IterativePose6DHead', in_channels=16, hidden_channels=(8,)),
    ).eval()


def sample(**fields):
    one = HandDataSample(metainfo=dict(sample_id='a/1'))
    one.gt_hands = HandInstances(
        side=torch.zeros(1, dtype=torch.long),
        pose=torch.zeros(1, 48),
        betas=fields.pop('gt_betas', torch.zeros(1, 10)),
    )
    for name in ('vertices', 'transl'):
        if name in fields:
            one.gt_hands.set_field(fields.pop(name), name)
    one.set_metainfo(fields)
    return one


def table(path, subjects=('1',), betas=10, hand_model='OpenHand'):
    rows = np.zeros((len(subjects), betas), np.float32)
    ShapeTable(subjects, rows, hand_model, np.ones(len(subjects))).save(path)
    return path


def record(**fields):
    return {'sample_id': 'a/1', 'subject': '1', 'hand_model': 'OpenHand', **fields}


IMAGE = torch.zeros(1, 3, 64, 64)


@case('estimates of nobody', HandDataError, 'at least one')
def _(tmp, net):
    calibrate_shapes(np.zeros((0, 10)), [])


@case('a subject for each estimate', HandDataError, '3 estimates of betas have 2 subjects')
def _(tmp, net):
    calibrate_shapes(np.zeros((3, 10)), ['a', 'b'])


@case('estimates that are not finite', HandDataError, 'row 1 (subject b) are not finite')
def _(tmp, net):
    calibrate_shapes(np.array([[0.0], [np.nan]]), ['a', 'b'])


@case('no pictures for a person', HandConfigError, 'at least one picture')
def _(tmp, net):
    calibrate_shapes(np.zeros((3, 10)), [1, 1, 1], num=0)


@case('unknown subject', HandDataError, 'no calibrated shape of subject "7"; of 1, 2')
def _(tmp, net):
    step = AttachBetas(table(tmp / 'shapes.npz', ('1', '2')))
    step.transform(record(subject='7'))


@case('no subject at all', HandDataError, 'no calibrated shape of subject "None"')
def _(tmp, net):
    step = AttachBetas(table(tmp / 'shapes.npz', ('1', '2')))
    results = record()
    del results['subject']
    step.transform(results)


@case('shapes of another hand model', HandConfigError, 'holds shapes of MANO')
def _(tmp, net):
    AttachBetas(table(tmp / 'shapes.npz', hand_model='MANO')).transform(record())


@case('table that is not there', HandFileError, 'none.npz')
def _(tmp, net):
    AttachBetas(tmp / 'none.npz')


@case('truncated table', HandFileError, 'is no table of calibrated shapes')
def _(tmp, net):
    path = table(tmp / 'shapes.npz')
    path.write_bytes(path.read_bytes()[:200])
    AttachBetas(path)


@case('table without a key', HandFileError, 'is no table of calibrated shapes')
def _(tmp, net):
    np.savez(tmp / 'shapes.npz', betas=np.zeros((1, 10)))
    AttachBetas(tmp / 'shapes.npz')


@case('table that claims more than it has', HandFileError, 'shapes.npz')
def _(tmp, net):
    path = table(tmp / 'shapes.npz')
    arrays = dict(np.load(path))
    arrays['subjects'] = np.array(['1', '2'])
    np.savez(path, **arrays)
    AttachBetas(path)


@case('table of objects', HandFileError, 'is no table of calibrated shapes')
def _(tmp, net):
    arrays = dict(np.load(table(tmp / 'shapes.npz')))
    arrays['betas'] = np.array([[{}]], dtype=object)
    np.savez(tmp / 'shapes.npz', **arrays)
    AttachBetas(tmp / 'shapes.npz')


@case('sample without a shape', HandDataError, 'has no annotated shape')
def _(tmp, net):
    AttachBetas('annotated').transform(record())


@case('network without a shape', HandDataError, 'has no betas')
def _(tmp, net):
    net(IMAGE, [HandDataSample(metainfo=dict(sample_id='a/1'))], mode='tensor')


@case('given betas of another length', HandDataError, 'betas of shape (9,), OpenHand takes (10,)')
def _(tmp, net):
    net(IMAGE, [sample(betas=np.zeros(9, np.float32))], mode='tensor')


@case('annotations of another hand model', HandConfigError, 'are parameters of MANO')
def _(tmp, net):
    net(IMAGE, [sample(hand_model='MANO')], mode='loss')


@case('annotated betas of another length', HandDataError, '9 betas, OpenHand takes')
def _(tmp, net):
    net(
        IMAGE,
        [sample(gt_betas=torch.zeros(1, 9), betas=np.zeros(10, np.float32))],
        mode='loss',
    )


@case('mesh of another topology', HandDataError, 'its mesh has 778 vertices, OpenHand has 1655')
def _(tmp, net):
    mesh = sample(vertices=torch.zeros(1, 778, 3), transl=torch.zeros(1, 3))
    net(IMAGE, [mesh], mode='loss')


@case('person of another hand model', HandConfigError, '10 betas of MANO')
def _(tmp, net):
    shape_for(net, ShapeTable.load(table(tmp / 'person.npz', hand_model='MANO')))


@case('several persons', HandDataError, '2 subjects are no single person')
def _(tmp, net):
    shape_for(net, ShapeTable.load(table(tmp / 'person.npz', ('1', '2'))))


@case('template of another topology', HandConfigError, 'is a mesh of 778 vertices, OpenHand has')
def _(tmp, net):
    hierarchy_for(OpenHand(), CMR_TEMPLATE)


@case('template that is none', HandFileError, 'template.ply')
def _(tmp, net):
    (tmp / 'template.ply').write_text('ply\nformat ascii 1.0\nelement vertex 9\nend_header\n')
    hierarchy_for(MANO(data=synthetic_mano('right')), tmp / 'template.ply')


@case('template that is not there', HandFileError, 'template.ply')
def _(tmp, net):
    hierarchy_for(OpenHand(), tmp / 'template.ply')


def optimise(**changes):
    given = dict(
        rotations_6d=np.tile([1.0, 0, 0, 0, 1, 0], (2, 16)).reshape(2, 16, 6),
        betas=np.zeros((2, 10)),
        keypoints_2d=np.zeros((2, 21, 2)),
        K=np.tile(np.eye(3), (2, 1, 1)),
        hand_model=OpenHand(flat_hand_mean=True),
        steps=(1, 1),
    )
    optimize_pose(**{**given, **changes})


@case('K of three by four', HandDataError, 'K has shape (2, 3, 4), 2 hands need (2, 3, 3)')
def _(tmp, net):
    optimise(K=np.zeros((2, 3, 4)))


@case('K of other hands', HandDataError, 'K has shape (5, 3, 3), 2 hands need (2, 3, 3)')
def _(tmp, net):
    optimise(K=np.zeros((5, 3, 3)))


@case('pixels of other joints', HandDataError, 'keypoints_2d has shape (2, 16, 2)')
def _(tmp, net):
    optimise(keypoints_2d=np.zeros((2, 16, 2)))


@case('betas to optimise with of another length', HandDataError, 'betas has shape (2, 9)')
def _(tmp, net):
    optimise(betas=np.zeros((2, 9)))


@case('nothing to optimise', HandDataError, 'rotations_6d')
def _(tmp, net):
    optimise(rotations_6d=np.zeros((0, 16, 6)))


@case('confidence of other joints', HandDataError, 'confidence has shape (2, 20)')
def _(tmp, net):
    optimise(confidence=np.ones((2, 20)))


@case('K of a registration', HandDataError, 'K has shape (2, 3), expected (3, 3)')
def _(tmp, net):
    register_root(
        np.zeros((9, 3)), np.zeros((21, 3)), np.zeros((21, 2)), np.ones(21), np.eye(3)[:2]
    )


@case('K of a picture', HandDataError, 'got shape (4, 4)')
def _(tmp, net):
    picture_record(np.zeros((8, 8, 3), np.uint8), camera=np.eye(4))


@pytest.mark.parametrize('name', CASES)
def test_ends_in_one_line(name, tmp_path, network):
    function, error, message = CASES[name]
    with pytest.raises(MMHandError) as caught:
        function(tmp_path, network)
    text = str(caught.value)
    assert isinstance(caught.value, error), text
    assert message in text
    assert '\n' not in text


@pytest.mark.parametrize(
    ('make', 'message'),
    [
        (lambda path: None, 'does not exist'),
        (lambda path: path.mkdir(), 'picture'),
        (lambda path: (path.mkdir(), (path / 'notes.txt').write_text('x')), 'picture'),
        (lambda path: (path.mkdir(), (path / 'a.jpg').write_bytes(b'x')), 'a.jpg'),
        (
            lambda path: (path.mkdir(), cv2.imwrite(str(path / 'a.png'), np.zeros((9, 9, 3)))),
            'no hand was found',
        ),
    ],
)
def test_a_person_without_pictures(repo, tmp_path, monkeypatch, capsys, make, message):
    monkeypatch.syspath_prepend(str(repo / 'tools'))
    monkeypatch.delenv('MMHAND_DEBUG', raising=False)
    make(tmp_path / 'anna')
    import personalize

    monkeypatch.setattr(sys, 'argv', ['personalize.py'])
    with pytest.raises(SystemExit) as stop:
        personalize.main([str(tmp_path / 'anna'), '--out', str(tmp_path / 'anna.npz')])
    error = [line for line in capsys.readouterr().err.splitlines() if 'rror' in line]
    assert stop.value.code == 2
    assert len(error) == 1
    assert message in error[0]
    assert not (tmp_path / 'anna.npz').exists()

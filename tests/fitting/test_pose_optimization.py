"""Hands moved until their joints fall on given pixels, as the released script moves them."""

import json
import sys

import numpy as np
import pytest
import torch

from mmhand.fitting import optimize_pose
from mmhand.hand_models import MANO, ManoLayer, OpenHand
from mmhand.utils.errors import HandDataError


@pytest.fixture(scope='module')
def case(repo):
    sys.path.insert(0, str(repo / 'tests' / 'data'))
    import iahm_recipe

    sys.path.pop(0)
    golden = json.loads((repo / 'tests' / 'data' / 'iahm_golden.json').read_text())['optimization']
    data = iahm_recipe.mano_arrays()
    box = np.array(golden['bbox_ltrb'])
    cells = np.array(golden['uv112'], float).reshape(-1, 21, 2)
    width = (box[:, 2] - box[:, 0])[:, None, None]
    layer = ManoLayer(use_pca=True, ncomps=45, flat_hand_mean=False, data=data)
    betas = np.array(golden['beta'], np.float32)
    args = dict(
        rotations_6d=np.array(golden['init_6d'], np.float32),
        betas=betas,
        keypoints_2d=cells / 112 * width + box[:, None, :2],
        K=np.array([[613, 0, 313], [0, 612, 245], [0, 0, 1.0]]),
        hand_model=MANO(data=data, flat_hand_mean=True),
    )
    mesh = layer(torch.tensor(golden['pose_pca48']), torch.tensor(betas))[0] / 1000
    return args, mesh.numpy(), golden['result']


def test_the_released_result(case):
    args, mesh, golden = case
    out = optimize_pose(**args)
    assert out.energy.shape == (300,)
    assert out.energy[-1] == pytest.approx(golden['final_loss_px2'], abs=0.002)
    errors = 1000 * np.linalg.norm(out.reported_vertices - mesh, axis=-1).mean(1)
    assert errors == pytest.approx(golden['mpvpe_mm_per_sample'], abs=0.05)
    assert out.transl == pytest.approx(np.array(golden['trans_m']), abs=1e-3)
    ray = args['keypoints_2d'][:, 0] - args['K'][:2, 2]
    assert out.initial_transl[:, :2] == pytest.approx(0.85 * ray / [613, 612], abs=1e-5)
    assert out.initial_transl[:, 2] == pytest.approx(np.full(6, 0.85))
    assert np.abs(out.vertices - out.reported_vertices).max() > 0


def test_a_batch_is_its_hands_one_by_one(case):
    args, _, _ = case
    whole = optimize_pose(**args)
    for row in (0, 4):
        one = {k: args[k][row : row + 1] for k in ('rotations_6d', 'betas', 'keypoints_2d')}
        alone = optimize_pose(**one, K=args['K'], hand_model=args['hand_model'])
        assert np.abs(alone.vertices[0] - whole.vertices[row]).max() < 1e-5


def test_adam_of_torch_and_the_whole_hand_give_the_same():
    """The analytic first part and the joints without mesh against plain autograd."""
    torch.manual_seed(0)
    hand = OpenHand(flat_hand_mean=True)
    rotations = torch.eye(3)[:2].flatten().repeat(2, 16, 1) + 0.1 * torch.randn(2, 16, 6)
    betas, K = torch.randn(2, 10), torch.tensor([[300.0, 0, 128], [0, 300, 128], [0, 0, 1]])
    pixels = 128 + 40 * torch.randn(2, 21, 2)
    out = optimize_pose(rotations, betas, pixels, K, hand, steps=(6, 5))

    from mmhand.hand_models.rotations import rotation_6d_to_matrix

    transl, turned = out.initial_transl.clone(), rotations.clone()
    energies = []
    for learning, steps, lr in (((transl,), 6, 1e-2), ((transl, turned), 5, 1e-3)):
        for value in learning:
            value.requires_grad_(True)
        adam = torch.optim.Adam(learning, lr=lr)
        for _ in range(steps):
            matrices = rotation_6d_to_matrix(turned, layout='rows')
            points = hand(matrices[:, 0], matrices[:, 1:], betas, transl).joints @ K.T
            energy = (points[..., :2] / (points[..., 2:] + 1e-8) - pixels).square().mean((1, 2))
            energies.append(energy.mean().item())
            adam.zero_grad()
            energy.sum().backward()
            adam.step()
    assert out.energy.tolist() == pytest.approx(energies, rel=1e-4)
    assert torch.allclose(out.transl, transl, atol=1e-5)
    assert torch.allclose(out.rotations_6d, turned, atol=1e-4)


def test_unsure_joints_do_not_count(case):
    args, mesh, _ = case
    args = {**args, 'keypoints_2d': args['keypoints_2d'].copy()}
    args['keypoints_2d'][:, 8] += 60
    confidence = np.ones((6, 21))
    confidence[:, 8] = 0.1
    kept = optimize_pose(**args, confidence=confidence)
    used = optimize_pose(**args)
    errors = [np.linalg.norm(x.vertices - mesh, axis=-1).mean() for x in (kept, used)]
    assert errors[0] < 0.5 * errors[1]


@pytest.mark.parametrize(
    ('name', 'value', 'text'),
    [
        ('K', np.eye(4), r'K has shape \(4, 4\)'),
        ('betas', np.zeros((6, 9)), 'betas'),
        ('rotations_6d', np.zeros((6, 15, 6)), 'rotations_6d'),
        ('keypoints_2d', np.full((6, 21, 2), np.nan), 'finite'),
    ],
)
def test_mistakes(case, name, value, text):
    with pytest.raises(HandDataError, match=text):
        optimize_pose(**{**case[0], name: value})

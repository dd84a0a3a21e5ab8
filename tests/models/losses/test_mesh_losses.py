import pytest
import torch

from mmhand.models.losses import (
    ConfidenceL1Loss,
    MeshEdgeLoss,
    MeshNormalLoss,
    PairRankingLoss,
    ranking_pairs,
)
from mmhand.utils.errors import HandDataError

FACE = torch.tensor([[0, 1, 2]])
PRED = torch.tensor([[[0, 0, 0], [1, 0, 0], [0, 1, 0.2]]])
TARGET = torch.tensor([[[0, 0, 0], [1.0, 0, 0], [0, 1, 0]]])
CONFIDENCE, ERROR = torch.tensor([0.2, 0.9, -0.3, 0.5]), torch.tensor([0.1, 0.3, 0.2, 0.2])


def test_a_triangle():
    assert MeshNormalLoss()(PRED, TARGET, FACE).item() == pytest.approx(0.11204805, abs=1e-6)
    assert MeshEdgeLoss()(PRED, TARGET, FACE).item() == pytest.approx(0.01129202, abs=1e-6)
    for faces in (FACE[:, [2, 0, 1]], FACE[:, [1, 0, 2]]):
        assert MeshNormalLoss()(PRED, TARGET, faces).item() == pytest.approx(0.11204805, abs=1e-6)


@pytest.mark.parametrize('eps', [0.0, 1e-6])
def test_corners_that_coincide_pass_no_gradient(eps):
    pred = PRED.clone()
    pred[0, 1] = pred[0, 0]
    pred.requires_grad_()
    MeshEdgeLoss(eps=eps)(pred, TARGET, FACE).backward()
    # Of the two edges to the third corner one is too long, the other too short.
    pull = torch.tensor([0.0, 1.0, 0.2]) / 1.04**0.5 / 3
    expected = torch.stack((-pull, pull, torch.zeros(3)))
    torch.testing.assert_close(pred.grad[0], expected, atol=1e-5, rtol=0)


def test_pairs():
    first, second, y = ranking_pairs(CONFIDENCE, ERROR)
    assert first.tolist() == pytest.approx([0.2, 0.2, 0.2, 0.9, 0.9, -0.3])
    assert second.tolist() == pytest.approx([0.9, -0.3, 0.5, -0.3, 0.5, 0.5])
    assert y.tolist() == [1, 1, 1, -1, -1, 0]
    assert PairRankingLoss(1.0)(CONFIDENCE, ERROR).item() == pytest.approx(1.35, abs=1e-6)
    assert PairRankingLoss(1.0)(CONFIDENCE[:, None], ERROR[:, None]).item() == pytest.approx(1.35)


def test_pairs_of_groups():
    first, second, _ = ranking_pairs(CONFIDENCE, ERROR, torch.tensor([5, 1, 1, 5]))
    assert first.tolist() == pytest.approx([0.9, 0.2])
    assert second.tolist() == pytest.approx([-0.3, 0.5])
    alone = PairRankingLoss()(CONFIDENCE, ERROR, torch.arange(4))
    assert alone == 0
    with pytest.raises(HandDataError, match='3 errors'):
        ranking_pairs(CONFIDENCE, ERROR[:3])


def test_confidence_as_negative_error():
    assert ConfidenceL1Loss()(CONFIDENCE, ERROR).item() == pytest.approx(
        (0.3 + 1.2 + 0.1 + 0.7) / 4
    )

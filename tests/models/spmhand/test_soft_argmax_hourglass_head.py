"""The soft-argmax head's losses."""

import torch

from mmhand.models.spmhand.soft_argmax_hourglass_head import (
    SoftArgmaxHourglassHead,
    SoftArgmaxOutput,
)


def small_head(**settings):
    torch.manual_seed(0)
    return SoftArgmaxHourglassHead(in_channels=8, num_joints=3, depth=2, **settings)


def test_cross_entropy_is_that_of_the_normalised_gaussian():
    head = small_head(heatmap_weight=2.0, heatmap_sigma=1.5)
    joints = torch.tensor([[[0.4, 0.55], [0.5, 0.5], [3.0, 3.0]]], dtype=torch.float64)
    heatmaps = (
        torch.rand(1, 3, 8, 8, dtype=torch.float64).flatten(2).softmax(-1).unflatten(-1, (8, 8))
    )
    expected = []
    for joint, heatmap in zip(joints[0, :2], heatmaps[0], strict=False):
        target = torch.zeros(8, 8, dtype=torch.float64)
        for row in range(8):
            for column in range(8):
                distance = (column + 0.5 - 8 * joint[0]) ** 2 + (row + 0.5 - 8 * joint[1]) ** 2
                target[row, column] = torch.exp(-0.5 * distance / 1.5**2)
        expected.append(-(target / target.sum() * heatmap.log()).sum())
    # The third joint is far outside and counts as zero.
    value = head.cross_entropy(heatmaps, joints)
    torch.testing.assert_close(value, sum(expected) / 3)
    losses = head.loss(SoftArgmaxOutput(heatmaps, joints, heatmaps), joints)
    torch.testing.assert_close(losses['loss_heatmaps'], 2 * value)
    assert losses['loss_joints_img'] == 0


def test_terms_without_weight_are_left_out():
    assert small_head(loss_weight=0.0).loss(None, None) == {}


def test_cross_entropy_moves_the_joints_to_their_place():
    head = small_head(loss_weight=0.0, heatmap_weight=1.0)
    optimizer = torch.optim.Adam(head.parameters(), lr=0.01)
    image, joints = torch.randn(2, 8, 8, 8), torch.rand(2, 3, 2) * 0.6 + 0.2
    for _ in range(80):
        optimizer.zero_grad()
        head.loss(head(image), joints)['loss_heatmaps'].backward()
        optimizer.step()
    assert (head(image).joints - joints).abs().max() < 0.06


def test_mixed_precision_keeps_the_expectation_exact():
    head = small_head().eval()
    image = torch.randn(1, 8, 32, 32)
    with torch.no_grad(), torch.autocast('cpu', dtype=torch.bfloat16):
        output = head(image)
    assert output.heatmaps.dtype == output.joints.dtype == torch.float32
    place = (torch.arange(32) + 0.5) / 32
    torch.testing.assert_close(output.joints[..., 0], (output.heatmaps.sum(-2) * place).sum(-1))

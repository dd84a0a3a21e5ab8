"""InterNet and Two-Hand-Shape-Pose in two gloo processes: what one makes of the same total batch."""

import sys
from pathlib import Path

import pytest
import torch

from mmhand.structures import HandDataSample, HandInstances

sys.path.insert(0, str(Path(__file__).parents[1]))
from two_processes import Case, assert_equal, run_as_one_of_two, train_both_ways  # noqa: E402


def make_sample(name, index):
    """A picture and two hands of which not everything counts."""
    rng = torch.Generator().manual_seed(index)
    sample = HandDataSample(
        metainfo=dict(
            sample_id=str(index),
            hand_type='right' if index % 4 == 3 else 'interacting',
            hand_type_valid=float(index % 3 > 0),
        )
    )
    joints = 0.05 * torch.randn(2, 21, 3, generator=rng) + torch.tensor([0, 0, 0.8])
    sample.gt_hands = HandInstances(
        side=torch.arange(2),
        keypoints_2d=96 * torch.rand(2, 21, 2, generator=rng),
        keypoints_3d=joints,
        keypoint_valid=(torch.rand(2, 21, generator=rng) > 0.2).float(),
        betas=torch.randn(2, 10, generator=rng),
        mano_valid=(torch.rand(2, generator=rng) > 0.3).float(),
    )
    picture = torch.randint(0, 256, (3, 96, 96), generator=rng, dtype=torch.uint8)
    return picture, sample


CASE = Case(('internet_cpu_interhand', 'twohand_cpu_interhand'), make_sample)


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    return train_both_ways(CASE, __file__, tmp_path_factory.mktemp('processes'))


@pytest.mark.parametrize('name', CASE.names)
def test_two_processes_equal_one(name, trained):
    assert_equal(*trained[name], loss=1e-5, change=1e-3, moved_at_least=21)


if __name__ == '__main__':
    run_as_one_of_two(CASE)

"""Identity-aware networks and baselines in two gloo processes: what one makes of the whole batch."""

import sys
from pathlib import Path

import pytest
import torch
from mmengine.structures import PixelData

from mmhand.structures import HandDataSample, HandInstances

sys.path.insert(0, str(Path(__file__).parents[1]))
from two_processes import Case, assert_equal, run_as_one_of_two, train_both_ways  # noqa: E402

#: By config: size of the picture. Small ones of each kind; all others differ in widths only.
SIZES = {
    'iahm_r18_cpu_dexycb-s1': 64,
    'iahm_r18_confidence_cpu_dexycb-s1': 64,
    'boukhayma_r18_cpu_dexycb-s1': 64,
    'cmr_r18_pg_cpu_freihand': 128,
}


def make_sample(name, index):
    """A picture of a right hand of one of two subjects."""
    size = SIZES[name]
    rng = torch.Generator().manual_seed(index)
    sample = HandDataSample(
        metainfo=dict(sample_id=str(index), subject=str(index % 2), hand_model='OpenHand')
    )
    sample.gt_hands = HandInstances(
        side=torch.zeros(1, dtype=torch.long),
        pose=0.3 * torch.randn(1, 48, generator=rng),
        betas=torch.randn(1, 10, generator=rng),
        keypoints_2d=size * torch.rand(1, 21, 2, generator=rng),
        keypoint_valid=torch.ones(1, 21),
    )
    planes = torch.randint(0, 256, (4, size, size), generator=rng, dtype=torch.uint8)
    sample.gt_sem_seg = PixelData(data=planes)
    return torch.randint(0, 256, (3, size, size), generator=rng, dtype=torch.uint8), sample


def prepare(name, config):
    """Narrow the mesh decoder; rank within subjects, as batches of the real set are drawn."""
    if name.startswith('cmr'):
        config.update(num_features=32, mesh_channels=(8, 8, 8, 8))
        config.backbone.update(base_channels=8)
    if 'confidence' in name:
        config.update(rank_within_subject=True)


CASE = Case(tuple(SIZES), make_sample, steps=2, rate=1e-3, prepare=prepare)


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    return train_both_ways(CASE, __file__, tmp_path_factory.mktemp('processes'))


@pytest.mark.parametrize('name', CASE.names)
def test_two_processes_equal_one(name, trained):
    # Of a linear confidence only the weight moves: a bias has no part in differences.
    moved = 1 if 'confidence' in name else 20
    assert_equal(*trained[name], loss=1e-4, change=1e-2, moved_at_least=moved)


if __name__ == '__main__':
    run_as_one_of_two(CASE)

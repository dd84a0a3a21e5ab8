"""The sheet of a pipeline's intermediate pictures."""

import numpy as np
import pytest
import torch
from mmengine.structures import PixelData

from mmhand.structures import HandDataSample, HandInstances
from mmhand.visualization import draw_stages

BOX = (10.0, 20.0, 64.0, 64.0)


@pytest.fixture
def sample():
    """A right hand of 32 x 32 pixels in the middle of its crop; no left hand."""
    masks = torch.zeros(4, 120, 160, dtype=torch.uint8)
    masks[0, 36:68, 26:58] = 1
    masks[1, 36:52, 26:58] = 1
    grey = torch.full((3, 64, 64), 100, dtype=torch.uint8)
    hole = torch.zeros(1, 64, 64, dtype=torch.uint8)
    hole[:, :16] = 1
    fields = {}
    for side in ('right', 'left'):
        fields |= {f'{side}_crop': grey, f'{side}_hole': hole, f'{side}_restored': grey // 2}
    points = torch.full((2, 21, 2), torch.nan)
    points[:, 0] = torch.tensor([42.0, 52.0])
    out = HandDataSample(metainfo=dict(img_shape=(120, 160)))
    out.pred_hands = HandInstances(
        side=torch.tensor([0, 1]),
        bbox=torch.tensor([BOX, BOX]),
        keypoints_2d=points,
        present=torch.tensor([True, False]),
    )
    out.pred_sem_seg = PixelData(data=masks)
    out.pred_fields = PixelData(**fields)
    return out


def test_every_step_is_shown_where_it_was(sample):
    sheet = draw_stages(sample)
    height, width = sheet.shape[0] // 2, (sheet.shape[1] + 4) // 6
    bar = height - 256
    rows = [
        [sheet[r * height + bar : (r + 1) * height, c * width : c * width + 256] for c in range(6)]
        for r in range(2)
    ]
    crop, whole, visible, hole, restored, joints = rows[0]
    assert (crop == 100).all()
    assert (restored == 50).all()
    # A quarter of the crop is hand, half of that visible, above.
    coloured = (whole != crop).any(-1)
    assert coloured.mean() == pytest.approx(0.25, abs=0.02)
    assert coloured[64:192, 64:192].mean() > 0.95
    seen = (visible != crop).any(-1)
    assert seen.mean() == pytest.approx(0.125, abs=0.01)
    assert not seen[130:].any()
    assert (hole != crop).any(-1)[:64].all()
    assert not (hole != crop).any(-1)[64:].any()
    drawn = np.argwhere((joints != restored).any(-1)).mean(0)
    assert drawn == pytest.approx([128, 128], abs=2)
    # The other hand was not found, and is shown as it was taken.
    assert (rows[1][1] == rows[1][0]).all()


def test_other_methods_have_no_stages(sample):
    del sample.pred_fields
    assert draw_stages(sample) is None
    assert draw_stages(HandDataSample()) is None

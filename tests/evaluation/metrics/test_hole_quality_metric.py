"""Numbers of restored pictures against numbers worked out by hand, and against scikit-free SSIM."""

import numpy as np
import pytest
import torch
from mmengine.structures import PixelData
from scipy.ndimage import gaussian_filter

from mmhand.evaluation.functional.images import ssim_map
from mmhand.evaluation.metrics import HoleQualityMetric
from mmhand.structures import HandDataSample
from mmhand.utils.errors import HandDataError
from mmhand.utils.image_norm import normalize_images


def sample(restored, taken, target, deocclude, remove):
    return HandDataSample(
        metainfo=dict(sample_id='s'),
        gt_fields=PixelData(image=taken, target=target),
        pred_fields=PixelData(
            composite=normalize_images(restored.float()), deocclude=deocclude, remove=remove
        ),
    )


def test_numbers_are_those_of_the_holes():
    target = torch.full((3, 32, 32), 100, dtype=torch.uint8)
    restored, taken = target.clone(), target.clone()
    deocclude, remove = torch.zeros(2, 1, 32, 32)
    deocclude[:, :16, :8] = 1
    remove[:, 16:, :8] = 1
    restored[:, :16, :8] = 110
    restored[:, 16:, :8] = 80
    taken[:, :16, :8] = 200
    taken[:, 16:, :8] = 140
    restored[:, :, 20:] = 255  # outside the holes: counts for nothing
    metric = HoleQualityMetric()
    metric.process(None, [sample(restored, taken, target, deocclude, remove)])
    scores = metric.evaluate(1)
    assert scores['hole/L1_deocclude'] == pytest.approx(10 / 255, abs=1e-5)
    assert scores['hole/L1_remove'] == pytest.approx(20 / 255, abs=1e-5)
    assert scores['hole/L1'] == pytest.approx(15 / 255, abs=1e-5)
    assert scores['hole/input_L1'] == pytest.approx(70 / 255, abs=1e-5)
    assert scores['hole/gain_L1'] == pytest.approx(1 - 15 / 70, abs=1e-4)
    assert scores['hole/PSNR_deocclude'] == pytest.approx(20 * np.log10(25.5), abs=1e-3)
    assert scores['hole/input_PSNR_remove'] == pytest.approx(20 * np.log10(255 / 40), abs=1e-3)
    assert scores['hole/SSIM'] > scores['hole/input_SSIM']


def test_samples_without_a_hole_do_not_count_for_it():
    target = torch.full((3, 32, 32), 100, dtype=torch.uint8)
    none, some = torch.zeros(2, 1, 32, 32)
    some[:, :4] = 1
    metric = HoleQualityMetric()
    metric.process(
        None,
        [
            sample(target, target, target, none, some),
            sample(target + 51, target, target, some, none),
        ],
    )
    scores = metric.evaluate(2)
    assert scores['hole/L1_deocclude'] == pytest.approx(0.2, abs=1e-5)
    assert scores['hole/L1_remove'] == pytest.approx(0, abs=1e-5)
    assert scores['hole/L1'] == pytest.approx(0.1, abs=1e-5)
    with pytest.raises(HandDataError, match='with_pictures'):
        metric.process(None, [HandDataSample(metainfo=dict(sample_id='s'))])


def test_ssim_is_that_of_the_paper():
    rng = np.random.default_rng(0)
    a, b = rng.random((2, 24, 24))

    def blur(x):
        return gaussian_filter(x, 1.5, mode='mirror', radius=5)

    mean_a, mean_b = blur(a), blur(b)
    var_a, var_b = blur(a * a) - mean_a**2, blur(b * b) - mean_b**2
    both = blur(a * b) - mean_a * mean_b
    expected = (2 * mean_a * mean_b + 1e-4) * (2 * both + 9e-4)
    expected /= (mean_a**2 + mean_b**2 + 1e-4) * (var_a + var_b + 9e-4)
    found = ssim_map(*(torch.from_numpy(x)[None, None] for x in (a, b)))
    assert found[0, 0].numpy() == pytest.approx(expected, abs=1e-9)

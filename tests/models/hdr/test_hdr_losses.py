"""HDR's losses."""

import math

import pytest
import torch
import torch.nn.functional as F
from torchvision.models import vgg16

from mmhand.models.hdr import AdversarialLoss, DetNetLoss, InpaintingLoss, VGGFeatures
from mmhand.models.hdr.inpainting_loss import LOSS_WEIGHTS, gram_matrix
from mmhand.utils.errors import HandConfigError, HandFileError


def test_pose_losses_of_the_specification(golden, reference):
    heat = 0.5 * reference.ramp(2, 21, 64, 64) + 0.5
    maps = reference.ramp(2, 63, 64, 64).view(2, 21, 3, 64, 64)
    target = dict(heatmaps=heat.flip(-1), delta_maps=maps.flip(-2), location_maps=maps.flip(-2))
    valid = {name: torch.ones(2, 21, dtype=torch.float64) for name in target}
    valid['heatmaps'][0, 3] = valid['delta_maps'][1, 5] = valid['location_maps'][1, 20] = 0
    pred = dict(heatmaps=heat, delta_maps=maps, location_maps=maps)
    losses = DetNetLoss(1, 1, 1)(pred, target, valid)
    found = [losses[f'loss_{name}'].item() for name in ('heatmap', 'delta', 'location')]
    assert found == pytest.approx([golden['shpe_losses'][k] for k in ('hm', 'dm', 'lm')], rel=1e-6)
    weighted = DetNetLoss()(pred, target, valid)
    assert weighted['loss_location'].item() == pytest.approx(5 * found[2])
    nothing = {name: torch.zeros_like(flags) for name, flags in valid.items()}
    assert all(value == 0 for value in DetNetLoss()(pred, target, nothing).values())


def test_pose_losses_of_perfect_maps_have_a_gradient():
    heat = torch.rand(1, 21, 4, 4, requires_grad=True)
    maps = torch.rand(1, 21, 3, 4, 4, requires_grad=True)
    pred = dict(heatmaps=heat, delta_maps=maps, location_maps=maps)
    target = {name: value.detach() for name, value in pred.items()}
    valid = {name: torch.ones(1, 21) for name in pred}
    sum(DetNetLoss()(pred, target, valid).values()).backward()
    assert heat.grad.isfinite().all()
    assert maps.grad.isfinite().all()


@pytest.fixture
def pictures(reference):
    discs = reference.discs()
    masks = discs.amodal * (1 - discs.visible), (1 - discs.amodal) * discs.other
    output = reference.ramp(1, 3)
    target = output.flip(-1)
    return output, target, target * (1 - masks[0]), *masks


def test_inpainting_terms(pictures):
    output, target, erased, deocclude, remove = pictures
    losses = InpaintingLoss(perceptual=None)(*pictures)
    difference = (output - target).abs()
    known = 1 - deocclude - remove
    pixels = 256 * 256 * 3
    expected = dict(
        hole_deocclusion=6 * (difference * deocclude).sum() / pixels,
        hole_removal=6 * (difference * remove).sum() / pixels,
        valid=(difference * known).sum() / pixels,
    )
    composite = torch.where(known.bool(), erased, output)
    tv = [(composite.diff(dim=axis)).abs().mean() for axis in (-1, -2)]
    expected['tv'] = 0.1 * sum(tv)
    assert set(losses) == {f'loss_{name}' for name in expected}
    for name, value in expected.items():
        assert losses[f'loss_{name}'].item() == pytest.approx(value.item(), rel=1e-9), name


def test_a_term_without_weight_is_left_out_and_a_wrong_one_refused(pictures):
    losses = InpaintingLoss(dict(tv=0, valid=2.0))(*pictures)
    assert 'loss_tv' not in losses
    assert losses['loss_valid'] == 2 * InpaintingLoss()(*pictures)['loss_valid']
    with pytest.raises(HandConfigError, match='no term .*hole.*hole_deocclusion'):
        InpaintingLoss(dict(hole=6))


@pytest.fixture(scope='module')
def vgg_file(tmp_path_factory):
    """Made-up VGG-16 weights as torchvision stores them."""
    path = tmp_path_factory.mktemp('vgg') / 'vgg16.pth'
    torch.manual_seed(0)
    network = vgg16(weights=None)
    state = {k: v for k, v in network.state_dict().items() if k.startswith('features')}
    torch.save(state, path)
    return path, network


def test_vgg_features_are_the_first_three_poolings(vgg_file):
    path, network = vgg_file
    features = VGGFeatures(str(path))
    assert not list(features.parameters())
    assert not features.state_dict()
    picture = torch.rand(1, 3, 32, 32)
    maps = features(picture)
    for stop, found in zip((5, 10, 17), maps, strict=True):
        torch.testing.assert_close(found, network.features[:stop](picture))
    assert [tuple(m.shape[1:]) for m in maps] == [(64, 16, 16), (128, 8, 8), (256, 4, 4)]


def test_perceptual_and_style_terms(vgg_file):
    loss = InpaintingLoss(perceptual=dict(type='VGGFeatures', checkpoint=str(vgg_file[0])))
    torch.manual_seed(1)
    output = torch.rand(2, 3, 32, 32, requires_grad=True)
    target, erased = torch.rand(2, 2, 3, 32, 32)
    deocclude = (torch.rand(2, 1, 32, 32) > 0.5).float()
    terms = loss(output, target, erased, deocclude, 1 - deocclude)
    assert set(terms) == {f'loss_{name}' for name in LOSS_WEIGHTS}
    ours = loss.perceptual(deocclude * output)
    theirs = loss.perceptual(deocclude * target)
    content = sum(F.l1_loss(a, b) for a, b in zip(ours, theirs, strict=True))
    style = sum(
        F.l1_loss(gram_matrix(a), gram_matrix(b)) for a, b in zip(ours, theirs, strict=True)
    )
    torch.testing.assert_close(terms['loss_prc_deocclusion'], 0.1 * content)
    torch.testing.assert_close(terms['loss_style_deocclusion'], 250 * style)
    sum(terms.values()).backward()
    assert output.grad.abs().sum() > 0


def test_gram_matrix():
    features = torch.rand(2, 4, 3, 5)
    flat = features.flatten(2)
    expected = torch.einsum('bin,bjn->bij', flat, flat) / (4 * 3 * 5)
    torch.testing.assert_close(gram_matrix(features), expected)
    assert gram_matrix(features.half()).dtype == torch.float32


@pytest.mark.parametrize('content', [None, {'features.0.weight': torch.zeros(1)}])
def test_vgg_that_is_not_there_says_how_to_get_it(tmp_path, content):
    path = tmp_path / 'vgg.pth'
    if content is not None:
        torch.save(content, path)
    loss = InpaintingLoss(perceptual=dict(type='VGGFeatures', checkpoint=str(path)))
    with pytest.raises(HandFileError, match=r'vgg.pth.*(torchvision vgg16|no torchvision VGG)'):
        loss.init_weights()


def test_adversarial_terms():
    loss = AdversarialLoss()
    real, fake = torch.tensor([2.0, -1.0]), torch.tensor([0.5, -3.0])
    bce = F.binary_cross_entropy
    expected = 0.1 * bce(fake.sigmoid(), torch.ones(2))
    torch.testing.assert_close(loss.generator(fake), expected)
    expected = 0.5 * (bce(real.sigmoid(), torch.ones(2)) + bce(fake.sigmoid(), torch.zeros(2)))
    torch.testing.assert_close(loss.discriminator(real, fake), expected)
    assert math.isfinite(loss.generator(torch.tensor([-1e4])))

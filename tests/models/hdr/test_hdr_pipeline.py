"""The whole of HDR against its stages run by hand, picture by picture and hand by hand."""

import copy

import cv2
import numpy as np
import pytest
import torch

from mmhand.models.hdr.deocclusion import HoleMasks, composite, generator_inputs, hole_masks
from mmhand.registry import MODELS
from mmhand.structures import HandDataSample, HandInstances, crop_affine, squarify_bbox
from mmhand.utils.errors import HandConfigError
from mmhand.utils.image_norm import denormalize_images, normalize_images

SIZE = 64


def small_hdr(**kwargs):
    backbone = dict(type='DetNetResNet', base_channels=8, depths=(1, 1, 1), out_channels=16)
    codec = dict(type='DetNetCodec', input_size=SIZE, heatmap_size=SIZE // 4, sigma=1.0)
    mit = dict(
        type='mmseg.MixVisionTransformer',
        embed_dims=8,
        num_layers=[1, 1, 1, 1],
        num_heads=[1, 2, 4, 8],
    )
    return dict(
        type='HDR',
        crop_size=SIZE,
        segmentor=dict(
            type='HandAmodalSegmentor',
            backbone=mit,
            decode_head=dict(type='mmhand.AmodalSegHead', in_channels=[8, 16, 32, 64], channels=16),
        ),
        remover=dict(
            type='HandDeocclusionRemover',
            discriminator=None,
            generator=dict(
                type='PConvUNet',
                channels=(8, 8),
                normalize='ratio',
                encoder_attention={},
                decoder_attention={},
            ),
        ),
        pose_estimator=dict(
            type='SingleHandPoseEstimator',
            backbone=backbone,
            head=dict(type='DetNetHead', in_channels=16, hidden_channels=16, codec=codec),
        ),
        **kwargs,
    )


class PaintedSegmentor(torch.nn.Module):
    """Sees hands by their colour: right hands are red, left ones green, white is both."""

    def __init__(self, segmentor):
        super().__init__()
        self.decode_head = segmentor.decode_head

    def forward(self, inputs, mode):
        red, green, blue = (denormalize_images(inputs) > 127).unbind(1)
        right_over_left = red & green & blue
        left_over_right = red & green & ~blue
        right, left = red, green
        planes = [left, left & ~right_over_left, right, right & ~left_over_right]
        fore = torch.stack(planes, 1).float()
        return dict(seg_logits=torch.stack([0.5 - fore, fore - 0.5], 2))


def painted_picture(rng, height, width, left=True):
    """Two overlapping discs on a dark background, and a box around them."""
    picture = rng.integers(0, 60, (height, width, 3), dtype=np.uint8)
    x, y = int(width * 0.4), int(height * 0.5)
    right_mask, left_mask = np.zeros((2, height, width), np.uint8)
    cv2.circle(right_mask, (x, y), 14, 1, -1)
    cv2.circle(left_mask, (x + 16, y + 3), 11, int(left), -1)
    picture[right_mask > 0] = (250, 20, 20)
    picture[left_mask > 0] = (20, 250, 20)
    picture[(right_mask & left_mask) > 0] = (250, 250, 20)
    return picture, (x - 14.0, y - 14.0, 41.0, 28.0)


@pytest.fixture
def hdr():
    torch.manual_seed(0)
    model = MODELS.build(small_hdr()).eval()
    model.segmentor = PaintedSegmentor(model.segmentor)
    return model


@pytest.fixture
def batch(hdr):
    rng = np.random.default_rng(0)
    painted = [painted_picture(rng, 96, 130), painted_picture(rng, 121, 101, left=False)]
    data = dict(
        inputs=[torch.from_numpy(p[..., ::-1].copy()).permute(2, 0, 1) for p, _ in painted],
        data_samples=[
            HandDataSample(metainfo=dict(img_shape=p.shape[:2], bbox=box)) for p, box in painted
        ],
    )
    return hdr.data_preprocessor(data), painted


def by_hand(hdr, picture, box):
    """The released order on one picture with OpenCV; returns pose inputs of right and left."""
    height, width = picture.shape[:2]
    top, left = int(0.5 * height), int(0.5 * width)
    padded = cv2.copyMakeBorder(picture, top, top, left, left, cv2.BORDER_CONSTANT)
    rough = np.array([box[0] + 0.5 * width, box[1] + 0.5 * height, *box[2:]])
    x, y, w, h = (int(v) for v in squarify_bbox(rough, 2))

    def warp(image, one):
        return cv2.warpAffine(image, crop_affine(np.array(one), (SIZE, SIZE)), (SIZE, SIZE))

    def to_tensor(image):
        return normalize_images(torch.from_numpy(image).permute(2, 0, 1)[None].float())

    logits = hdr.segmentor(to_tensor(warp(padded, (x, y, w, h))), mode='tensor')['seg_logits']
    planes = np.zeros((4, *padded.shape[:2]))
    for plane, mask in zip(planes, logits[0].argmax(1).numpy().astype(np.uint8), strict=True):
        rows, columns = np.nonzero(cv2.resize(mask, (w, h), interpolation=cv2.INTER_NEAREST))
        rows, columns = rows + y, columns + x
        keep = (rows >= 0) & (columns >= 0) & (rows < plane.shape[0]) & (columns < plane.shape[1])
        plane[rows[keep], columns[keep]] = 1
    results = []
    for amodal, visible, other in ((2, 3, 0), (0, 1, 2)):
        rows, columns = np.nonzero(planes[amodal])
        hand_box = np.array([padded.shape[1] / 4, padded.shape[0] / 4, width, height])
        hand_box[2:] = padded.shape[1] / 2, padded.shape[0] / 2
        if len(rows):
            low, high = np.array([columns.min(), rows.min()]), np.array([columns.max(), rows.max()])
            hand_box = squarify_bbox(np.concatenate([low, high - low]), 2)
        crop, masks = warp(padded, hand_box), [warp(plane, hand_box) for plane in planes]
        masks = [torch.from_numpy(np.trunc(mask))[None, None].float() for mask in masks]
        image = to_tensor(crop)
        if amodal == 0:
            image, masks = image.flip(-1), [mask.flip(-1) for mask in masks]
        holes = hole_masks(masks[amodal], masks[visible], masks[other])
        inputs, known = generator_inputs(image, holes)
        filled = composite(inputs[:, :3], holes, hdr.remover.generator(inputs, known))
        affine = crop_affine(hand_box, (SIZE, SIZE))
        results.append((image[0], filled[0], holes, affine, (left, top)))
    return results


@pytest.mark.skipif(
    int(cv2.__version__.split('.')[0]) >= 5,
    reason='compares warps to the digit, which OpenCV 5 rounds otherwise than the release',
)
@torch.no_grad()
def test_pipeline_is_its_stages_in_the_released_order(hdr, batch):
    data, painted = batch
    out = hdr(**data, mode='tensor')
    assert out['present'].tolist() == [[True, True], [True, False]]
    for row, (picture, box) in enumerate(painted):
        for hand, (crop, filled, holes, affine, margin) in enumerate(by_hand(hdr, picture, box)):
            torch.testing.assert_close(out['crops'][row, hand], crop, rtol=0, atol=1e-5)
            torch.testing.assert_close(out['composite'][row, hand], filled, rtol=1e-4, atol=1e-4)
            if row == 0:
                assert min(int(holes.remove.sum()), int(holes.deocclude.sum() + hand)) > 0
            pose = hdr.pose_estimator(filled[None], mode='tensor')
            assert torch.equal(out['uv'][row, hand], pose['uv'][0])
            joints, cells = pose['keypoints_3d'][0], pose['uv'][0].numpy()
            pixels = np.stack([4.0 * cells[:, 1], 4.0 * cells[:, 0]], -1)
            if hand == 1:
                joints = joints * torch.tensor([-1.0, 1.0, 1.0])
                pixels[:, 0] = SIZE - 1 - pixels[:, 0]
            torch.testing.assert_close(out['keypoints_3d'][row, hand], joints, rtol=1e-3, atol=1e-4)
            inverse = cv2.invertAffineTransform(affine.astype(np.float64))
            expected = pixels @ inverse[:, :2].T + inverse[:, 2] - np.array(margin)
            found = out['keypoints_2d'][row, hand].numpy()
            assert found == pytest.approx(expected, abs=1e-3)


@torch.no_grad()
def test_one_batch_is_as_good_as_single_pictures(hdr, batch):
    data, painted = batch
    together = hdr(**data, mode='tensor')
    for row, sample in enumerate(data['data_samples']):
        height, width = sample.img_shape
        alone = hdr(data['inputs'][row : row + 1, :, :height, :width], [sample], mode='tensor')
        for name in ('keypoints_2d', 'keypoints_3d', 'composite', 'boxes'):
            torch.testing.assert_close(alone[name][0], together[name][row], rtol=1e-3, atol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize('mode', ['tensor', 'predict'])
def test_both_hands_of_all_pictures_are_one_batch(hdr, batch, mode):
    data, _ = batch
    sizes = {}
    for name, part in (
        ('segmentor', hdr.segmentor),
        ('generator', hdr.remover.generator),
        ('pose', hdr.pose_estimator.backbone),
    ):
        calls = sizes[name] = []
        part.register_forward_pre_hook(lambda _, inputs, calls=calls: calls.append(len(inputs[0])))
    hdr(**data, mode=mode)
    # Two pictures are two crops to segment and four hands.
    assert sizes == dict(segmentor=[2], generator=[4], pose=[4])


@torch.no_grad()
def test_predictions_and_pictures(hdr, batch):
    data, painted = batch
    camera = dict(K=np.array([[200.0, 0, 65], [0, 200.0, 48], [0, 0, 1]]))
    data['data_samples'][0].set_metainfo(dict(camera=camera, bone_length=(0.09, 0.08)))
    raw = hdr(**data, mode='tensor')
    first, second = hdr(**data, mode='predict')
    hands = first.pred_hands
    assert hands.side.tolist() == [0, 1]
    assert second.pred_hands.present.tolist() == [True, False]
    torch.testing.assert_close(hands.keypoints_2d, raw['keypoints_2d'][0])
    torch.testing.assert_close(hands.keypoints_bone, raw['keypoints_3d'][0])
    bones = (hands.keypoints_3d[:, 9] - hands.keypoints_3d[:, 0]).norm(dim=-1)
    expected = (hands.keypoints_bone[:, 9] - hands.keypoints_bone[:, 0]).norm(dim=-1)
    torch.testing.assert_close(bones, expected * torch.tensor([0.09, 0.08]))
    assert (hands.keypoints_3d[..., 2] > 0).all()
    # Without a camera a hand is about its wrist.
    assert (second.pred_hands.root == 0).all()
    masks = first.pred_sem_seg.data
    assert masks.shape == (4, 96, 130)
    truth = torch.from_numpy(painted[0][0].copy())
    drawn = torch.stack([truth[..., 0] > 127, truth[..., 1] > 127])
    agreement = (masks[[0, 2]].bool() == drawn).float().mean((1, 2))
    assert (agreement > 0.97).all()
    pictures = first.pred_fields
    assert set(pictures.keys()) == {
        f'{side}_{name}' for side in ('right', 'left') for name in ('crop', 'hole', 'restored')
    }
    assert pictures.right_crop.dtype == torch.uint8
    unmirrored = denormalize_images(raw['crops'][0, 1].flip(-1)).round().byte()
    assert torch.equal(pictures.left_crop, unmirrored)
    assert pictures.right_hole.unique().tolist() == [0, 255]
    assert set(masks.unique().tolist()) == {0, 255}


@torch.no_grad()
def test_full_picture_is_segmented_twice(hdr, batch):
    data, painted = batch
    hdr.crop_size = 64
    with_box = hdr(**data, mode='tensor')
    first, second = data['data_samples']
    del first.bbox
    height, width = second.img_shape
    second.set_metainfo(dict(bbox=(0, 0, width, height)))
    refined = hdr(**data, mode='tensor')
    hdr.refine_full_image = False
    once = hdr(**data, mode='tensor')
    for name, out in (('twice', refined), ('once', once)):
        shift = (out['boxes'][:, 0] - with_box['boxes'][:, 0]).abs().max()
        assert 0 < shift < dict(twice=5, once=12)[name]


@torch.no_grad()
@pytest.mark.parametrize(
    ('options', 'changed'),
    [
        (dict(restore='none'), False),
        (dict(restore='direct'), True),
        (dict(deocclude=False, remove=False), False),
        (dict(deocclude=False), True),
        (dict(remove=False), True),
    ],
)
def test_ablations(hdr, batch, options, changed):
    data, _ = batch
    full = hdr(**data, mode='tensor')
    ablated = copy.deepcopy(hdr)
    for name, value in options.items():
        setattr(ablated, name, value)
    out = ablated(**data, mode='tensor')
    assert torch.equal(out['crops'], full['crops'])
    assert (not torch.equal(out['composite'], out['crops'])) == changed
    assert not torch.equal(out['composite'], full['composite'])


def test_pose_learns_on_restored_hands_and_the_rest_stands_still(hdr, batch):
    data, painted = batch
    model = MODELS.build(small_hdr()).train()
    model.segmentor = hdr.segmentor
    assert not model.remover.training
    assert model.pose_estimator.training
    for sample, sides in zip(data['data_samples'], ([0, 1], [0]), strict=True):
        n = len(sides)
        sample.gt_hands = HandInstances(
            side=torch.tensor(sides),
            keypoints_2d=torch.rand(n, 21, 2) * 40 + 30,
            keypoints_3d=torch.randn(n, 21, 3) * 0.1,
            keypoint_valid=torch.ones(n, 21),
        )
    losses = model(**data, mode='loss')
    assert set(losses) == {'loss_heatmap', 'loss_delta', 'loss_location'}
    sum(losses.values()).backward()
    assert all(p.grad is not None for p in model.pose_estimator.parameters())
    assert all(p.grad is None and not p.requires_grad for p in model.remover.parameters())


def test_targets_go_through_the_crop_of_their_hand(hdr, batch, monkeypatch):
    data, _ = batch
    seen = {}
    monkeypatch.setattr(
        hdr.pose_estimator,
        'hand_losses',
        lambda inputs, uv, xyz, valid: seen.update(uv=uv, xyz=xyz, valid=valid) or {},
    )
    with torch.no_grad():
        out = hdr(**data, mode='tensor')
    joints = torch.randn(2, 21, 3)
    for row, sample in enumerate(data['data_samples']):
        sides = [0, 1] if row == 0 else [0]
        sample.gt_hands = HandInstances(
            side=torch.tensor(sides),
            keypoints_2d=out['keypoints_2d'][row, sides],
            keypoints_3d=joints[sides],
            keypoint_valid=torch.ones(len(sides), 21),
        )
    hdr(**data, mode='loss')
    expected = out['uv'].flip(-1).flatten(0, 1) * 4.0
    torch.testing.assert_close(seen['uv'][:3], expected[:3], rtol=0, atol=2e-3)
    assert seen['valid'].sum(1).tolist() == [21, 21, 21, 0]
    torch.testing.assert_close(seen['xyz'][1], joints[1] * torch.tensor([-1.0, 1, 1]))


def test_stages_are_loaded_from_their_own_checkpoints(tmp_path):
    torch.manual_seed(1)
    config = small_hdr()
    expected = {}
    for name in ('segmentor', 'remover', 'pose_estimator'):
        part = MODELS.build(config[name])
        torch.save(dict(state_dict=part.state_dict()), tmp_path / f'{name}.pth')
        expected |= {f'{name}.{key}': value for key, value in part.state_dict().items()}
        checkpoint = str(tmp_path / f'{name}.pth')
        config[name]['init_cfg'] = dict(type='Pretrained', checkpoint=checkpoint)
    torch.manual_seed(2)
    model = MODELS.build(config)
    model.init_weights()
    assert model.state_dict().keys() == expected.keys()
    assert all(torch.equal(value, expected[key]) for key, value in model.state_dict().items())


def test_wrong_options_are_refused():
    with pytest.raises(HandConfigError, match='restore'):
        MODELS.build(dict(type='HDR', restore='all'))
    with pytest.raises(HandConfigError, match='no stage'):
        MODELS.build(dict(type='HDR', frozen=('backbone',)))


def test_holes_survive_the_generators_inputs():
    masks = HoleMasks(*(torch.rand(4, 2, 1, 8, 8) > 0.5).float())
    image, known = generator_inputs(torch.rand(2, 3, 8, 8), masks)
    assert image.shape == known.shape == (2, 8, 8, 8)
    assert torch.equal(1 - known[:, :1], masks.deocclude)
    assert torch.equal(1 - known[:, 7:], masks.remove)

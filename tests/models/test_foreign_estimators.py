"""Heads of mmhand in the estimators of mmpose and mmsegmentation: what is drop-in and what is not."""

import pytest
import torch
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData

from mmhand.registry import MODELS
from mmhand.structures import HandDataSample, HandInstances


def hand_sample():
    sample = HandDataSample(metainfo={'hand_type': 'right', 'hand_type_valid': True})
    sample.gt_hands = HandInstances(
        side=torch.arange(2),
        keypoints_2d=torch.rand(2, 21, 2) * torch.tensor([48.0, 32.0]),
        keypoints_3d=0.9 + 0.15 * torch.rand(2, 21, 3),
        keypoint_valid=torch.tensor([[1.0], [0.0]]).expand(2, 21).clone(),
    )
    return sample


@pytest.fixture
def pose_net():
    init_default_scope('mmhand')
    head = {
        'type': 'mmhand.InterNetHead',
        'keypoint_head_cfg': {
            'in_channels': 512,
            'out_channels': 21 * 8,
            'depth_size': 8,
            'deconv_out_channels': (16, 16, 16),
            'deconv_kernel_sizes': (4, 4, 4),
        },
        'root_head_cfg': {'in_channels': 512, 'heatmap_size': 8, 'hidden_dims': (12,)},
        'hand_type_head_cfg': {'in_channels': 512, 'num_labels': 2, 'hidden_dims': (12,)},
        'codec': {
            'type': 'InterNetVolume',
            'input_size': (48, 32),
            'heatmap_size': (16, 8, 8),
            'root_bins': 8,
        },
    }
    head['codec']['input_size'] = (64, 32)
    backbone = {'type': 'mmpose.ResNet', 'depth': 18}
    return MODELS.build({'type': 'mmpose.TopdownPoseEstimator', 'backbone': backbone, 'head': head})


def test_internet_head_trains_in_topdown_pose_estimator(pose_net):
    inputs, samples = torch.rand(2, 3, 32, 64), [hand_sample(), hand_sample()]
    losses = pose_net(inputs, samples, mode='loss')
    assert {'loss_heatmap', 'loss_root_depth', 'loss_hand_type'} <= set(losses)
    total, _ = pose_net.parse_losses(losses)
    total.backward()
    assert torch.isfinite(total)
    assert pose_net.backbone.conv1.weight.grad.abs().sum() > 0


def test_internet_head_predicts_both_hands_from_its_features(pose_net):
    """mmpose's own packing knows one hand a box; the head's answer holds two."""
    pose_net.eval()
    with torch.no_grad():
        feats = pose_net.extract_feat(torch.rand(2, 3, 32, 64))
        found = pose_net.head.predict(feats, [], {})
    assert found['keypoints_2d'].shape == (2, 2, 21, 2)


@pytest.fixture
def mask_net():
    init_default_scope('mmhand')
    return MODELS.build(
        {
            'type': 'mmseg.EncoderDecoder',
            'backbone': {
                'type': 'mmseg.MixVisionTransformer',
                'embed_dims': 8,
                'num_layers': [1, 1, 1, 1],
                'num_heads': [1, 2, 4, 8],
            },
            'decode_head': {
                'type': 'mmhand.AmodalSegHead',
                'in_channels': [8, 16, 32, 64],
                'channels': 16,
            },
            'test_cfg': {'mode': 'whole'},
        }
    )


def test_amodal_head_trains_in_encoder_decoder(mask_net):
    labels = torch.zeros(4, 64, 64, dtype=torch.uint8)
    labels[:, :20] = 1
    samples = [HandDataSample(gt_sem_seg=PixelData(data=labels)) for _ in range(2)]
    losses = mask_net(torch.rand(2, 3, 64, 64), samples, mode='loss')
    assert {f'decode.loss_ce_{branch}' for branch in range(4)} <= set(losses)
    total, _ = mask_net.parse_losses(losses)
    total.backward()
    assert torch.isfinite(total)


def test_amodal_head_answers_four_masks_from_its_features(mask_net):
    """mmsegmentation's own packing knows one mask a picture; the head's answer holds four."""
    mask_net.eval()
    with torch.no_grad():
        logits = mask_net.decode_head(mask_net.extract_feat(torch.rand(2, 3, 64, 64)))
        masks = mask_net.decode_head.predict_masks(logits, (64, 64))
    assert logits.shape[:3] == (2, 4, 2)
    assert masks.shape == (2, 4, 64, 64)

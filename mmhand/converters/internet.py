"""InterNet (ECCV 2020) from its authors, from mmpose, and as Two-Hand's pre-training:
methods/internet.md#checkpoints."""

import re

from .base import ConversionMethod, Rule, register_method

#: The authors' two deconvolution stacks.
_SIDES = {'1': 'right_hand_head', '2': 'left_hand_head'}


def _deconv(match: re.Match) -> str:
    return f'head.{_SIDES[match[1]]}.deconv_layers.{match[2]}'


def _final(match: re.Match) -> str:
    return f'head.{_SIDES[match[1]]}.final_layer.{match[2]}'


#: The authors' names; Two-Hand-Shape-Pose has them under ``heatmap_predictor.``.
AUTHORS_RULES: tuple[Rule, ...] = (
    (r'backbone_net\.resnet\.(.*)', r'backbone.\1'),
    (r'pose_net\.joint_deconv_([12])\.(.*)', _deconv),
    (r'pose_net\.joint_conv_([12])\.0\.(.*)', _final),
    (r'pose_net\.root_fc\.(.*)', r'head.root_head.fc.\1'),
    (r'pose_net\.hand_fc\.(.*)', r'head.hand_type_head.fc.\1'),
)

#: mmpose 1.x, and 0.x where the head was called ``keypoint_head``.
_MMPOSE_RULES: tuple[Rule, ...] = (
    (r'(?:keypoint_)?head\.(.*\.)?final_layer\.0\.(.*)', r'head.\1final_layer.\2'),
    (r'(?:keypoint_)?head\.(.*)', r'head.\1'),
    (r'backbone\.(.*)', r'backbone.\1'),
)

register_method(
    ConversionMethod(
        'internet',
        "InterNet snapshot_*.pth.tar of its authors or Two-Hand's, or mmpose's res50_intehand3d*",
        model='internet_r50_interhand',
        rename=(*AUTHORS_RULES, *_MMPOSE_RULES),
    )
)

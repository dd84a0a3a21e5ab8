"""Data structures: samples, hands, joint orders, boxes."""

from .bbox import (
    bbox_center_size,
    bbox_from_center_size,
    bbox_from_points,
    crop_affine,
    invert_affine,
    process_bbox_handoccnet,
    scale_bbox,
    square_bbox_interhand,
    squarify_bbox,
    transform_points,
    xywh2xyxy,
    xyxy2xywh,
)
from .hand_batch import HandBatch, sample_name, stack_hand_types, stack_hands
from .hand_camera import DepthCube, HandCamera
from .hand_data_sample import HandDataSample
from .hand_estimate import HandEstimate
from .hand_instances import HandInstances
from .hand_masks import HAND_MASK_PLANES
from .joint_sets import (
    CANONICAL,
    FINGERS,
    JointSet,
    convert_joints,
    get_joint_set,
    joint_indices,
    parent_joint,
    register_joint_set,
    tip_joints,
)
from .sides import HAND_TYPES, SIDES

__all__ = [
    'CANONICAL',
    'DepthCube',
    'FINGERS',
    'HAND_MASK_PLANES',
    'HAND_TYPES',
    'HandBatch',
    'HandCamera',
    'HandDataSample',
    'HandEstimate',
    'HandInstances',
    'JointSet',
    'SIDES',
    'bbox_center_size',
    'bbox_from_center_size',
    'bbox_from_points',
    'convert_joints',
    'crop_affine',
    'get_joint_set',
    'invert_affine',
    'joint_indices',
    'parent_joint',
    'process_bbox_handoccnet',
    'register_joint_set',
    'sample_name',
    'scale_bbox',
    'square_bbox_interhand',
    'squarify_bbox',
    'stack_hand_types',
    'stack_hands',
    'tip_joints',
    'transform_points',
    'xywh2xyxy',
    'xyxy2xywh',
]

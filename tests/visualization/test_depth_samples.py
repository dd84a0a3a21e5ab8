"""Samples of depth sets as pictures, with a mesh in their joints."""

import numpy as np
import torch

from mmhand.cameras import depth_camera
from mmhand.datasets.transforms import CubeCrop, PackHandInputs
from mmhand.hand_models import OpenHand
from mmhand.synthesis.depth_scene import render_depth
from mmhand.visualization.depth_samples import draw_depth_sample, fit_mesh, mesh_fitter


def test_a_mesh_lies_in_the_joints_of_a_sample():
    torch.manual_seed(0)
    hand = OpenHand()
    pose = 0.2 * torch.randn(1, 48)
    with torch.no_grad():
        out = hand(pose[:, :3], pose[:, 3:], torch.zeros(1, 10))
    shift = np.array([0, 0, 0.6]) - out.joints[0].mean(0).numpy()
    vertices, joints = out.vertices[0].numpy() + shift, out.joints[0].numpy() + shift
    fitter = mesh_fitter('OpenHand')
    fewer = joints.copy()
    fewer[[4, 8]] = np.nan
    for known in (joints, fewer):
        found = fit_mesh(fitter, known, 'canonical')
        assert np.linalg.norm(found - vertices, axis=1).mean() < 0.005
    assert fit_mesh(fitter, np.full((21, 3), np.nan), 'canonical') is None

    camera = depth_camera('nyu')
    results = dict(
        depth=render_depth(vertices, hand.faces.numpy(), camera),
        camera='nyu',
        crop_center=joints.mean(0),
        crop_cube=np.full(3, 0.25),
        keypoints_3d=np.float32(joints),
        keypoint_valid=np.ones(21, np.float32),
        joint_set='canonical',
        hand_type='right',
        sample_id='a',
    )
    packed = PackHandInputs()(CubeCrop().transform(results))
    crop, sample = packed['inputs'][0].numpy(), packed['data_samples']
    plain = draw_depth_sample(crop, sample, cloud=False)
    meshed = draw_depth_sample(crop, sample, cloud=False, fitter=fitter)
    assert plain.shape == (384, 384, 3)
    assert meshed.shape == (384, 768, 3)
    assert (meshed[:, :384] == plain).all()
    # The mesh covers what the crop shows, and little else.
    shown = np.kron(crop < 0.99, np.ones((3, 3), bool))
    panel = meshed[:, 384:].astype(int)
    coloured = np.abs(panel[..., 0] - panel[..., 2]) > 20
    assert (coloured & shown).sum() > 0.8 * shown.sum()
    assert (coloured & ~shown).sum() < 0.2 * shown.sum()
    assert draw_depth_sample(crop, sample, fitter=fitter).shape == (384, 768 + 3 * 384, 3)

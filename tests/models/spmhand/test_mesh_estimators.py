"""What SPMHand and HandOccNet do around their networks: roots, stages, options, refusals."""

import json
from pathlib import Path

import pytest
import torch
from mmengine.structures import PixelData

from mmhand.apis import HandInferencer, init_model
from mmhand.cameras import project
from mmhand.models.estimators.single_hand_mesh_estimator import HandOutputs
from mmhand.registry import MODELS
from mmhand.structures import HandDataSample, HandEstimate, HandInstances
from mmhand.utils.errors import HandConfigError

K = torch.tensor([[300.0, 0, 64], [0, 300, 64], [0, 0, 1]])


@pytest.fixture(scope='module')
def model():
    torch.manual_seed(0)
    return init_model('spmhand_r18_cpu_ho3d')


def annotated(root, hand_model='OpenHand'):
    sample = HandDataSample(
        metainfo=dict(sample_id='7', hand_model=hand_model, camera=dict(K_crop=K.numpy()))
    )
    sample.gt_hands = HandInstances(
        side=torch.zeros(1, dtype=torch.int64),
        root=root[None],
        keypoints_2d=torch.full((1, 21, 2), 64.0),
        pose=torch.zeros(1, 48),
        betas=torch.zeros(1, 10),
    )
    planes = torch.zeros(4, 128, 128, dtype=torch.uint8)
    planes[:2, 40:90, 40:90] = 255
    sample.gt_sem_seg = PixelData(data=planes)
    return sample


def test_the_annotated_root_is_taken_where_there_is_one(model):
    root = torch.tensor([0.1, -0.2, 0.7])
    images = torch.rand(2, 3, 128, 128)
    bare = HandDataSample(metainfo=dict(camera=dict(K_crop=K.numpy())))
    with torch.no_grad():
        known, fitted = model(images, [annotated(root), bare], mode='predict')
    torch.testing.assert_close(known.pred_hands.keypoints_3d[0, 0], root)
    torch.testing.assert_close(known.pred_hands.root[0], root)
    hand = fitted.pred_hands
    # Untrained pixels lie all in the middle; a root is found only if they explain some hand.
    assert torch.isfinite(hand.keypoints_3d).all()


def test_a_fitted_hand_projects_onto_its_pixels(model):
    estimate = model.tensor(torch.rand(1, 3, 128, 128))['stages'][-1]
    joints = (estimate['joints'] - estimate['joints'][:, :1]).detach()
    root = torch.tensor([[0.02, 0.03, 0.5]])
    pixels = project(joints + root[:, None], K[None])
    bare = HandDataSample(metainfo=dict(camera=dict(K_crop=K.numpy())))
    outputs = HandOutputs(HandEstimate(joints, pixels=pixels))
    found = model.place(outputs, torch.rand(1, 3, 128, 128), [bare])
    torch.testing.assert_close(found.joints[:, 0], root, atol=1e-4, rtol=0)


def test_parameters_of_another_hand_model_are_refused(model):
    with pytest.raises(HandConfigError, match='parameters of MANO, the model poses OpenHand'):
        model(torch.rand(1, 3, 128, 128), [annotated(torch.ones(3), 'MANO')], mode='loss')


def test_losses_are_the_releases_stages(model):
    losses = model(torch.rand(1, 3, 128, 128), [annotated(torch.tensor([0, 0, 0.5]))], mode='loss')
    names = ('vertices', 'joints', 'rotmats', 'betas')
    expected = {
        f'{stage}loss_{n}' for stage in ('stage0.', 'stage1.', 'stage2.', '') for n in names
    }
    # The reduced config also trains the heat maps, which the release does not.
    expected |= {'visible.loss_bce_dice', 'whole.loss_bce_dice', 'loss_joints_img', 'loss_heatmaps'}
    assert set(losses) == expected


def test_joints_that_are_not_marked_count_for_nothing(model):
    images = torch.rand(1, 3, 128, 128)
    sample, wild = (annotated(torch.tensor([0, 0, 0.5])) for _ in range(2))
    plain = model(images, [sample], mode='loss')
    sample.gt_hands.keypoint_valid = torch.ones(1, 21)
    marked = model(images, [sample], mode='loss')
    for each, x in ((sample, 3.0), (wild, 1e6)):
        each.gt_hands.keypoints_2d[0, 5:] = x
        each.gt_hands.keypoint_valid = torch.ones(1, 21)
        each.gt_hands.keypoint_valid[0, 5:] = 0
    near, far = (model(images, [each], mode='loss') for each in (sample, wild))
    for name in ('loss_joints_img', 'loss_heatmaps'):
        torch.testing.assert_close(plain[name], marked[name])
        torch.testing.assert_close(near[name], far[name])
    assert near['loss_joints_img'] != plain['loss_joints_img']


def test_samples_without_parameters_are_held_to_their_2d_joints():
    torch.manual_seed(0)
    options = {'model.loss_2d': dict(type='WeakReprojectionLoss')}
    model = init_model('spmhand_r18_cpu_ho3d', cfg_options=options)
    images = torch.rand(2, 3, 128, 128)
    known, flat = (annotated(torch.tensor([0, 0, 0.5])) for _ in range(2))
    flat.gt_hands.keypoints_2d = 128 * torch.rand(1, 21, 2)
    del flat.gt_hands.pose, flat.gt_hands.betas
    both = model(images, [known, flat], mode='loss')
    alone = model(images[:1], [known], mode='loss')
    assert set(both) == set(alone)
    for name in ('loss_rotmats', 'stage0.loss_vertices'):
        torch.testing.assert_close(both[name], alone[name])
    assert alone['loss_reprojection'] == 0 < both['loss_reprojection']
    only = model(images[1:], [flat], mode='loss')
    assert 'loss_rotmats' not in only
    torch.testing.assert_close(only['loss_reprojection'], both['loss_reprojection'])
    only['loss_reprojection'].backward()
    assert model.mano_head.pose.weight.grad.abs().sum() > 0


def test_stage_one_computes_and_trains_only_the_masks():
    torch.manual_seed(0)
    model = init_model('spmhand_r18_cpu_ho3d', cfg_options={'model.segmentation_only': True})
    images = torch.rand(1, 3, 128, 128)
    with torch.no_grad():
        alone, whole = model.mask_logits(images), model.tensor(images)
    torch.testing.assert_close(alone['visible'], whole['visible_logits'])
    torch.testing.assert_close(alone['whole'], whole['whole_logits'])
    losses = model(images, [annotated(torch.ones(3))], mode='loss')
    assert set(losses) == {'visible.loss_bce_dice', 'whole.loss_bce_dice'}


def test_silhouette_loss_moves_the_mesh():
    torch.manual_seed(0)
    options = {'model.loss_silhouette': dict(type='SilhouetteLoss', loss_weight=3.0)}
    model = init_model('spmhand_r18_cpu_ho3d', cfg_options=options)
    sample = annotated(torch.tensor([0.0, 0.0, 0.5]))
    losses = model(torch.rand(1, 3, 128, 128), [sample], mode='loss')
    losses['loss_silhouette'].backward()
    gradient = model.mano_head.pose.weight.grad
    assert torch.isfinite(gradient).all()
    assert gradient.abs().sum() > 0
    # A hand that fills the mask exactly costs next to nothing, and less than one that does not.
    loss = MODELS.build(dict(type='SilhouetteLoss', loss_weight=1.0))
    stage = model.mano_head(torch.randn(1, 64))
    from mmhand.renderers import rasterize

    vertices = stage.vertices - stage.joints[:, :1] + torch.tensor([0.0, 0.0, 0.5])
    mask = rasterize(vertices, model.hand_model.faces, K[None], (128, 128)).mask
    sample.gt_sem_seg.data[0] = mask[0].to(torch.uint8) * 255
    right = loss(stage, model.hand_model.faces, [sample])
    sample.gt_hands.root[0, 0] += 0.05
    wrong = loss(stage, model.hand_model.faces, [sample])
    assert right < 0.01 < wrong


@pytest.mark.parametrize('folder', ['freihand', 'onehand10k'])
def test_a_picture_goes_to_overlay_mesh_and_json(model, realdata, tmp_path, folder):
    """Real pictures with their annotated boxes."""
    table = json.loads((realdata / folder / f'test_{folder}.json').read_text())
    image, annotation = table['images'][0], table['annotations'][0]
    assert image['id'] == annotation['image_id']
    picture = realdata / folder / Path(image['file_name']).name
    result = HandInferencer(model)(picture, bboxes=[annotation['bbox']], out_dir=tmp_path)[0]
    hand = result.samples[0].pred_hands
    assert hand.vertices.shape == (1, model.hand_model.num_verts, 3)
    assert (hand.vertices[..., 2] > 0).all()
    assert {kind for kind, files in result.files.items() if files} >= {'overlay', 'json', 'mesh'}
    content = json.loads(result.files['json'][0].read_text())
    assert len(content['hands'][0]['keypoints_3d']) == 21
    vertices = [
        line for line in result.files['mesh'][0].read_text().splitlines() if line[:2] == 'v '
    ]
    assert len(vertices) == model.hand_model.num_verts

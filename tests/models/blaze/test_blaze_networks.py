"""The open networks give what LiteRT gives on the published files."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from mmhand.models.blaze import (
    BlazeHand,
    BlazeHandTrunk,
    BlazePalm,
    decode_palms,
    load_open_weights,
    open_weights,
    palm_anchors,
)
from mmhand.registry import MODELS
from mmhand.structures import HandDataSample, HandInstances
from mmhand.utils.errors import HandConfigError, HandDataError, HandFileError


def smooth_picture(seed, size):
    """(1, 3, size, size) of cosines, in [0, 1]."""
    draw = np.random.RandomState(seed)
    grid = np.arange(size) / size
    y, x = np.meshgrid(grid, grid, indexing='ij')
    image = np.zeros((3, size, size))
    for channel in range(3):
        for _ in range(6):
            a, b, phase = draw.uniform(-20, 20, 3)
            image[channel] += np.cos(a * x + b * y + phase)
    return torch.from_numpy((0.5 + image / 12).astype(np.float32))[None]


@pytest.fixture(scope='module')
def golden(repo):
    return json.loads((repo / 'tests/data/blaze_golden.json').read_text())


@pytest.fixture(scope='module')
def hand():
    return BlazeHand().eval()


@pytest.fixture(scope='module')
def palm():
    return BlazePalm().eval()


@pytest.mark.parametrize('seed', [0, 1])
def test_hand_network_gives_litert_numbers(hand, golden, seed):
    with torch.inference_mode():
        found = hand(smooth_picture(seed, 224), mode='tensor')
    wanted = golden[f'hand_{seed}']
    assert set(found) == set(wanted)
    for name, tolerance in dict(pixels=2e-3, depth=2e-3, joints=3e-6).items():
        np.testing.assert_allclose(found[name][0], wanted[name], atol=tolerance)
    for name in ('presence', 'right'):
        np.testing.assert_allclose(found[name][0], wanted[name], atol=1e-5)


@pytest.mark.parametrize('seed', [0, 1])
def test_palm_network_gives_litert_numbers(palm, golden, seed):
    with torch.inference_mode():
        boxes, logits = palm(smooth_picture(seed, 192))
    assert boxes.shape == (1, 2016, 18)
    assert logits.shape == (1, 2016)
    wanted = golden[f'palm_{seed}']
    np.testing.assert_allclose(boxes[0, ::253], wanted['boxes'], atol=2e-3)
    np.testing.assert_allclose(logits[0, ::31], wanted['logits'], atol=1e-3)


@pytest.mark.parametrize('network', ['hand', 'palm'])
def test_outputs_are_those_of_litert_on_the_published_file(request, network):
    """Needs the files: MMHAND_TFLITE_DIR is a folder with both."""
    interpreter = pytest.importorskip('ai_edge_litert.interpreter')
    name = dict(hand='hand_landmark_full', palm='palm_detection_full')[network]
    path = Path(os.environ.get('MMHAND_TFLITE_DIR', 'absent')) / f'{name}.tflite'
    if not path.is_file():
        pytest.skip('MMHAND_TFLITE_DIR names no folder with the published files')
    lite = interpreter.Interpreter(str(path), num_threads=1)
    lite.allocate_tensors()
    entry = lite.get_input_details()[0]
    model = request.getfixturevalue(network)
    picture = smooth_picture(5, int(entry['shape'][1]))
    lite.set_tensor(entry['index'], picture.permute(0, 2, 3, 1).contiguous().numpy())
    lite.invoke()
    theirs = sorted(
        (lite.get_tensor(out['index']).ravel() for out in lite.get_output_details()),
        key=lambda values: (values.size, np.abs(values).max()),
    )
    with torch.inference_mode():
        if network == 'palm':
            ours = model(picture)
        else:
            found = model.network(picture)
            located = torch.cat((found.pixels, found.depth[..., None]), -1)
            ours = (located, found.joints, found.presence, found.right)
    ours = sorted((o.numpy().ravel() for o in ours), key=lambda v: (v.size, np.abs(v).max()))
    for mine, wanted in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, wanted, atol=2e-5 * max(np.abs(wanted).max(), 1))


def test_trunk_levels_have_the_stated_sizes():
    trunk = BlazeHandTrunk(out_indices=range(7), pretrained='open')
    levels = trunk(torch.rand(2, 3, 224, 224))
    sizes = [112, 56, 28, 14, 7, 7]
    assert [tuple(level.shape) for level in levels] == [
        *((2, channels, size, size) for channels, size in zip(trunk.CHANNELS, sizes, strict=False)),
        (2, 1152),
    ]
    assert torch.equal(levels[6], levels[5].mean((2, 3)))


def test_trunk_is_a_backbone_that_starts_open_and_can_be_frozen(hand):
    config = dict(type='mmhand.BlazeHandTrunk', out_indices=(3, 4), pretrained='open', frozen=True)
    trunk = MODELS.build(config)
    trunk.init_weights()
    for key, value in trunk.state_dict().items():
        assert torch.equal(value, hand.backbone.state_dict()[key])
    assert not any(weight.requires_grad for weight in trunk.parameters())
    odd = trunk(torch.rand(1, 3, 130, 96))
    assert [tuple(level.shape) for level in odd] == [(1, 112, 9, 6), (1, 192, 5, 3)]
    with pytest.raises(HandConfigError, match='levels are 0 to 6'):
        BlazeHandTrunk(out_indices=(7,))
    with pytest.raises(HandConfigError, match='it is open or None'):
        BlazeHandTrunk(pretrained='imagenet')


def test_hand_predicts_and_learns():
    torch.manual_seed(0)
    model = BlazeHand()
    samples = []
    for _ in range(2):
        truth = HandInstances(
            side=torch.tensor([1]),
            keypoints_2d=torch.rand(1, 21, 2) * 224,
            keypoints_3d=torch.randn(1, 21, 3) * 0.05,
        )
        samples.append(HandDataSample(gt_hands=truth))
    data = dict(
        inputs=[torch.randint(0, 255, (3, 224, 224), dtype=torch.uint8) for _ in range(2)],
        data_samples=samples,
    )
    losses = model(**model.data_preprocessor(data), mode='loss')
    assert set(losses) == {'loss_pixels', 'loss_joints', 'loss_side'}
    sum(losses.values()).backward()
    without = {name for name, p in model.named_parameters() if p.grad is None}
    assert without == {'presence_head.weight', 'presence_head.bias'}
    found = model.eval().test_step(data)[0].pred_hands
    assert found.keypoints_2d.shape == (1, 21, 2)
    assert not found.keypoints_3d[0, 0].any()
    assert set(found.side.tolist()) <= {0, 1}
    with pytest.raises(HandDataError, match='no gt_hands'):
        model(torch.rand(1, 3, 224, 224), [HandDataSample()], mode='loss')


def test_anchors_and_decoding():
    anchors = palm_anchors()
    assert anchors.shape == (2016, 2)
    np.testing.assert_allclose(anchors[[0, 1, 2, 1152]], [[4, 4], [4, 4], [12, 4], [8, 8]])
    boxes, logits = np.zeros((2016, 18), np.float32), np.full(2016, -9.0, np.float32)
    # Two anchors of one palm and a palm elsewhere.
    boxes[[0, 1], 2:4] = 40
    boxes[1, 0] = 4
    boxes[1500, 2:4] = 30
    boxes[1500, 4:6] = (3, 5)
    logits[[0, 1, 1500]] = (2, 2, 1)
    found = decode_palms(boxes, logits, 0.5)
    assert len(found.scores) == 2
    np.testing.assert_allclose(found.scores, 1 / (1 + np.exp([-2, -1])))
    np.testing.assert_allclose(found.boxes[0], (-14, -16, 40, 40))
    np.testing.assert_allclose(found.points[1, 0], anchors[1500] + (3, 5))
    assert decode_palms(boxes, np.full(2016, -9.0), 0.5).points.shape == (0, 7, 2)


def test_damaged_weights_are_told_in_one_line(tmp_path, monkeypatch):
    broken = tmp_path / 'x.safetensors'
    broken.write_bytes(open_weights.OPEN_WEIGHTS['blaze_palm'].read_bytes()[:1000])
    monkeypatch.setitem(open_weights.OPEN_WEIGHTS, 'blaze_palm', broken)
    with pytest.raises(HandFileError, match='open weights cannot be read'):
        BlazePalm()
    monkeypatch.setitem(
        open_weights.OPEN_WEIGHTS, 'blaze_palm', open_weights.OPEN_WEIGHTS['blaze_hand']
    )
    with pytest.raises(HandFileError, match='does not fit BlazePalm'):
        BlazePalm()
    with pytest.raises(HandConfigError, match='no open weights'):
        load_open_weights(torch.nn.Linear(1, 1), 'nothing')

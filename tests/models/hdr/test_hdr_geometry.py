"""Crops (methods/hdr.md#crops-and-masks) against a picture-by-picture rendition with OpenCV."""

import cv2
import numpy as np
import pytest
import torch

from mmhand.models.hdr.affine_warp import SampleGrid, invert_affines, warp_images
from mmhand.models.hdr.deocclusion import dilate, hole_masks
from mmhand.models.hdr.hdr_geometry import (
    Canvas,
    PlacedMasks,
    crop_affines,
    hand_boxes,
    rough_boxes,
    squarify,
)
from mmhand.structures import crop_affine

SIZE = 256

#: The release warps with OpenCV 4, which rounds the places of pixels to a 32nd; OpenCV 5 does not.
OPENCV_5 = int(cv2.__version__.split('.')[0]) >= 5


def canvas_of(*pictures):
    height = max(picture.shape[0] for picture in pictures)
    width = max(picture.shape[1] for picture in pictures)
    images = torch.zeros(len(pictures), 3, height, width)
    for index, picture in enumerate(pictures):
        h, w = picture.shape[:2]
        images[index, :, :h, :w] = torch.from_numpy(picture).permute(2, 0, 1)
    sizes = torch.tensor([picture.shape[:2] for picture in pictures])
    return Canvas(images, sizes[:, 1], sizes[:, 0])


def pad(picture):
    h, w = picture.shape[:2]
    border = int(0.5 * h), int(0.5 * h), int(0.5 * w), int(0.5 * w)
    return cv2.copyMakeBorder(picture, *border, cv2.BORDER_CONSTANT, value=(0, 0, 0))


def warp(picture, box):
    return cv2.warpAffine(picture, crop_affine(np.array(box), (SIZE, SIZE)), (SIZE, SIZE))


def planes_of(masks, box, shape):
    """Masks of a crop as planes of the padded picture, built from pixel coordinates."""
    x, y, w, h = box
    planes = np.zeros((len(masks), *shape))
    for plane, mask in zip(planes, masks, strict=True):
        rows, columns = np.nonzero(cv2.resize(mask, (w, h), interpolation=cv2.INTER_NEAREST))
        rows, columns = rows + y, columns + x
        inside = (rows >= 0) & (rows < shape[0]) & (columns >= 0) & (columns < shape[1])
        plane[rows[inside], columns[inside]] = 1
    return planes


def test_boxes_of_the_released_sample():
    canvas = Canvas(torch.zeros(1, 3, 480, 640), torch.tensor([640]), torch.tensor([480]))
    square = rough_boxes(torch.tensor([[249.0, 100.0, 139.0, 122.0]]), canvas)
    assert square.tolist() == [[499, 262, 278, 278]]
    affine = crop_affines(square, SIZE)
    expected = [[0.920863330, 0, -459.510803], [0, 0.920863330, -241.266190]]
    assert affine[0].numpy() == pytest.approx(np.array(expected), rel=1e-8, abs=1e-12)
    inverse = [[1.0859375, 0, 499], [0, 1.0859375, 262]]
    assert invert_affines(affine)[0].numpy() == pytest.approx(
        np.array(inverse), rel=1e-7, abs=1e-12
    )


def test_turned_crop_of_the_specification():
    affine = crop_affine(np.array([60.0, 80.0, 80.0, 80.0]), (SIZE, SIZE), scale=1.1, rot_deg=30)
    expected = [[2.5193467, 1.4545455, -298.48010], [-1.4545455, 2.5193467, -28.867050]]
    assert affine == pytest.approx(np.array(expected), rel=1e-6)


@pytest.mark.parametrize('seed', range(4))
def test_affines_of_a_batch_are_those_of_single_boxes(seed):
    rng = np.random.default_rng(seed)
    boxes = np.concatenate([rng.uniform(-300, 900, (50, 2)), rng.uniform(1, 900, (50, 2))], 1)
    ours = crop_affines(torch.from_numpy(boxes), SIZE).numpy()
    theirs = np.stack([crop_affine(box, (SIZE, SIZE)) for box in boxes])
    assert ours == pytest.approx(theirs, rel=2e-7, abs=1e-9)


@pytest.mark.parametrize('seed', range(4))
def test_warp_is_opencvs_to_the_digit(seed):
    rng = np.random.default_rng(seed)
    picture = rng.integers(0, 256, (211, 173, 3), dtype=np.uint8)
    box = np.array([*rng.uniform(-40, 120, 2), *rng.uniform(30, 250, 2)])
    affine = crop_affine(box, (SIZE, SIZE), rng.uniform(0.7, 1.3), rng.uniform(-90, 90))
    grid = SampleGrid(torch.from_numpy(affine)[None], (SIZE, SIZE))
    none = torch.zeros(1, dtype=torch.long)
    ours = warp_images(torch.from_numpy(picture).permute(2, 0, 1)[None].float(), grid, (none, none))
    theirs = cv2.warpAffine(picture, affine, (SIZE, SIZE))
    if OPENCV_5:
        # Of noise, whose neighbours differ by 85 grey levels on average.
        assert np.abs(ours[0].permute(1, 2, 0).numpy() - theirs).mean() < 2
        pytest.skip('to the digit only with OpenCV 4, whose warp the release used')
    assert np.array_equal(ours[0].permute(1, 2, 0).numpy(), theirs)


def test_mask_box_and_eroded_crop_of_the_specification():
    mask = torch.zeros(1, 1, 32, 32)
    for row, column in ((3, 4), (10, 20), (5, 9)):
        mask[0, 0, row, column] = 1
    whole = torch.tensor([[0, 0, 32, 32]])
    boxes, found = PlacedMasks(mask, whole, torch.tensor([[32, 32]])).bounding_boxes()
    assert found.all()
    assert boxes[0, 0].tolist() == [4, 3, 16, 7]
    assert squarify(boxes, 2.0)[0, 0].tolist() == [-4, -9.5, 32, 32]
    plane = torch.zeros(1, 1, 1280, 1280)
    plane[..., 400:600, 500:700] = 1
    box = torch.tensor([[0, 0, 1280, 1280]])
    placed = PlacedMasks(plane, box, torch.tensor([[1280, 960]]))
    grid = SampleGrid(crop_affines(torch.tensor([[480, 380, 240, 240]]), SIZE), (SIZE, SIZE))
    assert int(placed.crop(grid).sum()) == 44_944


def random_masks(rng, count):
    """Blobs of a crop, some of them touching its border."""
    masks = np.zeros((count, SIZE, SIZE), np.uint8)
    for mask in masks:
        center = tuple(int(v) for v in rng.integers(20, 236, 2))
        axes = tuple(int(v) for v in rng.integers(15, 90, 2))
        cv2.ellipse(mask, center, axes, float(rng.uniform(0, 180)), 0, 360, 1, -1)
    return masks


@pytest.mark.skipif(OPENCV_5, reason='compares warps to the digit, which OpenCV 5 rounds otherwise')
@pytest.mark.parametrize('seed', range(3))
def test_both_hands_of_a_batch_are_cut_out_as_released(seed):
    rng = np.random.default_rng(seed)
    pictures = [
        rng.integers(0, 256, shape, dtype=np.uint8)
        for shape in ((120, 161, 3), (200, 140, 3), (96, 128, 3))
    ]
    rough = np.stack(
        [[rng.uniform(-10, 60), rng.uniform(-10, 60), *rng.uniform(20, 150, 2)] for _ in pictures]
    )
    masks = np.stack([random_masks(rng, 4) for _ in pictures])
    masks[2, 2:] = 0
    canvas = canvas_of(*pictures)
    square = rough_boxes(torch.from_numpy(rough), canvas)
    crops = canvas.crop(SampleGrid(crop_affines(square, SIZE), (SIZE, SIZE)))
    placed = PlacedMasks(torch.from_numpy(masks), square, canvas.padded_size)
    boxes, found = hand_boxes(placed, (0, 2))
    grid = SampleGrid(crop_affines(boxes.flatten(0, 1), SIZE), (SIZE, SIZE))
    hands = canvas.repeat(2).crop(grid).unflatten(0, (-1, 2))
    hand_masks = placed.repeat(2).crop(grid).unflatten(0, (-1, 2))
    painted = placed.paint(canvas.images.shape[2:])
    assert found.tolist() == [[True, True], [True, True], [True, False]]
    for index, picture in enumerate(pictures):
        padded = pad(picture)
        height, width = picture.shape[:2]
        x, y, w, h = rough[index]
        side = 2 * max(w, h)
        center = x + 0.5 * width + w / 2, y + 0.5 * height + h / 2
        box = [int(v) for v in (center[0] - side / 2, center[1] - side / 2, side, side)]
        assert square[index].tolist() == box
        assert np.array_equal(crops[index].permute(1, 2, 0).numpy(), warp(padded, box))
        planes = planes_of(masks[index], box, padded.shape[:2])
        top, left = int(0.5 * height), int(0.5 * width)
        inner = planes[:, top : top + height, left : left + width]
        assert np.array_equal(painted[index, :, :height, :width].numpy(), inner)
        for hand, plane in enumerate((planes[0], planes[2])):
            rows, columns = np.nonzero(plane)
            hand_box = [
                v / d for v, d in zip((*padded.shape[1::-1],) * 2, (4, 4, 2, 2), strict=True)
            ]
            if len(rows):
                low, high = (columns.min(), rows.min()), (columns.max(), rows.max())
                side = 2 * max(high[0] - low[0], high[1] - low[1])
                hand_box = [
                    *((a + b - side) / 2 for a, b in zip(low, high, strict=True)),
                    side,
                    side,
                ]
            assert boxes[index, hand].tolist() == pytest.approx(hand_box)
            ours = hands[index, hand].permute(1, 2, 0).numpy()
            assert np.array_equal(ours, warp(padded, hand_box))
            expected = np.stack([warp(p, hand_box).astype(np.float32).astype(int) for p in planes])
            assert np.array_equal(hand_masks[index, hand].numpy(), expected)


def test_holes_of_the_specification(reference, golden):
    discs = reference.discs()
    masks = hole_masks(discs.amodal, discs.visible, discs.other)
    hole = 1 - (1 - masks.deocclude) * (1 - masks.remove)
    assert int(hole.sum()) == golden['composite']['hole_px']
    grown = dilate(hole)
    assert int(grown.sum()) == golden['composite']['dilated_px']
    ellipse = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9))
    assert np.array_equal(grown[0, 0].numpy(), cv2.dilate(hole[0, 0].numpy(), ellipse))
    assert torch.equal(dilate(hole, 1), hole)

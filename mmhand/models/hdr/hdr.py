"""HDR: 3D joints of two interacting hands, each freed of the other before it is estimated."""

from collections.abc import Sequence
from contextlib import nullcontext

import torch
from mmengine.structures import PixelData
from torch import Tensor

from mmhand.models.estimators.base_hand_estimator import BaseHandEstimator
from mmhand.registry import MODELS, TASK_UTILS
from mmhand.structures import HAND_MASK_PLANES, HandCamera, HandDataSample
from mmhand.structures.hand_batch import stack_hands
from mmhand.utils.errors import HandConfigError
from mmhand.utils.freezing import freeze, hold
from mmhand.utils.image_norm import normalize_images

from .affine_warp import SampleGrid, invert_affines
from .deocclusion import HoleMasks, composite, generator_inputs, hole_masks
from .hdr_geometry import Canvas, PlacedMasks, crop_affines, hand_boxes, rough_boxes
from .hdr_hands import SIDES, RestoredHands, mirror_left, mirror_points, pictures_of, transform
from .hdr_placement import bone_lengths, metric_fields

_AMODAL = tuple(HAND_MASK_PLANES.index(f'{side}_amodal') for side in SIDES)
_VISIBLE = tuple(HAND_MASK_PLANES.index(f'{side}_visible') for side in SIDES)


@MODELS.register_module()
class HDR(BaseHandEstimator):
    """Hand de-occlusion and removal before single-hand pose (Meng et al., ECCV 2022).

    Source: methods/hdr.md#pipeline.

    Inputs are whole pictures, (B, 3, H, W) RGB in 0-255, padded with black on the right and bottom
    to one size; samples tell their own size (``img_shape``) and, where known, a box around both
    hands (``bbox``, xywh; one that covers the picture says nothing). The box is grown to a square of
    twice its size, segmented, each hand is cut out again by its own mask, left hands are mirrored,
    the holes are filled and the pose of all hands of the batch is estimated at once.

    Args:
        segmentor: config of :class:`HandAmodalSegmentor`.
        remover: config of :class:`HandDeocclusionRemover`; it needs no discriminator here.
        pose_estimator: config of :class:`SingleHandPoseEstimator`.
        crop_size: side of all crops.
        restore: what the pose estimator sees: ``'combination'``, the crop with its dilated holes
            filled; ``'direct'``, the generator's picture; ``'none'``, the crop as it is.
        deocclude: fill the hidden part of the hand.
        remove: take the other hand away.
        refine_full_image: where no box is known, segment the whole picture and then once more
            around the hands it shows.
        frozen: stages that are not trained and stay in evaluation mode.
        bone_length: metres from wrist to middle MCP of hands whose sample tells no ``bone_length``;
            ``None``: 0.095, or with a mesh what the hand model thinks.
        keep_pictures: put crops, holes and restored pictures into the samples.
        mesh_fitter: config of a fit such as :class:`~mmhand.fitting.JointFitter`: lays a hand model
            into the joints of every hand; ``None`` makes no meshes.
        refine: config of the fit that places hands before a known camera, by default
            :class:`~mmhand.fitting.TranslationFit`.
        data_preprocessor: config of the data preprocessor.
        init_cfg: mmengine initialisation config.

    Raises:
        HandConfigError: unknown ``restore`` or stage.
    """

    #: ``mesh_fitter`` can be given.
    fits_meshes = True

    def __init__(
        self,
        segmentor: dict | None = None,
        remover: dict | None = None,
        pose_estimator: dict | None = None,
        crop_size: int = 256,
        restore: str = 'combination',
        deocclude: bool = True,
        remove: bool = True,
        refine_full_image: bool = True,
        frozen: Sequence[str] = ('segmentor', 'remover'),
        bone_length: float | None = None,
        keep_pictures: bool = True,
        mesh_fitter: dict | None = None,
        refine: dict | None = None,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        stack = dict(type='mmengine.ImgDataPreprocessor', bgr_to_rgb=True)
        super().__init__(data_preprocessor or stack, init_cfg=init_cfg)
        if restore not in ('combination', 'direct', 'none'):
            raise HandConfigError(f'restore is "{restore}", not combination, direct or none')
        if not set(frozen) <= {'segmentor', 'remover', 'pose_estimator'}:
            raise HandConfigError(
                f'HDR has no stage {sorted(frozen)}: segmentor, remover and pose_estimator'
            )
        self.segmentor = MODELS.build(segmentor or dict(type='HandAmodalSegmentor'))
        self.remover = MODELS.build(
            remover or dict(type='HandDeocclusionRemover', discriminator=None)
        )
        self.pose_estimator = MODELS.build(pose_estimator or dict(type='SingleHandPoseEstimator'))
        self.crop_size = crop_size
        self.restore = restore
        self.deocclude = deocclude
        self.remove = remove
        self.refine_full_image = refine_full_image
        self.bone_length = bone_length
        self.keep_pictures = keep_pictures
        self.mesh_fitter = None if mesh_fitter is None else TASK_UTILS.build(mesh_fitter)
        self.refine = TASK_UTILS.build(dict(refine or dict(type='TranslationFit')))
        self.frozen = tuple(frozen)
        freeze(self, self.frozen)

    def train(self, mode: bool = True) -> 'HDR':
        """Training mode for all but the frozen stages."""
        super().train(mode)
        hold(self, self.frozen)
        return self

    def tensor(
        self, inputs: Tensor, data_samples: Sequence[HandDataSample] | None = None
    ) -> dict[str, Tensor]:
        """Run the pipeline.

        Args:
            inputs: (B, 3, H, W) RGB, whole numbers 0-255.
            data_samples: samples with ``img_shape`` and ``bbox``; the whole input without.

        Returns:
            ``seg_logits`` (B, 4, 2, h, w) in the released branch order; per hand, right first:
            ``present`` (B, 2), ``boxes`` (B, 2, 4) and ``affines`` (B, 2, 2, 3) of the crops,
            ``crops``, ``image``, ``composite`` (B, 2, 3, S, S), left hands mirrored;
            ``heatmaps``, ``delta_maps``, ``location_maps``, ``uv`` of the mirrored hands;
            ``scores``; ``keypoints_3d`` (B, 2, 21, 3) bone-normalised, true camera axes;
            ``keypoints_2d`` (B, 2, 21, 2) pixels of the input.
        """
        hands = self.restore_hands(inputs, data_samples)
        return dict(
            seg_logits=hands.seg_logits,
            present=hands.present,
            boxes=hands.boxes,
            affines=hands.affines,
            crops=hands.crops,
            image=hands.image,
            composite=hands.restored,
            **self._pose(hands),
        )

    def restore_hands(
        self, inputs: Tensor, data_samples: Sequence[HandDataSample] | None
    ) -> RestoredHands:
        """All steps before the pose: segment, cut out, mirror, fill."""
        canvas, boxes = self._canvas(inputs, data_samples)
        placed, logits = self._segment(canvas, boxes)
        boxes, present = hand_boxes(placed, _AMODAL)
        affines = crop_affines(boxes.flatten(0, 1), self.crop_size)
        grid = SampleGrid(affines, (self.crop_size, self.crop_size))
        crops = canvas.repeat(2).crop(grid).unflatten(0, (-1, 2))
        masks = placed.repeat(2).crop(grid).unflatten(0, (-1, 2))
        crops, masks = normalize_images(mirror_left(crops)), mirror_left(masks)
        own = torch.arange(2, device=masks.device)
        amodal, visible = (
            masks[:, own, torch.tensor(planes, device=masks.device)][:, :, None]
            for planes in (_AMODAL, _VISIBLE)
        )
        other = masks[:, own, torch.tensor(_AMODAL[::-1], device=masks.device)][:, :, None]
        holes = hole_masks(amodal, visible, other)
        if not self.deocclude:
            holes = holes._replace(deocclude=torch.zeros_like(amodal))
        if not self.remove:
            holes = holes._replace(remove=torch.zeros_like(amodal))
        image, restored = self._restore(crops, holes)
        margins = canvas.margins
        shift = affines.unflatten(0, (-1, 2)).double()
        shift = (shift[..., :2] @ margins[:, None, :, None].double())[..., 0]
        original = affines.unflatten(0, (-1, 2)).clone()
        original[..., 2] += shift.float()
        boxes = torch.cat([boxes[..., :2] - margins[:, None], boxes[..., 2:]], -1).float()
        return RestoredHands(
            logits, placed, original, boxes, present, crops, holes, image, restored
        )

    def _canvas(
        self, inputs: Tensor, data_samples: Sequence[HandDataSample] | None
    ) -> tuple[Canvas, Tensor]:
        """Pictures with their sizes, and boxes (B, 4), NaN where none is known."""
        size = tuple(inputs.shape[2:])
        samples = data_samples or [HandDataSample() for _ in inputs]
        shapes = [tuple(sample.get('img_shape', size))[:2] for sample in samples]
        height, width = torch.tensor(shapes, device=inputs.device).unbind(1)
        unknown = (float('nan'),) * 4
        boxes = [[float(v) for v in sample.get('bbox', unknown)] for sample in samples]
        boxes = torch.tensor(boxes, device=inputs.device, dtype=torch.float64)
        far = boxes[:, :2] + boxes[:, 2:]
        covers = (boxes[:, :2] <= 0).all(1) & (far[:, 0] >= width) & (far[:, 1] >= height)
        return Canvas(inputs, width, height), boxes.masked_fill(covers[:, None], torch.nan)

    def _segment(self, canvas: Canvas, boxes: Tensor) -> tuple[PlacedMasks, Tensor]:
        """Masks in the padded pictures, and the logits they come from."""
        unknown = boxes.isnan().any(1, keepdim=True)
        # Enlarged by two, the inner half is the picture itself.
        size = torch.stack([canvas.width, canvas.height], 1).double()
        boxes = torch.where(unknown, torch.cat([size / 4, size / 2], 1), boxes)
        placed, logits = self._segment_boxes(canvas, boxes)
        if self.refine_full_image and unknown.any():
            extent, found = placed.bounding_boxes()
            shown = extent[:, list(_VISIBLE)], found[:, list(_VISIBLE), None]
            inf = torch.tensor(float('inf'), device=boxes.device, dtype=boxes.dtype)
            low = torch.where(shown[1], shown[0][..., :2], inf).amin(1)
            high = torch.where(shown[1], shown[0][..., :2] + shown[0][..., 2:], -inf).amax(1)
            union = torch.cat([low - canvas.margins, high - low], 1)
            usable = unknown & (union[:, 2:] > 0).all(1, keepdim=True)
            placed, logits = self._segment_boxes(canvas, torch.where(usable, union, boxes))
        return placed, logits

    def _segment_boxes(self, canvas: Canvas, boxes: Tensor) -> tuple[PlacedMasks, Tensor]:
        square = rough_boxes(boxes, canvas)
        grid = SampleGrid(crop_affines(square, self.crop_size), (self.crop_size, self.crop_size))
        crops = normalize_images(canvas.crop(grid))
        logits = self.segmentor(crops, mode='tensor')['seg_logits']
        masks = self.segmentor.decode_head.predict_masks(logits, crops.shape[2:])
        return PlacedMasks(masks, square, canvas.padded_size), logits

    def _restore(self, crops: Tensor, holes: HoleMasks) -> tuple[Tensor, Tensor]:
        """The generator's pictures and what the pose estimator sees, both (B, 2, 3, S, S)."""
        if self.restore == 'none' or not (self.deocclude or self.remove):
            return crops, crops
        flat = crops.flatten(0, 1)
        masks = HoleMasks(*(mask.flatten(0, 1).to(flat) for mask in holes))
        inputs, known = generator_inputs(flat, masks)
        image = self.remover.generator(inputs, known)
        restored = image
        if self.restore == 'combination':
            restored = composite(inputs[:, :3], masks, image, self.remover.dilation)
        return image.view_as(crops), restored.view_as(crops)

    def _pose(self, hands: RestoredHands) -> dict[str, Tensor]:
        """Joints of all hands in one batch, back in the picture."""
        outputs = self.pose_estimator(hands.restored.flatten(0, 1), mode='tensor')
        outputs = {name: value.unflatten(0, (-1, 2)) for name, value in outputs.items()}
        uv = self.pose_estimator.head.codec.to_pixels(outputs['uv'].to(hands.affines))
        inverse = invert_affines(hands.affines.flatten(0, 1)).to(uv).unflatten(0, (-1, 2))
        pixels = mirror_points(uv, self.crop_size - 1)
        outputs['keypoints_2d'] = transform(pixels, inverse)
        outputs['keypoints_3d'] = mirror_points(outputs['keypoints_3d'], 0)
        outputs['delta'] = mirror_points(outputs['delta'], 0)
        return outputs

    def loss(self, inputs: Tensor, data_samples: Sequence[HandDataSample]) -> dict[str, Tensor]:
        """Losses of the pose estimator on restored hands.

        Args:
            inputs: (B, 3, H, W).
            data_samples: samples whose ``gt_hands`` has ``side``, ``keypoints_2d`` in pixels of the
                input, ``keypoints_3d`` and ``keypoint_valid``.
        """
        fixed = {'segmentor', 'remover'} <= set(self.frozen)
        with torch.no_grad() if fixed else nullcontext():
            hands = self.restore_hands(inputs, data_samples)
        target = stack_hands(data_samples, ('keypoints_2d', 'keypoints_3d', 'keypoint_valid'))
        pixels = transform(target['keypoints_2d'].to(inputs), hands.affines.to(inputs))
        parts = (
            mirror_points(pixels, self.crop_size - 1),
            mirror_points(target['keypoints_3d'].to(inputs), 0),
            target['keypoint_valid'].to(inputs),
        )
        return self.pose_estimator.hand_losses(
            hands.restored.flatten(0, 1), *(part.flatten(0, 1) for part in parts)
        )

    def predict(
        self, inputs: Tensor, data_samples: Sequence[HandDataSample]
    ) -> list[HandDataSample]:
        """Fill the samples.

        Args:
            inputs: (B, 3, H, W).
            data_samples: samples with ``img_shape`` and, where known, ``bbox``; with ``camera`` the
                hands are placed in front of the camera. ``bone_length``, metres, one or two numbers,
                tells their size.

        Returns:
            The samples with ``pred_hands``, right first: ``side``, ``keypoints_bone``
            (bone-normalised), ``keypoints_3d`` and ``root`` (metres; camera frame, or from the wrist
            where no camera is known), ``keypoints_2d`` (pixels of the input), ``keypoint_scores``,
            ``bbox`` of the crop, ``present``, ``handedness_score`` (1 if present); with a
            ``mesh_fitter`` also ``pose``, ``betas``, ``scale`` (of the hand model), ``transl``,
            ``vertices`` and ``fit_residual`` (metres); ``pred_sem_seg`` with the 0-255
            masks of the picture; and, with ``keep_pictures``, ``pred_fields`` with
            ``{right,left}_{crop,hole,restored}``, not mirrored.
        """
        hands = self.restore_hands(inputs, data_samples)
        outputs = self._pose(hands)
        side = torch.arange(2, device=inputs.device).expand(len(inputs), 2)
        fields = dict(
            side=side,
            keypoints_bone=outputs['keypoints_3d'],
            keypoints_2d=outputs['keypoints_2d'],
            keypoint_scores=outputs['scores'],
            bbox=hands.boxes,
            present=hands.present,
            handedness_score=hands.present.float(),
        )
        fields |= metric_fields(
            outputs['keypoints_3d'],
            side,
            outputs['keypoints_2d'],
            outputs['scores'],
            hands.boxes,
            bone_lengths(data_samples, 2, self.bone_length),
            [HandCamera.of(sample.get('camera')) for sample in data_samples],
            self.refine,
            self.mesh_fitter,
        )
        samples = self.attach_hands(data_samples, fields)
        masks = 255 * hands.placed.paint(inputs.shape[2:]).cpu()
        pictures = pictures_of(hands) if self.keep_pictures else None
        for row, sample in enumerate(samples):
            height, width = tuple(sample.get('img_shape', inputs.shape[2:]))[:2]
            sample.pred_sem_seg = PixelData(data=masks[row, :, :height, :width])
            if pictures is not None:
                sample.pred_fields = PixelData(
                    **{name: value[row] for name, value in pictures.items()}
                )
        return samples

"""Assembling AIH's samples: what the network sees, the truth, and the holes."""

from pathlib import Path

import cv2
import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmengine.structures import PixelData

from mmhand.datasets.aih.layout import IMAGE_SIZE, paste_affine, read_picture
from mmhand.registry import TRANSFORMS
from mmhand.structures import HandDataSample
from mmhand.utils.errors import HandDataError

from .random_state import worker_random_state


@TRANSFORMS.register_module()
class LoadAIHSample(BaseTransform):
    """Read and assemble a sample of :class:`AIHDataset` (methods/hdr.md#aih); targets are right
    hands.

    Pastes: both hands are warped by their moves (mirrored first if the target is a left hand) and
    one is laid over the other; their colours are multiplied by one gain for both. Rendered samples
    are read, and mirrored with their labels if the target is a left hand.

    Required key: ``aih``. Added keys: ``img`` and ``target`` (S, S, 3) uint8 BGR; ``hole_masks``
    (S, S, 4) uint8 {0, 1}, planes in the order of
    :class:`mmhand.models.hdr.deocclusion.HoleMasks`; ``img_shape``, ``ori_shape``.

    Args:
        size: side S of the result; AIH's own is 256.
        gain: bounds of the colour gains of pastes; ``None`` takes those in the file.

    Raises:
        HandFileError: a file is missing.
        HandDataError: a picture has another size, or the target's mask is empty.
    """

    needs = ('aih',)
    gives = ('img', 'target', 'hole_masks')

    def __init__(self, size: int = IMAGE_SIZE, gain: tuple[float, float] | None = None) -> None:
        self.size = size
        self.gain = None if gain is None else (float(gain[0]), float(gain[1]))

    def transform(self, results: dict) -> dict:
        """Assemble."""
        record = results['aih']
        parts = self._paste(record) if record['half'] == 'syn' else self._rendered(record)
        image, target, amodal, visible, other = parts
        if not amodal.any():
            raise HandDataError(f'sample {results.get("sample_id")}: the mask of its hand is empty')
        # Booleans, so that a mask's soft border is decided once.
        holes = [amodal & ~visible, other & ~amodal, visible, ~amodal & ~other]
        results['img'] = np.ascontiguousarray(image)
        results['target'] = np.ascontiguousarray(target)
        results['hole_masks'] = np.stack(holes, -1).astype(np.uint8)
        results['img_shape'] = results['ori_shape'] = (self.size, self.size)
        return results

    def _paste(self, record: dict) -> tuple[np.ndarray, ...]:
        warped = []
        gains = np.asarray(record['gains'], float)
        if self.gain is not None:
            gains = np.tile(worker_random_state().uniform(*self.gain, 3), (2, 1))
        names = (
            ('target_move', 'image', 'amodal'),
            ('pasted_move', 'pasted_image', 'pasted_amodal'),
        )
        for (move, picture, mask), gain in zip(names, gains, strict=True):
            affine = paste_affine(record[move], self.size, record['mirror'])
            image = _warp(read_picture(record[picture]), affine, self.size)
            image = np.clip(image * gain, 0, 255).astype(np.uint8)
            plane = _warp(_read_mask(record[mask]), affine, self.size) > 0
            warped.append((image, plane))
        (below, amodal), (above, pasted) = warped
        image = np.where(pasted[..., None], above, below)
        return image, below, amodal, amodal & ~pasted, pasted

    def _rendered(self, record: dict) -> tuple[np.ndarray, ...]:
        image, target = read_picture(record['image']), read_picture(record['target'])
        amodal, labels = _read_mask(record['amodal']), _read_mask(record['visible'])
        own = 2 if record['mirror'] else 1
        planes = np.stack([amodal > 0, labels == own, labels == 3 - own], -1)
        if record['mirror']:
            image, target, planes = image[:, ::-1], target[:, ::-1], planes[:, ::-1]
        planes = planes.astype(np.uint8)
        if self.size != IMAGE_SIZE:
            shape = (self.size, self.size)
            image, target = (
                cv2.resize(picture, shape, interpolation=cv2.INTER_AREA)
                for picture in (image, target)
            )
            planes = cv2.resize(
                np.ascontiguousarray(planes), shape, interpolation=cv2.INTER_NEAREST
            )
        amodal, visible, other = planes.astype(bool).transpose(2, 0, 1)
        # A visible pixel belongs to its hand, whatever the edge of the amodal mask says.
        return image, target, amodal | visible, visible, other


def _warp(picture: np.ndarray, affine: np.ndarray, size: int) -> np.ndarray:
    return cv2.warpAffine(picture, affine, (size, size), flags=cv2.INTER_LINEAR)


def _read_mask(path: Path) -> np.ndarray:
    mask = read_picture(path, cv2.IMREAD_UNCHANGED)
    return mask if mask.ndim == 2 else mask[..., 0]


@TRANSFORMS.register_module()
class AIHColorJitter(BaseTransform):
    """Shift colours, then change brightness and contrast, of input and truth alike.

    Source: methods/hdr.md#training-the-generator.

    The release's "less" augmentation: a shift of each channel by up to 20, and a brightness and
    contrast of up to 20 %, each with its own probability.

    Required and modified keys: ``img``, ``target``.

    Args:
        prob: of each of the two changes.
        shift: largest shift of a channel, grey values.
        limit: largest relative change of brightness and contrast.
    """

    needs = ('img', 'target')
    gives = ()

    def __init__(self, prob: float = 0.5, shift: float = 20.0, limit: float = 0.2) -> None:
        self.prob = prob
        self.shift = shift
        self.limit = limit

    def transform(self, results: dict) -> dict:
        """Draw and apply."""
        rng = worker_random_state()
        use_shift, use_contrast = rng.random_sample(2) < self.prob
        shift = rng.uniform(-self.shift, self.shift, 3) * use_shift
        contrast, brightness = rng.uniform(-self.limit, self.limit, 2) * use_contrast
        # One table a channel: the two changes together are a straight line.
        values = np.arange(256)[:, None] + shift
        table = np.clip(values * (1 + contrast) + 255 * brightness, 0, 255)
        table = np.rint(table).astype(np.uint8)[None]
        for key in ('img', 'target'):
            results[key] = cv2.LUT(results[key], table)
        return results


@TRANSFORMS.register_module()
class PackDeocclusionInputs(BaseTransform):
    """Pack for :class:`HandDeocclusionRemover`: ``image``, ``target`` and ``masks`` as uint8 tensors.

    Args:
        with_pictures: also put ``image`` and ``target``, (3, H, W) uint8 RGB, into ``gt_fields``,
            for :class:`HoleQualityMetric`.
        meta_keys: pipeline keys that become metainfo.
    """

    needs = ('img', 'target', 'hole_masks')
    gives = ('inputs',)

    def __init__(
        self,
        with_pictures: bool = False,
        meta_keys: tuple[str, ...] = (
            *('img_path', 'sample_id', 'dataset', 'hand_type', 'occlusion_rate', 'img_shape'),
        ),
    ) -> None:
        self.with_pictures = with_pictures
        self.meta_keys = tuple(meta_keys)

    def transform(self, results: dict) -> dict:
        """Pack."""
        inputs = {
            name: torch.from_numpy(np.ascontiguousarray(results[key].transpose(2, 0, 1)))
            for name, key in (('image', 'img'), ('target', 'target'), ('masks', 'hole_masks'))
        }
        meta = {key: results[key] for key in self.meta_keys if key in results}
        sample = HandDataSample(metainfo=meta)
        if self.with_pictures:
            rgb = {name: inputs[name].flip(0).contiguous() for name in ('image', 'target')}
            sample.gt_fields = PixelData(**rgb)
        return dict(inputs=inputs, data_samples=sample)

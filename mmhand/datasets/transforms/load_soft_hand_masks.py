"""Reading the masks that single-hand benchmarks come with."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from mmhand.datasets.picture_io import decode_image, read_file
from mmhand.registry import TRANSFORMS
from mmhand.structures.hand_masks import HAND_MASK_PLANES
from mmhand.utils.errors import HandDataError, HandFileError
from mmhand.utils.safe_npz import load_npz


@dataclass(frozen=True)
class MaskSource:
    """Where a mask is found and which of its values are hand.

    Attributes:
        path: picture, or ``.npz`` archive.
        channel: of the picture as OpenCV reads it (BGR); ``None`` reads it as grey.
        labels: values that are hand; ``None`` takes the grey values 0-255 themselves.
        array: name in the archive.
    """

    path: str
    channel: int | None = None
    labels: tuple[int, ...] | None = None
    array: str | None = None


@TRANSFORMS.register_module()
class LoadSoftHandMasks(BaseTransform):
    """Read the masks named by ``mask_sources`` into planes of grey values.

    Masks of JPEGs are soft at the edge and stay so: SPMHand cuts them off only after the crop
    (methods/spmhand.md#masks). A mask of another size than the image's is resized
    bilinearly, as the
    release does. Planes of masks that the sample does not have are zero.

    Required keys: ``mask_sources``: ``'visible'`` and ``'whole'`` to :class:`MaskSource`,
    ``img_shape``, ``hand_present``. Added key: ``hand_masks`` (H, W, 4) uint8 of 0-255.

    Args:
        masks: which to read.
        required: raise where the sample has none, instead of leaving ``hand_masks`` out.
        backend_args: of mmengine's file backends.

    Raises:
        HandDataError: the sample has no such mask, or the file is no mask.
        HandFileError: the file cannot be read.
    """

    needs = ('img_shape', 'hand_present', 'mask_sources')
    gives = ('hand_masks',)

    def __init__(
        self,
        masks: Sequence[str] = ('visible', 'whole'),
        required: bool = True,
        backend_args: dict | None = None,
    ) -> None:
        self.masks = tuple(masks)
        self.required = required
        self.backend_args = backend_args

    def transform(self, results: dict) -> dict:
        """Add the masks."""
        sources = results.get('mask_sources', {})
        missing = [name for name in self.masks if name not in sources]
        if missing and self.required:
            raise HandDataError(
                f'sample {results.get("sample_id")} has no {missing[0]} hand mask; whole-hand masks '
                'are made by tools/dataset_converters/whole_hand_masks.py'
            )
        if missing:
            return results
        side = 'left' if results['hand_present'][0] == 0 else 'right'
        names = {'visible': f'{side}_visible', 'whole': f'{side}_amodal'}
        planes = np.zeros((*results['img_shape'], len(HAND_MASK_PLANES)), dtype=np.uint8)
        for name in self.masks:
            planes[..., HAND_MASK_PLANES.index(names[name])] = self._read(results, sources[name])
        results['hand_masks'] = planes
        return results

    def _read(self, results: dict, source: MaskSource) -> np.ndarray:
        name, path = results.get('sample_id'), source.path
        content = read_file(path, name, self.backend_args)
        if source.array is not None:
            mask = _from_archive(content, source, name)
        else:
            flags = cv2.IMREAD_GRAYSCALE if source.channel is None else cv2.IMREAD_COLOR
            mask = decode_image(content, path, name, flags | cv2.IMREAD_IGNORE_ORIENTATION)
            mask = mask if source.channel is None else mask[..., source.channel]
        if source.labels is not None:
            mask = np.isin(mask, source.labels).astype(np.uint8) * np.uint8(255)
        height, width = results['img_shape']
        if mask.shape != (height, width):
            mask = cv2.resize(mask, (width, height), interpolation=cv2.INTER_LINEAR)
        return mask


def _from_archive(content: bytes, source: MaskSource, name: str) -> np.ndarray:
    try:
        mask = load_npz(io.BytesIO(content), (source.array,), str(source.path))[source.array]
    except (HandFileError, KeyError) as error:
        raise HandDataError(
            f'sample {name}: {source.path} has no mask "{source.array}" ({error})'
        ) from None
    if mask.ndim != 2 or mask.dtype.kind not in 'iu':
        raise HandDataError(
            f'sample {name}: "{source.array}" of {source.path} is {mask.dtype} of shape '
            f'{mask.shape}, expected whole numbers (H, W)'
        )
    return mask

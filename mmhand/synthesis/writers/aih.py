"""AIH, HDR's Amodal InterHand dataset (Meng et al., ECCV 2022): hands to restore, 256 x 256."""

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np

from mmhand.datasets.aih.layout import IMAGE_SIZE, UNUSABLE, AIHPaths, hand_crop
from mmhand.datasets.aih.paste import draw_paste
from mmhand.structures.sides import SIDES
from mmhand.utils.errors import HandConfigError

from ..config import SynthesisConfig
from ..rng import stream
from ..sample import SyntheticSample
from .base import JPEG_QUALITY, SYNTHESIS_WRITERS, DatasetWriter
from .files import write_bytes, write_image

#: Pixels around a hole that are taken from the restored picture as well: blurred edges, JPEG.
_SEAM = 2


#: Moves of a pair that does not meet.
_STILL = (([0.0, 0.0], 1.0, 0.0),) * 2


@SYNTHESIS_WRITERS.register_module(name='aih')
class AIHWriter(DatasetWriter):
    """AIH's released layout (methods/hdr.md#aih), both halves made from the same scenes of two
    hands.

    ``AIH_render`` holds each hand as the target: the picture of both hands cut out with a box of
    twice the target's amodal mask, the same with the target alone inside the holes, and the masks.
    ``AIH_syn`` holds each hand alone before the background, the filtered lists, and drawn pastes of
    one hand over another (``syn_cfgs``). Scenes with an odd number count as human annotated where
    the release has such a split, the others as machine annotated.
    """

    name = 'aih'
    splits: ClassVar[dict[str, float]] = {'train': 0.8, 'val': 0.1, 'test': 0.1}
    defaults: ClassVar[dict[str, Any]] = dict(
        hands='interacting',
        image_size=(320, 320),
        turn_cameras=False,
        views=2,
        captures=16,
        framing='crop',
        occluder_prob=0.0,
        solo_images=True,
    )

    @classmethod
    def check_config(cls, config: SynthesisConfig) -> None:
        """AIH is made of pairs of hands and nothing else."""
        super().check_config(config)
        if config.hands != 'interacting' or not config.solo_images:
            raise HandConfigError(
                'format aih needs two hands in every scene and each of them alone: use hands '
                'interacting and solo_images'
            )

    def annot(self, split: str, sample: SyntheticSample) -> str:
        """Who "annotated" the scene: the release has no human annotations for ``val``."""
        return 'human' if split != 'val' and sample.frame % 2 else 'machine'

    def sample_files(self, split: str, sample: SyntheticSample) -> dict[str, Path]:
        """Files of both targets in both halves; kinds are ``{half}.{side}.{what}``."""
        annot = self.annot(split, sample)
        stem = str(sample.index)
        files: dict[str, Path] = {}
        for side in SIDES:
            paths = AIHPaths(annot, split, side)
            files[f'syn.{side}.image'] = paths.syn_image(stem)
            files[f'syn.{side}.amodal'] = paths.syn_mask(stem)
            # The release renders no test pictures, and for val only machine annotated ones.
            if split != 'test':
                name = f'{sample.capture}_{sample.frame}_{sample.view}'
                files[f'render.{side}.image'] = paths.render_image(name)
                files[f'render.{side}.target'] = paths.render_target(name)
                files[f'render.{side}.amodal'] = paths.render_amodal(name)
                files[f'render.{side}.visible'] = paths.render_visible(name)
        return files

    def write_file(self, kind: str, path: Path, sample: SyntheticSample) -> None:
        """Write one of a sample's files."""
        half, side, what = kind.split('.')
        write_image(path, self._picture(half, side, what, sample), _options(path))

    def _picture(self, half: str, side: str, what: str, sample: SyntheticSample) -> np.ndarray:
        amodal = sample.plane(f'{side}_amodal').astype(np.uint8)
        affine = hand_crop(amodal)
        if what == 'amodal':
            picture = amodal
        elif what == 'visible':
            right, left = (sample.plane(f'{name}_visible') for name in SIDES)
            picture = np.where(right, 1, np.where(left, 2, 0)).astype(np.uint8)
        elif half == 'syn':
            picture = sample.solo_images[side]
        else:
            picture = sample.image if what == 'image' else _restored(sample, side)
        flags = cv2.INTER_LINEAR if picture.ndim == 3 else cv2.INTER_NEAREST
        return cv2.warpAffine(picture, affine, (IMAGE_SIZE, IMAGE_SIZE), flags=flags)

    def make_record(self, split: str, sample: SyntheticSample) -> dict[str, Any]:
        """Where the sample belongs."""
        found = [bool(sample.plane(f'{side}_amodal').any()) for side in SIDES]
        return {'index': sample.index, 'annot': self.annot(split, sample), 'found': found}

    def write_index(self, split: str, records: Iterable[dict[str, Any]]) -> None:
        """Write the filtered lists and the drawn pastes."""
        records = list(records)
        for annot in ('machine', 'human') if split != 'val' else ('machine',):
            own = [record for record in records if record['annot'] == annot]
            stems = [
                [record['index'] for record in own if record['found'][side]] for side in (0, 1)
            ]
            for side, numbers in zip(SIDES, stems, strict=True):
                text = ''.join(f'{number:.18e}\n' for number in numbers)
                path = self.out / AIHPaths(annot, split, side).filtered_list
                write_bytes(path, text.encode())
            configs = self._pastes(annot, split, stems)
            buffer = io.BytesIO()
            content = np.empty(len(configs), object)
            content[:] = configs
            np.lib.format.write_array(buffer, content)
            write_bytes(self.out / AIHPaths(annot, split, 'right').syn_configs, buffer.getvalue())

    def _pastes(self, annot: str, split: str, stems: list[list[int]]) -> list[dict]:
        """One paste over every single hand, right ones first."""
        configs = []
        for target in (0, 1):
            other = stems[1 - target]
            for position, stem in enumerate(stems[target]):
                rng = stream(self.split_seed(split), 'paste', target, stem)
                partner = int(rng.integers(len(other))) if other else UNUSABLE
                drawn = None
                if other:
                    masks = [
                        self._mask(annot, split, side, number)
                        for side, number in ((target, stem), (1 - target, other[partner]))
                    ]
                    drawn = draw_paste(rng, *masks, mirror=target == 1)
                moves, rate = drawn or (_STILL, 0.0)
                lists = [[np.array(move[0]), move[1], move[2], np.ones(3)] for move in moves]
                configs.append(
                    {
                        'loop_side': SIDES[target],
                        'loop_side_idx': position,
                        'another_side_idx': partner if drawn else UNUSABLE,
                        'r_aug_list': lists[0],
                        'l_aug_list': lists[1],
                        'occlusion_rate': rate,
                    }
                )
        return configs

    def _mask(self, annot: str, split: str, side: int, stem: int) -> np.ndarray:
        path = self.out / AIHPaths(annot, split, SIDES[side]).syn_mask(str(stem))
        return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


def _options(path: Path) -> tuple[int, ...]:
    if path.suffix == '.jpg':
        return (cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY)
    return (cv2.IMWRITE_PNG_COMPRESSION, 4)


def _restored(sample: SyntheticSample, side: str) -> np.ndarray:
    """The picture with the target whole and the other hand gone.

    Outside the holes it is the picture itself, so that arms and light agree.
    """
    other = SIDES[1 - SIDES.index(side)]
    amodal, visible = sample.plane(f'{side}_amodal'), sample.plane(f'{side}_visible')
    holes = (amodal & ~visible) | (sample.plane(f'{other}_amodal') & ~amodal)
    size = 2 * _SEAM + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    holes = cv2.dilate(holes.astype(np.uint8), kernel) > 0
    return np.where(holes[..., None], sample.solo_images[side], sample.image)

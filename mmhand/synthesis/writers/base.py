"""What every writer of a benchmark's layout does."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
from mmengine.registry import Registry

from mmhand.utils.errors import HandConfigError
from mmhand.version import __version__

from ..config import SynthesisConfig
from ..person import Person
from ..render import render_sample
from ..rng import derive_seed
from ..sample import MASK_PLANES, SyntheticSample
from ..scene_hands import scene_hands
from .files import write_image, write_json

#: Writers by the name of their format.
SYNTHESIS_WRITERS = Registry(
    'synthesis writer', scope='mmhand', locations=['mmhand.synthesis.writers']
)

#: Depth files hold whole tenths of a millimetre.
DEPTH_UNIT = 1e-4

#: JPEG quality of the pictures.
JPEG_QUALITY = 93

_META = 'synthetic.json'


class DatasetWriter(ABC):
    """Writes synthetic samples in the layout of one benchmark.

    A sample's files are written by :meth:`write_sample`, in any order and from any process; it
    returns a record of what the annotation files need. :meth:`write_index` makes those files from
    all records at the end. Each split has a seed of its own, so a split's samples depend neither
    on the other splits nor on its size.

    A subclass states its format's name, defaults and split names, and where files go.

    Args:
        out: root folder of the data set.
        config: settings of the scenes.
        seed: seed of the data set.
    """

    #: Name of the format, as ``--format`` takes it.
    name: ClassVar[str]
    #: Settings that differ from :class:`~mmhand.synthesis.config.SynthesisConfig`'s.
    defaults: ClassVar[dict[str, Any]] = {}
    #: Splits of the benchmark and the share of the samples that each gets.
    splits: ClassVar[dict[str, float]] = {'train': 0.8, 'val': 0.1, 'test': 0.1}

    def __init__(self, out: str | Path, config: SynthesisConfig, seed: int) -> None:
        self.out, self.config, self.seed = Path(out), config, seed

    @classmethod
    def make_config(cls, **settings: Any) -> SynthesisConfig:
        """Settings for this format.

        Args:
            settings: fields of the config; they override the format's defaults.

        Raises:
            HandConfigError: settings that the config, or this format, does not allow.
        """
        config = SynthesisConfig(**{**cls.defaults, **settings})
        cls.check_config(config)
        return config

    @classmethod
    def check_config(cls, config: SynthesisConfig) -> None:
        """Refuse settings that the format cannot hold; subclasses add their own.

        Raises:
            HandConfigError: naming the setting.
        """
        scene_hands(config.hand_model)

    def split_seed(self, split: str) -> int:
        """Seed of the scenes of one split."""
        return derive_seed(self.seed, 'split', split)

    def person(self, split: str, capture: int) -> Person:
        """Whose hands a capture shows; by default a person that no other capture has."""
        return Person(self.split_seed(split), capture)

    def render(self, split: str, index: int) -> SyntheticSample:
        """Make a sample; the same whenever it is asked for."""
        frame, _ = self.config.locate(index)
        person = self.person(split, self.config.capture_of(frame))
        return render_sample(self.split_seed(split), index, self.config, person)

    @abstractmethod
    def sample_files(self, split: str, sample: SyntheticSample) -> dict[str, Path]:
        """Paths of a sample's files relative to the root: ``image``, ``mask``, ``depth``, ..."""

    @abstractmethod
    def make_record(self, split: str, sample: SyntheticSample) -> dict[str, Any]:
        """What the annotation files say about a sample, as JSON-able content."""

    @abstractmethod
    def write_index(self, split: str, records: Iterable[dict[str, Any]]) -> None:
        """Write a split's annotation files.

        Args:
            split: its name.
            records: of all its samples, in order; may be gone through several times, and is read
                from disk each time.
        """

    def write_sample(self, split: str, sample: SyntheticSample) -> dict[str, Any]:
        """Write a sample's files.

        Returns:
            Its record, with the files' paths under ``files``.

        Raises:
            HandFileError: a file cannot be written.
        """
        files = self.sample_files(split, sample)
        for kind, path in files.items():
            self.write_file(kind, self.out / path, sample)
        record = self.make_record(split, sample)
        record['files'] = [path.as_posix() for path in files.values()]
        return record

    def write_file(self, kind: str, path: Path, sample: SyntheticSample) -> None:
        """Write one of the files that :meth:`sample_files` names."""
        if kind == 'image':
            write_image(path, sample.image, (cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY))
        elif kind == 'mask':
            write_image(path, sample.mask, (cv2.IMWRITE_PNG_COMPRESSION, 4))
        elif kind == 'depth':
            tenths = np.clip(np.rint(sample.depth / DEPTH_UNIT), 0, 65535).astype(np.uint16)
            write_image(path, tenths, (cv2.IMWRITE_PNG_COMPRESSION, 1))
        else:
            raise HandConfigError(f'format {self.name} cannot write files of kind "{kind}"')

    def meta(self, counts: dict[str, int], complete: bool) -> dict[str, Any]:
        """Content of ``synthetic.json``: what made the data set, and how to read its side files."""
        return {
            'generator': 'mmhand.synthesis',
            'version': __version__,
            'format': self.name,
            'seed': self.seed,
            'samples': counts,
            'complete': complete,
            'hand_model': {'type': self.config.hand_model, 'flat_hand_mean': False},
            'mask_planes': list(MASK_PLANES),
            'depth_unit_m': DEPTH_UNIT,
            'config': self.config.to_dict(),
        }

    def write_meta(self, counts: dict[str, int], complete: bool) -> None:
        """Write ``synthetic.json`` at the root."""
        write_json(self.out / _META, self.meta(counts, complete))

    @property
    def meta_path(self) -> Path:
        """Path of ``synthetic.json``."""
        return self.out / _META


def rounded(array: np.ndarray, digits: int) -> list:
    """A (nested) list of an array's numbers, rounded, for JSON."""
    return np.round(np.asarray(array, dtype=np.float64), digits).tolist()

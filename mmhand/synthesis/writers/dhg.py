"""DHG-14/28 (De Smedt et al.): the gestures of SHREC'17 in another layout, one list for everybody."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

from .base import SYNTHESIS_WRITERS
from .files import write_bytes
from .shrec import GestureSample, SHRECWriter


@SYNTHESIS_WRITERS.register_module(name='dhg')
class DHGWriter(SHRECWriter):
    """DHG's layout; a sample is a whole sequence of a gesture, in one of its two ways.

    ``gesture_G/finger_F/subject_S/essai_E/depth_NUMBER.png`` from 1, ``skeleton_image.txt``,
    ``skeleton_world.txt``, and ``informations_troncage_sequences.txt``, which here cuts nothing off.
    Every person makes all gestures before anybody repeats one: 560 sequences hold 20 people once.
    """

    name = 'dhg'
    splits: ClassVar[dict[str, float]] = {'all': 1.0}
    defaults: ClassVar[dict[str, Any]] = {**SHRECWriter.defaults, 'captures': 20}

    def sample_files(self, split: str, sample: GestureSample) -> dict[str, Path]:
        """Pictures and skeletons."""
        files = {
            f'depth{number}': sample.folder / f'depth_{number + 1}.png'
            for number in range(len(sample.frames))
        }
        for kind in ('image', 'world'):
            files[kind] = sample.folder / f'skeleton_{kind}.txt'
        return files

    def make_record(self, split: str, sample: GestureSample) -> dict[str, Any]:
        """A row of the list."""
        row = [sample.gesture, sample.finger, sample.subject, sample.trial]
        return {'row': [*row, 0, len(sample.joints) - 1]}

    def write_index(self, split: str, records: Iterable[dict[str, Any]]) -> None:
        """The list of sequences."""
        lines = [' '.join(map(str, record['row'])) for record in records]
        path = self.out / 'informations_troncage_sequences.txt'
        write_bytes(path, '\n'.join([*lines, '']).encode())

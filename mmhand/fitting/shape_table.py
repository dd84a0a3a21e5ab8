"""Calibrated shapes on the disk: a person's, or those of all subjects of a data set."""

import os
from dataclasses import dataclass, field

import numpy as np

from mmhand.utils.atomic_io import save_npz
from mmhand.utils.errors import HandDataError, HandFileError
from mmhand.utils.safe_npz import load_npz


@dataclass(frozen=True, eq=False)
class ShapeTable:
    """Shapes by subject.

    Attributes:
        subjects: (P,) names, text.
        betas: (P, S) float32.
        hand_model: type name of the hand model they belong to.
        counts: (P,) estimates that each was made of.
        about: one line: how they were made.
        extra: more arrays, by name, that the file carries for people.
    """

    subjects: tuple[str, ...]
    betas: np.ndarray
    hand_model: str
    counts: np.ndarray
    about: str = ''
    extra: dict[str, np.ndarray] = field(default_factory=dict)

    def __getitem__(self, subject: object) -> np.ndarray:
        """(S,) of a subject.

        Raises:
            HandDataError: no such subject.
        """
        if str(subject) not in self.subjects:
            known = ', '.join(self.subjects[:5]) + (', ...' if len(self.subjects) > 5 else '')
            raise HandDataError(f'there is no calibrated shape of subject "{subject}"; of {known}')
        return self.betas[self.subjects.index(str(subject))]

    @property
    def person(self) -> np.ndarray:
        """(S,) where the table holds one person.

        Raises:
            HandDataError: it holds several.
        """
        if len(self.subjects) != 1:
            raise HandDataError(f'{len(self.subjects)} subjects are no single person')
        return self.betas[0]

    def save(self, path: str | os.PathLike) -> None:
        """Write an ``.npz`` file, whole or not at all.

        Raises:
            HandFileError: it cannot be written, or has another ending.
        """
        arrays = dict(
            subjects=np.array(self.subjects, dtype=np.str_),
            betas=np.asarray(self.betas, np.float32),
            hand_model=np.array(self.hand_model),
            counts=np.asarray(self.counts, np.int64),
            about=np.array(self.about),
        )
        save_npz(path, arrays | {f'extra_{name}': value for name, value in self.extra.items()})

    @classmethod
    def load(cls, path: str | os.PathLike) -> 'ShapeTable':
        """Read what :meth:`save` wrote; nothing in it is run.

        Raises:
            HandFileError: the file is missing or no such table.
        """
        try:
            arrays = load_npz(path)
            table = cls(
                tuple(str(name) for name in arrays['subjects'].reshape(-1)),
                arrays['betas'].astype(np.float32),
                str(arrays['hand_model']),
                arrays['counts'].astype(np.int64),
                str(arrays['about']),
                {k[6:]: value for k, value in arrays.items() if k.startswith('extra_')},
            )
        except (HandFileError, ValueError, KeyError) as error:
            reason = f'it has no {error}' if isinstance(error, KeyError) else error
            raise HandFileError(
                f'{path} is no table of calibrated shapes ({reason}); write one with '
                'tools/personalize.py or tools/iahm/calibrate_shapes.py'
            ) from None
        if table.betas.ndim != 2 or not len(table.subjects) == len(table.betas) == len(
            table.counts
        ):
            raise HandFileError(f'{path}: its shapes do not fit its subjects')
        if not np.isfinite(table.betas).all():
            raise HandFileError(f'{path}: a shape is not finite')
        return table

"""Hands of a batch of samples as arrays (B, 2, ...), right then left: the only stacker."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from mmhand.utils.errors import HandDataError

from .sides import HAND_TYPES


def sample_name(sample: Mapping) -> str:
    """What to call a sample in a message."""
    return str(sample.get('sample_id', sample.get('img_path', 'without sample_id')))


class HandBatch:
    """Rows of ``gt_hands`` or ``pred_hands`` of a batch, addressed by sample and side.

    Args:
        samples: B data samples, or the dicts that mmengine's evaluator hands over.
        source: ``'gt_hands'`` or ``'pred_hands'``.

    Attributes:
        index: (R,) int64 place ``2 * sample + side`` of each row.
        present: (B, 2) bool, whether the sample has a row for that side.

    Raises:
        HandDataError: a sample has no such hands, or names a side twice.
    """

    def __init__(self, samples: Sequence[Mapping], source: str = 'gt_hands') -> None:
        self.source = source
        self.samples = samples
        self.hands = []
        for sample in samples:
            hands = sample.get(source)
            if hands is None or 'side' not in hands:
                raise HandDataError(f'sample {sample_name(sample)} has no {source}.side')
            self.hands.append(hands)
        counts = [len(hands['side']) for hands in self.hands]
        sides = self._concatenated('side').astype(np.int64)
        rows = np.repeat(np.arange(len(samples)), counts)
        self.index = 2 * rows + sides
        self.present = np.zeros((len(samples), 2), dtype=bool)
        self.present.reshape(-1)[self.index] = True
        if self.present.sum() != len(self.index):
            doubled = rows[np.flatnonzero(np.bincount(self.index)[self.index] > 1)[0]]
            raise HandDataError(
                f'sample {sample_name(samples[doubled])} names one side twice in {source}'
            )

    def has(self, name: str) -> bool:
        """Whether the hands carry a field; all samples of a batch do, or none.

        Raises:
            HandDataError: some do and some do not.
        """
        carry = [name in hands for hands in self.hands]
        if any(carry) and not all(carry):
            raise HandDataError(
                f'{self.source}.{name} is missing in sample '
                f'{sample_name(self.samples[carry.index(False)])}, though others of its batch '
                'have it'
            )
        return bool(carry) and carry[0]

    def get(self, name: str, fill: float = np.nan) -> np.ndarray:
        """A field as (B, 2, ...) float64 array, ``fill`` where the sample has no such hand.

        Raises:
            HandDataError: the hands do not carry the field.
        """
        if not self.has(name):
            raise HandDataError(
                f'{self.source}.{name} is needed and missing in sample '
                f'{sample_name(self.samples[0])}'
            )
        values = self._concatenated(name)
        out = np.full((2 * len(self.samples), *values.shape[1:]), fill, dtype=np.float64)
        out[self.index] = values
        return out.reshape(-1, 2, *values.shape[1:])

    def tensor(self, name: str) -> Tensor:
        """A field as (B, 2, ...) tensor of its own type and device, zero where there is no hand.

        Raises:
            HandDataError: a sample lacks the field.
        """
        for sample, hands in zip(self.samples, self.hands, strict=True):
            if name not in hands:
                raise HandDataError(f'sample {sample_name(sample)} has no {self.source}.{name}')
        values = torch.cat([hands[name] for hands in self.hands])
        stacked = values.new_zeros((2 * len(self.samples), *values.shape[1:]))
        index = torch.from_numpy(self.index).to(values.device)
        return stacked.index_copy(0, index, values).unflatten(0, (len(self.samples), 2))

    def _concatenated(self, name: str) -> np.ndarray:
        """Rows of a field in one transfer from their device."""
        values = [hands[name] for hands in self.hands]
        if values and isinstance(values[0], Tensor):
            return torch.cat([value.detach() for value in values]).cpu().numpy()
        return np.concatenate([np.asarray(value) for value in values])


def stack_hands(
    samples: Sequence[Mapping],
    fields: Sequence[str],
    source: str = 'gt_hands',
    optional: Sequence[str] = (),
) -> dict[str, Tensor]:
    """Bring per-hand fields of a batch into tensors with one place for either hand.

    Args:
        samples: B samples.
        fields: names of fields of their hands.
        source: ``'gt_hands'`` or ``'pred_hands'``.
        optional: fields that are left out of the result where a sample's hands lack them.

    Returns:
        For each field a tensor (B, 2, ...), right then left, zero where a sample has no row for
        that hand, on the device of the field; and ``present`` (B, 2) float32.

    Raises:
        HandDataError: a sample lacks the hands or a field.
    """
    batch = HandBatch(samples, source)
    wanted = [*fields, *(n for n in optional if all(n in hands for hands in batch.hands))]
    out = {name: batch.tensor(name) for name in wanted}
    device = next(iter(out.values())).device if out else None
    out['present'] = torch.from_numpy(batch.present).float().to(device)
    return out


def check_hand_type(sample: Mapping, kind: object) -> str:
    """A hand type that exists.

    Raises:
        HandDataError: it does not; names the sample.
    """
    if kind not in HAND_TYPES:
        raise HandDataError(
            f'sample {sample_name(sample)}: hand_type is "{kind}", not one of '
            f'{", ".join(HAND_TYPES)}'
        )
    return str(kind)


def stack_hand_types(
    samples: Sequence[Mapping], device: torch.device | None = None
) -> tuple[Tensor, Tensor]:
    """Which hands each sample's ``hand_type`` names, and whether it is to be trusted.

    Args:
        samples: B samples with metainfo ``hand_type`` and, optionally, ``hand_type_valid``.
        device: where to put the result.

    Returns:
        (B, 2) float32 presence of right and left, and (B,) float32 validity.

    Raises:
        HandDataError: a hand type that does not exist.
    """
    flags = [HAND_TYPES[check_hand_type(sample, sample.get('hand_type'))] for sample in samples]
    valid = [float(sample.get('hand_type_valid', 1.0)) for sample in samples]
    present = torch.tensor(flags, dtype=torch.float32, device=device)
    return present, torch.tensor(valid, device=device)


def guess_hand_types(samples: Sequence[Mapping], valid: np.ndarray) -> list[str]:
    """Hand type of each sample: its metainfo, or else what its valid joints say.

    Args:
        samples: data samples.
        valid: (B, 2, J) flags of the annotated joints.

    Raises:
        HandDataError: a hand type that does not exist.
    """
    seen = valid.any(-1)
    guesses = np.array(['right', 'right', 'left', 'interacting'])[seen[:, 0] + 2 * seen[:, 1]]
    return [
        check_hand_type(sample, str(sample.get('hand_type', guess)))
        for sample, guess in zip(samples, guesses, strict=True)
    ]

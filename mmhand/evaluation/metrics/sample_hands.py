"""The hands of a batch of samples as arrays (B, 2, ...), right then left."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from mmhand.utils.errors import HandDataError

#: Hand type of a sample to which hands are there, right and left.
HAND_TYPES = {'right': (True, False), 'left': (False, True), 'interacting': (True, True)}


def sample_name(sample: Mapping) -> str:
    """What to call a sample in a message."""
    return str(sample.get('sample_id', sample.get('img_path', 'without sample_id')))


def _concatenate(values: list) -> np.ndarray:
    """Concatenate tensors or arrays in one transfer from their device."""
    if isinstance(values[0], torch.Tensor):
        return torch.cat([value.detach() for value in values]).cpu().numpy()
    return np.concatenate([np.asarray(value) for value in values])


class SampleHands:
    """Rows of ``gt_hands`` or ``pred_hands`` of a batch, addressed by sample and side.

    Args:
        samples: data samples as mmengine's evaluator hands them over (dicts).
        source: ``'gt_hands'`` or ``'pred_hands'``.

    Raises:
        HandDataError: a sample has no such hands, or names a side twice.
    """

    def __init__(self, samples: Sequence[Mapping], source: str) -> None:
        self.source = source
        self.samples = samples
        self.hands = []
        for sample in samples:
            if sample.get(source) is None:
                raise HandDataError(f'sample {sample_name(sample)} has no {source} to evaluate')
            self.hands.append(sample[source])
        counts = [len(hands['side']) for hands in self.hands]
        sides = _concatenate([hands['side'] for hands in self.hands]).astype(np.int64)
        rows = np.repeat(np.arange(len(samples)), counts)
        self.index = 2 * rows + sides
        #: (B, 2) whether the sample has a row for that side.
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
        """A field as (B, 2, ...) float64, ``fill`` where the sample has no such hand.

        Raises:
            HandDataError: the hands do not carry the field.
        """
        if not self.has(name):
            raise HandDataError(
                f'{self.source}.{name} is needed and missing in sample '
                f'{sample_name(self.samples[0])}'
            )
        values = _concatenate([hands[name] for hands in self.hands])
        out = np.full((2 * len(self.samples), *values.shape[1:]), fill, dtype=np.float64)
        out[self.index] = values
        return out.reshape(-1, 2, *values.shape[1:])


def hand_types(samples: Sequence[Mapping], valid: np.ndarray) -> list[str]:
    """Hand type of each sample: its metainfo, or else what its valid joints say.

    Args:
        samples: data samples.
        valid: (B, 2, J) flags of the annotated joints.

    Raises:
        HandDataError: a hand type that does not exist.
    """
    seen = valid.any(-1)
    guesses = np.array(['right', 'right', 'left', 'interacting'])[seen[:, 0] + 2 * seen[:, 1]]
    types = [
        str(sample.get('hand_type', guess)) for sample, guess in zip(samples, guesses, strict=True)
    ]
    for sample, kind in zip(samples, types, strict=True):
        if kind not in HAND_TYPES:
            raise HandDataError(
                f'sample {sample_name(sample)}: hand_type is "{kind}", not one of '
                f'{", ".join(HAND_TYPES)}'
            )
    return types

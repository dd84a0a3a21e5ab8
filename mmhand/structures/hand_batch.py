"""Annotations of a batch of samples as tensors (B, 2, ...), right then left."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mmhand.utils.errors import HandDataError

from .hand_data_sample import HandDataSample

#: Hands that a hand type says are there, right and left.
HAND_TYPE_FLAGS = {'right': (1.0, 0.0), 'left': (0.0, 1.0), 'interacting': (1.0, 1.0)}


def sample_name(sample: HandDataSample) -> str:
    """What to call a sample in a message."""
    return str(sample.get('sample_id', sample.get('img_path', 'without sample_id')))


def hand_slots(samples: Sequence[HandDataSample], source: str = 'gt_hands') -> list[int]:
    """Slot ``2 * sample + side`` of every hand row of the batch, in the order of the rows.

    Raises:
        HandDataError: a sample has no such hands.
    """
    slots = []
    for row, sample in enumerate(samples):
        if sample.get(source) is None or 'side' not in sample.get(source):
            raise HandDataError(f'sample {sample_name(sample)} has no {source}.side')
        slots.extend(2 * row + side for side in sample.get(source).side.tolist())
    return slots


def stack_hands(
    samples: Sequence[HandDataSample],
    fields: Sequence[str],
    source: str = 'gt_hands',
    optional: Sequence[str] = (),
) -> dict[str, Tensor]:
    """Bring per-hand fields of a batch into arrays with one place for either hand.

    Args:
        samples: B samples.
        fields: names of fields of their hands.
        source: ``'gt_hands'`` or ``'pred_hands'``.
        optional: fields that are left out of the result where the hands lack them.

    Returns:
        For each field a tensor (B, 2, ...), right then left, zero where a sample has no row for
        that hand, on the device of the field; and ``present`` (B, 2) float32.

    Raises:
        HandDataError: a sample lacks the hands or a field.
    """
    slots = hand_slots(samples, source)
    hands = [sample.get(source) for sample in samples]
    out: dict[str, Tensor] = {}
    wanted = [*fields, *(name for name in optional if all(name in hand for hand in hands))]
    if len(set(slots)) != len(slots):
        raise HandDataError(f'a sample of the batch names one side twice in {source}')
    for name in wanted:
        for sample, hand in zip(samples, hands, strict=True):
            if name not in hand:
                raise HandDataError(f'sample {sample_name(sample)} has no {source}.{name}')
        values = torch.cat([hand.get(name) for hand in hands])
        index = torch.tensor(slots, device=values.device)
        stacked = values.new_zeros((2 * len(samples), *values.shape[1:]))
        out[name] = stacked.index_copy(0, index, values).unflatten(0, (len(samples), 2))
    device = next(iter(out.values())).device if out else None
    present = torch.zeros(2 * len(samples))
    present[slots] = 1.0
    out['present'] = present.view(-1, 2).to(device)
    return out


def stack_hand_types(
    samples: Sequence[HandDataSample], device: torch.device | None = None
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
    flags, valid = [], []
    for sample in samples:
        kind = sample.get('hand_type')
        if kind not in HAND_TYPE_FLAGS:
            raise HandDataError(
                f'sample {sample_name(sample)}: hand_type is "{kind}", not one of '
                f'{", ".join(HAND_TYPE_FLAGS)}'
            )
        flags.append(HAND_TYPE_FLAGS[kind])
        valid.append(float(sample.get('hand_type_valid', 1.0)))
    return torch.tensor(flags, device=device), torch.tensor(valid, device=device)

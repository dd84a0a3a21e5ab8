"""Several checkpoints in one."""

import os
from collections.abc import Sequence
from pathlib import Path

from mmhand.utils.errors import HandDataError
from mmhand.utils.trained_hand import KEY, stated_hands
from mmhand.version import __version__

from .base import save_atomically


def merge_files(sources: Sequence[str], dst: str | os.PathLike) -> dict[str, int]:
    """Put the weights of several checkpoints into one file.

    Args:
        sources: ``PREFIX=FILE``, whose weights go under ``PREFIX.``, or ``FILE``.
        dst: file to write; it appears only when complete.

    Returns:
        Number of weights by source.

    Raises:
        HandDataError: two files fill the same weight.
        HandFileError: a file cannot be read or written.
    """
    from mmhand.utils.checkpoint import load_checkpoint

    merged, counts, hands = {}, {}, set()
    for source in sources:
        # A path may hold a "=" of its own; a prefix is a dotted name.
        prefix, separator, path = source.partition('=')
        if not separator or not prefix.replace('.', '_').isidentifier():
            prefix, path = '', source
        checkpoint = load_checkpoint(path)
        state = checkpoint.get('state_dict', checkpoint)
        state = {f'{prefix}.{key}' if prefix else key: value for key, value in state.items()}
        twice = sorted(set(state) & set(merged))
        if twice:
            raise HandDataError(f'{path} fills "{twice[0]}", which an earlier file has filled')
        merged.update(state)
        hands.update(stated_hands(checkpoint))
        counts[source] = len(state)
    meta = dict(
        mmhand_version=__version__,
        merged=[Path(source.rpartition('=')[2]).name for source in sources],
    )
    if hands:
        meta[KEY] = sorted(hands)
    save_atomically(dict(meta=meta, state_dict=merged), dst)
    return counts

"""Errors of a first batch that does not fit through a network."""

import re
from types import FrameType

from torch import nn

from mmhand.utils.errors import HandConfigError

#: What torch says where numbers of channels, sizes or classes of neighbouring parts differ.
_SHAPES = re.compile(
    r'shapes cannot be multiplied|size of tensor|Sizes of tensors|expected input|Given groups|'
    r'normalized_shape|running_mean should|invalid for input of size|must match the (?:size|existing)|'
    r'shape mismatch|does not match|output size|too small|Kernel size|Trying to resize|doesn.t match'
)


def explain_step(error: Exception) -> HandConfigError | None:
    """The config's mistake behind the first batch's error; ``None`` where it is none.

    Networks whose parts do not fit each other are built without complaint and fail at their first
    batch. A batch after it has been through the same network, so its error is a defect.

    Args:
        error: as caught.
    """
    if not isinstance(error, RuntimeError) or not _SHAPES.search(str(error)):
        return None
    root, part, first = None, None, False
    trace = error.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        me = frame.f_locals.get('self')
        if isinstance(me, nn.Module):
            root = root or me
            if not type(me).__module__.startswith('torch.'):
                part = me
        elif frame.f_code.co_name == 'run_iter':
            first = _is_first(frame)
        trace = trace.tb_next
    if root is None or not first:
        return None
    names = {id(module): name for name, module in root.named_modules()}
    place = names.get(id(part), '').removeprefix('module.')
    where = f'model.{place}' if place else 'model'
    text = ' '.join(str(error).split())[:240]
    return HandConfigError(
        f'{where} ({type(part or root).__name__}) does not take the first batch: {text}; do the sizes '
        'and channels in its section fit the parts before it? (MMHAND_DEBUG=1 shows where)'
    )


def _is_first(frame: FrameType) -> bool:
    loop, index = frame.f_locals.get('self'), frame.f_locals.get('idx')
    return getattr(loop, '_iter', index or 0) == 0

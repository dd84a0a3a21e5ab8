"""What the names of metrics say: unit, which way is better, and the meaning in plain words."""

import re

#: Parts of metric names of which more is better.
_HIGHER = (
    *('auc', 'acc', 'handedness', 'aph', 'f@', 'f_score', 'fscore', 'iou', 'psnr', 'ssim', 'pck'),
    *('joint@', 'frame_max@', 'frame_mean@', 'ranking', 'gain'),
)

#: Last parts of metric names, as patterns, and their units; others are shares or scores.
_UNITS = {
    r'MPJPE|MPVPE|MRRPE|^(penetration|penetration_gt|deviation)$': 'mm',
    r'^(EPE|pixel_error)$': 'px',
    r'^volume$': 'mm³',
}

#: Last parts of metric names, as patterns, and what they measure. ``{}`` is what comes after the ``@``.
_MEANINGS = {
    r'MPJPE': 'mean distance of a joint from its true place',
    r'MPVPE': 'mean distance of a point of the surface from its true place',
    r'MRRPE': 'error of the left wrist as seen from the right one',
    r'^EPE$': 'mean distance of a joint from its true place, in the picture',
    r'^PCK@': "share of joints off by less than {} of the box's longer side",
    r'^PCKh@': "share of joints off by less than {} of the head's size",
    r'AUC': 'share of points within a limit, averaged over limits',
    r'F@|f_score': 'agreement of the surfaces at {} mm (F-score)',
    r'HandednessAcc': 'share of pictures of which it is told rightly which hands are there',
    r'^joint@': 'share of joints off by less than {} mm',
    r'^frame_mean@': 'share of frames whose joints are off by less than {} mm on average',
    r'^frame_max@': 'share of frames whose worst joint is off by less than {} mm',
    r'IoU': 'overlap of masks',
}

#: Starts of the same, and what is done before measuring.
_ALIGNMENTS = {
    'PA-': 'after the best turn, shift and scale',
    'ST-': 'after the best shift and scale',
    'RR-': 'seen from the root',
}


def last_part(name: str) -> str:
    """A metric's name without its protocol's prefix and without its stage: ``MPJPE``."""
    start, at, limit = name.rpartition('/')[2].partition('@')
    return start.rpartition('.')[2] + at + limit


def is_count(name: str) -> bool:
    """Whether a metric only counts what was scored."""
    return last_part(name) == 'joints'


def unit(name: str) -> str:
    """``'mm'``, ``'px'`` (pixels of the picture), ``'mm³'`` or nothing."""
    last = last_part(name)
    return next((found for part, found in _UNITS.items() if re.search(part, last)), '')


def with_unit(name: str) -> str:
    """A name as tables show it: ``nyu/MPJPE, mm``."""
    return f'{name}, {found}' if (found := unit(name)) else name


def higher_is_better(name: str) -> bool:
    """Whether more is better, as for shares; errors are the other way round."""
    return any(part in name.lower() for part in _HIGHER)


def meaning(name: str) -> str:
    """What a metric measures, in words; empty where that is not known."""
    last = last_part(name)
    words = next((words for part, words in _MEANINGS.items() if re.search(part, last)), '')
    done = next((done for start, done in _ALIGNMENTS.items() if last.startswith(start)), '')
    words = words.format(re.sub('[^0-9.].*', '', last.partition('@')[2]))
    return f'{words} {done}'.strip() if words else ''

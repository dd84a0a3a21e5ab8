"""Synthetic hand scenes in the layouts of real benchmarks.

:func:`render_sample` yields any sample of a data set by its index; the writers in
:mod:`mmhand.synthesis.writers` store them the way a benchmark does.
"""

from .config import SynthesisConfig
from .depth_sampler import DepthDraws, DepthHandSampler, mask_balls
from .generate import build_config, count_splits, generate_dataset, get_writer, parse_splits
from .render import render_sample, single_threaded, synthetic_batch
from .sample import MASK_PLANES, SyntheticSample
from .writers import DEPTH_UNIT, SYNTHESIS_WRITERS, DatasetWriter

__all__ = [
    'DEPTH_UNIT',
    'MASK_PLANES',
    'SYNTHESIS_WRITERS',
    'DatasetWriter',
    'DepthDraws',
    'DepthHandSampler',
    'SynthesisConfig',
    'SyntheticSample',
    'build_config',
    'count_splits',
    'generate_dataset',
    'mask_balls',
    'get_writer',
    'parse_splits',
    'render_sample',
    'single_threaded',
    'synthetic_batch',
]

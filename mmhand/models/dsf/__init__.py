"""DSF: dual-branch self-boosting hand pose from depth (Ren et al., TIP 2022)."""

from .consis_cycle_gan import ConsisCycleGAN
from .cycle_networks import PatchDiscriminator, ResNetGenerator
from .dsf import DSF
from .dsf_data_preprocessor import DSFDataPreprocessor
from .dual_branch_net import DualBranchNet, DualBranchStage

__all__ = [
    'ConsisCycleGAN',
    'DSF',
    'DSFDataPreprocessor',
    'DualBranchNet',
    'DualBranchStage',
    'PatchDiscriminator',
    'ResNetGenerator',
]

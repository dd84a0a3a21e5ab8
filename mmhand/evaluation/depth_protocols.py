"""Presets of the depth benchmarks."""

from dataclasses import replace

from mmhand.structures import get_joint_set

from .protocols import Protocol, register_protocol

_SUCCESS = (20.0, 30.0, 40.0)
_DEPTH = (
    'absolute camera-frame errors without alignment, as in the result files of depth papers '
    '(awesome-hand-pose-estimation evaluation)'
)
NYU = register_protocol(
    Protocol(
        name='nyu',
        source=f'NYU hand pose, 14 points: {_DEPTH}',
        joint_set='nyu14',
        success=_SUCCESS,
        tip_preset='dsf',
    )
)
NYU_DSF = register_protocol(
    replace(
        NYU,
        name='nyu_dsf',
        source="DSF's release on NYU: the first 11 of the 14 points, means over batches of 32",
        joints=get_joint_set('nyu14').joints[:11],
        average='batch',
    )
)
ICVL = register_protocol(
    replace(NYU, name='icvl', source=f'ICVL hand posture, 16 points: {_DEPTH}', joint_set='icvl16')
)
ICVL_DSF = register_protocol(
    replace(
        ICVL,
        name='icvl_dsf',
        source="DSF's release on ICVL: a bias in depth is taken off each joint, means over batches",
        z_bias=(
            *(20.0, 22.0, 13.5, 7.5, 12.5, 12.5, 3.0, 12.5),
            *(12.5, 8.0, 16.0, 12.5, 3.0, 13.0, 7.3, 6.0),
        ),
        average='batch',
    )
)
MSRA = register_protocol(
    replace(NYU, name='msra', source=f'MSRA hand gesture, 21 joints: {_DEPTH}', joint_set='msra21')
)
MSRA_DSF = register_protocol(
    replace(
        MSRA,
        name='msra_dsf',
        source='DSF on MSRA as it was meant: without the wrist, means over batches of 32 (the release '
        'leaves the last joint out instead)',
        joints=get_joint_set('msra21').joints[1:],
        average='batch',
    )
)

"""Presets of benchmarks in which every hand is a row of its own."""

from dataclasses import replace

from .protocols import MIDDLE_MCP, WRIST, Alignment, Protocol, register_protocol

_ROOT_WRIST = Alignment(root=WRIST)
_PA_MIRROR = Alignment(procrustes=True, reflection=True)
_FREIHAND_AUC = (0.0, 50.0, 100)

_HO3D_VIEWS = {
    '': Alignment(),
    'PA': _PA_MIRROR,
    'ST': Alignment(root=WRIST, bone=(WRIST, MIDDLE_MCP), zero_bone=1.0),
}
_HO3D_SOURCE = (
    'shreyashampali/ho3d eval.py --version {}: raw, Procrustes with reflections, and scale and '
    'translation alignment; means of per-point means; F-scores at 5 and 15 mm'
)
HO3D_V2 = register_protocol(
    Protocol(
        name='ho3d_v2',
        source=_HO3D_SOURCE.format('v2'),
        alignments=_HO3D_VIEWS,
        auc=_FREIHAND_AUC,
        mesh=True,
        fscores=(5.0, 15.0),
        tip_preset='ho3d',
    )
)
HO3D_V3 = register_protocol(replace(HO3D_V2, name='ho3d_v3', source=_HO3D_SOURCE.format('v3')))
FREIHAND = register_protocol(
    replace(
        HO3D_V2,
        name='freihand',
        source='lmb-freiburg/freihand eval.py: raw and Procrustes with reflections',
        alignments={'': Alignment(), 'PA': _PA_MIRROR},
        tip_preset='freihand',
    )
)
RHD = register_protocol(
    Protocol(
        name='rhd',
        source='Zimmermann and Brox 2017 (hand3d eval3d_full.py) on RHD: wrist root, scale by the '
        "annotated length of the middle finger's first bone, AUC 20-50 mm; there predictions have unit "
        'length by construction, here each is divided by its own',
        alignments={'': Alignment(root=WRIST, bone=(MIDDLE_MCP, 'middle2'))},
        auc=(20.0, 50.0, 100),
    )
)
STB = register_protocol(
    replace(
        RHD,
        name='stb',
        source='STB as RHD is evaluated (Zimmermann and Brox 2017), AUC 20-50 mm, with the wrist as '
        'root: STB annotates the middle of the palm in its place, which is to be moved first',
    )
)
DEXYCB_TOOLKIT = register_protocol(
    Protocol(
        name='dexycb_toolkit',
        source='NVlabs/dex-ycb-toolkit dex_ycb_toolkit/hpe_eval.py: absolute, root-relative and '
        "FreiHAND's Procrustes; AUC 0-50 mm in 100 steps",
        alignments={'': Alignment(), 'RR': _ROOT_WRIST, 'PA': _PA_MIRROR},
        auc=_FREIHAND_AUC,
    )
)
DEXYCB_HANDOCCNET = register_protocol(
    Protocol(
        name='dexycb_handoccnet',
        source='HandOccNet data/DEX_YCB evaluate(): wrist root, Procrustes without reflection, '
        'per-sample means',
        alignments={'': _ROOT_WRIST, 'PA': Alignment(procrustes=True)},
        average='sample',
    )
)
DEXYCB_MESH = register_protocol(
    Protocol(
        name='dexycb_mesh',
        source='H2ONet and HandBooster on DexYCB: wrist root, Procrustes with reflection, joints and '
        'vertices aligned independently, per-sample means',
        alignments={'': _ROOT_WRIST, 'PA': _PA_MIRROR},
        average='sample',
        mesh=True,
    )
)
IAHM = register_protocol(
    Protocol(
        name='iahm',
        source='Identity-Aware Hand Mesh (Kong et al. 2022) evaluation, means over samples: the hand '
        "model's frame without translation, and about the wrist; joints regressed from the meshes",
        alignments={'': Alignment(), 'RR': _ROOT_WRIST},
        average='sample',
        frame='model',
        joints_from='dataset',
        mesh=True,
    )
)
IAHM_RELEASE = register_protocol(
    replace(
        IAHM,
        name='iahm_release',
        source='Identity-Aware Hand Mesh, as released: means over batches of 32 of their means',
        average='batch',
    )
)

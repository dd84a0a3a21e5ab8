"""Presets of benchmarks with two hands in a picture."""

from dataclasses import replace

from .protocols import MIDDLE_MCP, WRIST, Alignment, Protocol, register_protocol

INTERNET = register_protocol(
    Protocol(
        name='internet',
        source='InterHand2.6M data/InterHand2.6M/dataset.py evaluate(): each hand minus its wrist, '
        'no scale, mean of 42 per-joint means; MRRPE; handedness',
        alignments={'': Alignment(root=WRIST)},
        two_hands=True,
        group_by_type=True,
        gate_root=True,
        relative_root=WRIST,
        handedness=True,
        tip_preset='interhand',
    )
)
MMPOSE = register_protocol(
    replace(
        INTERNET,
        name='mmpose',
        source='mmpose 1.3.2 InterHandMetric: as InterNet, but one mean over all valid joints',
        average='micro',
    )
)
HDR = register_protocol(
    replace(
        INTERNET,
        name='hdr',
        source='HDR (Meng et al. 2022), inferred from its alignment helper: wrist root, scale by '
        'the annotated wrist - middle-MCP length',
        alignments={'': Alignment(root=WRIST, bone=(WRIST, MIDDLE_MCP), bone_eps=1e-6)},
        relative_root=None,
        handedness=False,
    )
)
TWOHAND = register_protocol(
    Protocol(
        name='twohand',
        source='Two-Hand-Shape-Pose v2 (Zhang et al. 2021) released evaluation: middle-MCP root, '
        'scale by the annotated wrist - middle-MCP length, interacting frames, roots count as zero',
        alignments={'': Alignment(root=MIDDLE_MCP, bone=(WRIST, MIDDLE_MCP))},
        two_hands=True,
        hand_types=('interacting',),
        auc=(0.0, 50.0, 200),
        mesh=True,
        tip_preset='twohand',
    )
)
INTAGHAND = register_protocol(
    replace(
        TWOHAND,
        name='intaghand',
        source='IntagHand (Li et al. 2022) apps/eval_interhand.py: middle-MCP root, scale by the '
        'annotated wrist - middle-MCP length, joints of both sides regressed from posed vertices, one '
        'mean over all joints, roots count as zero. Its list of frames also leaves out those darker '
        'than 10 in mean and lacking either annotation',
        average='micro',
        joints_from='hand_model',
        auc=None,
    )
)

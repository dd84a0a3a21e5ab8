"""One preset per benchmark: what is aligned, compared and averaged.

"MPJPE" means something else in nearly every paper on hands. A :class:`Protocol` writes it down;
results are only comparable within one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from mmhand.structures import get_joint_set
from mmhand.utils.errors import HandConfigError

#: Root joints and bones are named by their canonical joints.
WRIST, MIDDLE_MCP = 'wrist', 'middle1'


@dataclass(frozen=True)
class Alignment:
    """How a predicted hand is brought to its ground truth before they are compared.

    Attributes:
        root: joint brought together; ``None`` compares in the camera frame.
        bone: two joints whose distance gives the scale (ground truth over prediction).
        bone_eps: added to both lengths, metres.
        zero_bone: what a predicted length of zero counts as, metres; ``None``: such a hand is left out.
        procrustes: best similarity transform instead of root and bone; joints and vertices get
            their own.
        reflection: whether that transform may mirror.
    """

    root: str | None = None
    bone: tuple[str, str] | None = None
    bone_eps: float = 0.0
    zero_bone: float | None = None
    procrustes: bool = False
    reflection: bool = False

    def root_index(self) -> int | None:
        """Index of the root in the canonical order."""
        return None if self.root is None else get_joint_set('canonical').index(self.root)

    def bone_indices(self) -> tuple[int, int] | None:
        """Indices of the bone's ends in the canonical order."""
        if self.bone is None:
            return None
        order = get_joint_set('canonical')
        return order.index(self.bone[0]), order.index(self.bone[1])


@dataclass(frozen=True)
class Protocol:
    """What one benchmark's evaluator does.

    Attributes:
        name: the preset's name, also the prefix of its results.
        source: the official evaluator or text it follows.
        alignments: result prefix to alignment; ``''`` is the main one, others give ``PA-MPJPE``.
        average: over joints, ``'point'`` (mean of per-joint means), ``'micro'`` or ``'sample'``;
            ``'batch'``: every number is the mean over batches (calls of a metric's ``process``) of
            the samples' mean.
        frame: ``'sample'`` compares in the frame of the annotations, ``'model'`` in the hand model's
            own: annotations less ``gt_hands.transl``, predictions less ``pred_hands.transl`` where
            they state one.
        joints_from: name of the regressor that takes the joints of both sides from their meshes, see
            :mod:`mmhand.evaluation.joint_regressors`: ``'hand_model'`` (its own, and the tip
            vertices of ``tip_preset``) or ``'dataset'`` (``joint_regressor`` of the data set's
            metainfo, where it has one and both sides have meshes). ``None``: joints as annotated
            and predicted.
        two_hands: a sample is a pair of hands and its 42 joints are averaged as such; otherwise
            every hand is a row of its own and both sides share 21 joints.
        hand_types: samples of other hand types are left out; ``None`` takes all.
        group_by_type: report ``_all``, ``_single`` and ``_interacting`` besides.
        gate_root: a hand counts for nothing if a joint that the main alignment needs is not valid.
        auc: (first, last, number) of the PCK thresholds, mm; ``None``: no AUC.
        mesh: whether vertices are compared, where prediction and ground truth have them.
        fscores: F-score thresholds, mm, of the vertices.
        relative_root: whether MRRPE is reported, and of which joint.
        handedness: whether the accuracy of hand presence is reported.
        tip_preset: fingertip vertices the joints of both sides must come from.
        joint_set: order of the benchmark's own points (depth benchmarks); both sides may come in it or
            in the canonical order, and points that one of them has not are left out. ``None``: both are
            canonical.
        joints: names in it that are compared; all if ``None``.
        z_bias: taken off the predicted depth of each of them, mm.
        success: thresholds, mm, for the shares of frames whose worst joint (``frame_max@T``) or mean
            (``frame_mean@T``), and of joints (``joint@T``), are within them.
    """

    name: str
    source: str
    alignments: dict[str, Alignment] = field(default_factory=lambda: {'': Alignment()})
    average: str = 'point'
    frame: str = 'sample'
    joints_from: str | None = None
    two_hands: bool = False
    hand_types: tuple[str, ...] | None = None
    group_by_type: bool = False
    gate_root: bool = False
    auc: tuple[float, float, int] | None = None
    mesh: bool = False
    fscores: tuple[float, ...] = ()
    relative_root: str | None = None
    handedness: bool = False
    tip_preset: str = 'manopth'
    joint_set: str | None = None
    joints: tuple[str, ...] | None = None
    z_bias: tuple[float, ...] = ()
    success: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.joint_set is None:
            if self.joints is not None or self.z_bias:
                raise HandConfigError(
                    f'evaluation protocol "{self.name}" names joints or a bias without a joint_set'
                )
            return
        known = get_joint_set(self.joint_set).joints
        for joint in self.joints or ():
            if joint not in known:
                raise HandConfigError(
                    f'evaluation protocol "{self.name}": "{self.joint_set}" has no joint "{joint}"'
                )
        if self.z_bias and len(self.z_bias) != len(self.joint_names()):
            raise HandConfigError(
                f'evaluation protocol "{self.name}": {len(self.z_bias)} z_bias for '
                f'{len(self.joint_names())} joints'
            )

    def joint_names(self) -> tuple[str, ...]:
        """Names of the compared joints, in order."""
        if self.joints is not None:
            return tuple(self.joints)
        return get_joint_set(self.joint_set or 'canonical').joints

    def thresholds(self) -> np.ndarray | None:
        """(T,) PCK thresholds in millimetres."""
        return None if self.auc is None else np.linspace(*self.auc)


_PROTOCOLS: dict[str, Protocol] = {}


def register_protocol(protocol: Protocol) -> Protocol:
    """Make a protocol known by its name.

    Raises:
        HandConfigError: the name is taken.
    """
    if protocol.name in _PROTOCOLS:
        raise HandConfigError(f'evaluation protocol "{protocol.name}" exists already')
    _PROTOCOLS[protocol.name] = protocol
    return protocol


def get_protocol(protocol: str | Protocol | Mapping[str, Any], **changes: Any) -> Protocol:
    """Look a protocol up by name, changed where asked.

    Args:
        protocol: a preset's name, a protocol (given back), or a dict with ``name`` and the fields to
            change.
        changes: fields to replace; the name should then say so (``name='internet_mcp'``).

    Raises:
        HandConfigError: no such preset or field; the message lists the known ones.
    """
    if isinstance(protocol, Mapping):
        if 'name' not in protocol:
            raise HandConfigError(f'an evaluation protocol dict needs "name", got {dict(protocol)}')
        changes = {**protocol, **changes}
        protocol = changes.pop('name')
    if not isinstance(protocol, Protocol):
        if protocol not in _PROTOCOLS:
            raise HandConfigError(
                f'unknown evaluation protocol "{protocol}"; known: {", ".join(sorted(_PROTOCOLS))}'
            )
        protocol = _PROTOCOLS[protocol]
    try:
        return replace(protocol, **changes)
    except TypeError as error:
        raise HandConfigError(f'evaluation protocol "{protocol.name}": {error}') from None


def protocol_names() -> tuple[str, ...]:
    """Names of all presets, sorted."""
    return tuple(sorted(_PROTOCOLS))

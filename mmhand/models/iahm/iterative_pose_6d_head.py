"""Rotations refined step by step, each step by a network of its own."""

from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmhand.hand_models.rotations import matrix_to_rotation_6d, rotation_6d_to_matrix
from mmhand.registry import MODELS
from mmhand.utils.errors import HandConfigError

from .vector_heads import mlp

#: What the iterations start from: the first two rows of the identity, or its first two columns read row
#: by row, which as rows is no rotation at all (the second row is zero after Gram-Schmidt): the released
#: baseline starts there.
STARTS = {
    'rows': (1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
    'columns': (1.0, 0.0, 0.0, 1.0, 0.0, 0.0),
}


@MODELS.register_module()
class IterativePose6DHead(BaseModule):
    """Three separate MLPs that change the rotations of 16 joints in turn.

    Step k feeds the image feature and the rotations so far to its own MLP. The answer is added to the
    six numbers, or is itself a rotation that is put in front of the one so far. The released baseline
    and identity-aware network differ in all three of ``agg``, ``start`` and ``eps``
    (docs/en/methods/iahm.md#quirks-of-the-release).

    Args:
        in_channels: length of the feature.
        hidden_channels: widths of each MLP.
        num_iters: steps.
        num_joints: joints.
        agg: ``'add'`` or ``'multiply'``.
        start: see :data:`STARTS`.
        eps: lower bound of the norms that the products divide by.
        start_still: add the identity to the last layers' biases, so that products first change little.
            As released, six numbers about zero are first rotations of any kind, and in a short training
            a joint may stay turned the wrong way.
        init_cfg: mmengine initialisation. Do not set the last layers to zero: a product with the
            rotation of six zeros is zero for good.

    Raises:
        HandConfigError: unknown ``agg`` or ``start``.
    """

    def __init__(
        self,
        in_channels: int = 1000,
        hidden_channels: Sequence[int] = (512, 256, 128),
        num_iters: int = 3,
        num_joints: int = 16,
        agg: str = 'multiply',
        start: str = 'rows',
        eps: float = 1e-6,
        start_still: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if agg not in ('add', 'multiply'):
            raise HandConfigError(f'agg is "{agg}", not add or multiply')
        if start not in STARTS:
            raise HandConfigError(f'start is "{start}", not one of {", ".join(STARTS)}')
        self.agg, self.eps = agg, eps
        width = 6 * num_joints
        self.steps = nn.ModuleList(
            mlp((in_channels + width, *hidden_channels, width)) for _ in range(num_iters)
        )
        if start_still:
            still = torch.tensor(STARTS['rows']).repeat(num_joints)
            for step in self.steps:
                step[-1].bias.data += still
        self.register_buffer(
            'first', torch.tensor(STARTS[start]).repeat(num_joints, 1), persistent=False
        )

    def forward(self, feature: Tensor) -> tuple[Tensor, ...]:
        """Rotations after each step, first step first.

        Args:
            feature: (B, in_channels).

        Returns:
            (B, J, 6) each, two rows of a rotation; orthonormal only with ``agg='multiply'``.
        """
        rotations = self.first.to(feature).expand(feature.shape[0], -1, -1)
        stages = []
        for step in self.steps:
            change = step(torch.cat((feature, rotations.flatten(1)), dim=1)).unflatten(1, (-1, 6))
            rotations = self._aggregate(rotations, change)
            stages.append(rotations)
        return tuple(stages)

    def _aggregate(self, rotations: Tensor, change: Tensor) -> Tensor:
        if self.agg == 'add':
            return rotations + change
        turn, before = (
            rotation_6d_to_matrix(numbers, layout='rows', eps=self.eps)
            for numbers in (change, rotations)
        )
        return matrix_to_rotation_6d(turn @ before, layout='rows')

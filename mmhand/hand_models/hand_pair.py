"""A right and a left hand of one kind."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from torch import nn

from mmhand.structures.sides import SIDES
from mmhand.utils.errors import HandConfigError

from .base import HandModel
from .build import build_hand_model

if TYPE_CHECKING:
    from .linear_skinned_hand import LinearSkinnedHand


class HandPair(nn.ModuleList):
    """Right and left hand model of one kind; meshes and shapes have one size.

    Args:
        right, left: the models.

    Raises:
        HandConfigError: they have different sizes.
    """

    def __init__(self, right: HandModel, left: HandModel) -> None:
        super().__init__((right, left))
        if (right.num_verts, right.num_betas) != (left.num_verts, left.num_betas):
            raise HandConfigError('the hand models of both sides have different sizes')
        self.num_verts, self.num_betas = right.num_verts, right.num_betas

    if TYPE_CHECKING:
        # Slices of a pair are not asked for.
        def __getitem__(  # type: ignore[override]
            self, index: int
        ) -> 'LinearSkinnedHand':
            """Model of a side: 0 right, 1 left."""

        def __iter__(self) -> 'Iterator[LinearSkinnedHand]':
            """Right, then left."""


#: Models of a fit, right first: a pair, or as many as wanted.
HandModels: TypeAlias = 'HandPair | Sequence[LinearSkinnedHand]'


def build_hand_pair(config: Mapping | str | None = None) -> HandPair:
    """Both hand models of a config, right first.

    Args:
        config: of a hand model, or its name; its own ``side`` does not count. ``None``: ``OpenHand``.

    Raises:
        HandConfigError: the config builds no hand model, or sides of different sizes.
    """
    config = config or 'OpenHand'
    config = dict(type=config) if isinstance(config, str) else dict(config)
    right, left = (build_hand_model({**config, 'side': side}) for side in SIDES)
    return HandPair(right, left)

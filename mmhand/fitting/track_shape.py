"""One shape for all frames of a track."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from .placed_hand import PlacedHands
from .track_table import TrackTable


class TrackShape:
    """Running robust mean of betas and size of tracked hands.

    Every frame counts by its confidence, less the further it is from the mean so far, and frames fade
    slowly. A hand whose size changes is moved along its ray, so that it looks as large as before.

    Args:
        spread: distance from the mean, root mean square in the units of the priors (1 a beta, 0.08
            the logarithm of the size), at which a frame counts half.
        fade: seconds after which a frame counts a third.
        forget: seconds after which a track that was not seen starts anew.
    """

    def __init__(self, spread: float = 1.0, fade: float = 20.0, forget: float = 2.0) -> None:
        self.spread = spread
        self.fade = fade
        self.table = TrackTable(forget)

    def __call__(
        self, hands: PlacedHands, tracks: Sequence[int] | Tensor, time: float
    ) -> PlacedHands:
        """Hands with the betas and size of their tracks.

        Args:
            hands: B hands of one frame.
            tracks: (B,) identity of each.
            time: seconds.

        Returns:
            The hands; joints and pixels moved for the new size, mesh and joints not yet posed for
            the new betas (:class:`~mmhand.fitting.smoothing.HandSmoother` does that).
        """
        tracks = torch.as_tensor(tracks, dtype=torch.long)
        betas, seen = hands.need('betas'), hands.need('size')
        new = torch.cat((betas, seen.log()[:, None] / 0.08), 1).double()
        weight = hands.need('confidence').double().clamp_min(1e-3)[:, None]
        blank = dict(mean=new, weight=torch.zeros_like(weight))
        old, since = self.table.recall(tracks, time, blank)
        off = (new - old['mean']).square().mean(1, keepdim=True)
        weight = weight / (1 + off / self.spread**2)
        kept = old['weight'] * torch.exp(-since / self.fade)[:, None]
        mean = (kept * old['mean'] + weight * new) / (kept + weight)
        self.table.store(tracks, time, dict(mean=mean, weight=kept + weight))
        size = (0.08 * mean[:, -1]).exp().to(seen)
        # As large in the picture: as much nearer or farther as it got smaller or larger.
        factor = (size / seen)[:, None]
        return replace(
            hands,
            betas=mean[:, :-1].to(betas),
            size=size,
            joints=factor[..., None] * hands.joints,
            vertices=factor[..., None] * hands.need('vertices'),
            transl=factor * hands.need('transl'),
        )

"""What is remembered of tracked hands, in tensors."""

import torch
from torch import Tensor

from mmhand.utils.errors import HandDataError


class TrackTable:
    """Rows of named values, one for each track; tracks that are not seen are forgotten.

    Args:
        forget: seconds.
    """

    def __init__(self, forget: float) -> None:
        self.forget = forget
        self.tracks = torch.zeros(0, dtype=torch.long)
        self.times = torch.zeros(0, dtype=torch.float64)
        self.values: dict[str, Tensor] = {}

    def __len__(self) -> int:
        return len(self.tracks)

    def recall(
        self, tracks: Tensor, time: float, new: dict[str, Tensor]
    ) -> tuple[dict[str, Tensor], Tensor]:
        """Values of tracks (B,), those of ``new`` (B, ...) for tracks that are not known.

        Returns:
            The values, and (B,) seconds since each was stored; 1 for new tracks.

        Raises:
            HandDataError: a track was stored at this time or later.
        """
        if not len(self):
            return dict(new), torch.ones(len(tracks), dtype=torch.float64)
        match = self.tracks == tracks[:, None]
        row = match.byte().argmax(1)
        since = time - self.times[row]
        known = match.any(1) & (since <= self.forget)
        if bool((known & (since <= 0)).any()):
            raise HandDataError(f'smoothing: a frame at {time} s after one at that time or later')
        values = {
            name: torch.where(
                known.view(-1, *[1] * (value.ndim - 1)), self.values[name][row], value
            )
            for name, value in new.items()
        }
        return values, torch.where(known, since, 1.0)

    def store(self, tracks: Tensor, time: float, values: dict[str, Tensor]) -> None:
        """Keep values (B, ...) of tracks (B,)."""
        keep = (time - self.times <= self.forget) & ~torch.isin(self.tracks, tracks)
        self.tracks = torch.cat((self.tracks[keep], tracks))
        now = torch.full((len(tracks),), time, dtype=torch.float64)
        self.times = torch.cat((self.times[keep], now))
        self.values = {
            name: torch.cat((self.values[name][keep], value)) if self.values else value
            for name, value in values.items()
        }

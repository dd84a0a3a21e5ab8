"""DG-STA: attention over the joints of a frame, then over frames (Chen et al., BMVC 2019)."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseModel
from torch import Tensor, nn

from mmhand.registry import MODELS
from mmhand.structures import HandDataSample
from mmhand.utils.errors import HandDataError


class SampleNorm(nn.Module):
    """Layer normalisation by the unbiased deviation, to which epsilon is added."""

    def __init__(self, channels: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.a_2 = nn.Parameter(torch.ones(channels))
        self.b_2 = nn.Parameter(torch.zeros(channels))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """(..., C) normalised over C."""
        mean, deviation = x.mean(-1, keepdim=True), x.std(-1, keepdim=True)
        return self.a_2 * (x - mean) / (deviation + self.eps) + self.b_2


class Position(nn.Module):
    """Adds sines and cosines of a token's place: its joint, or its number."""

    pe: Tensor

    def __init__(self, places: Tensor, channels: int) -> None:
        super().__init__()
        rate = torch.exp(torch.arange(0, channels, 2) * -(math.log(10000.0) / channels))
        angle = places[:, None].float() * rate
        code = torch.stack((angle.sin(), angle.cos()), dim=-1).flatten(1)
        self.register_buffer('pe', code[None])

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) with places."""
        return x + self.pe


class MaskedAttention(nn.Module):
    """Multi-head attention in which a token sees its own frame only, or itself and the other frames."""

    s_mask: Tensor
    t_mask: Tensor

    def __init__(
        self,
        frames: int,
        joints: int,
        channels: int,
        heads: int,
        width: int,
        spatial: bool,
        dropout: float,
    ) -> None:
        super().__init__()
        self.heads, self.width, self.spatial = heads, width, spatial
        block = torch.block_diag(*[torch.ones(joints, joints)] * frames)
        self.register_buffer('t_mask', 1 - block + torch.eye(frames * joints))
        self.register_buffer('s_mask', block)
        self.key_map = nn.Sequential(nn.Linear(channels, heads * width), nn.Dropout(dropout))
        self.query_map = nn.Sequential(nn.Linear(channels, heads * width), nn.Dropout(dropout))
        self.value_map = nn.Sequential(
            nn.Linear(channels, heads * width), nn.ReLU(), nn.Dropout(dropout)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) to (B, T, heads * width)."""

        def split(values: Tensor) -> Tensor:
            return values.unflatten(-1, (self.heads, self.width)).transpose(1, 2)

        query, key, value = (split(m(x)) for m in (self.query_map, self.key_map, self.value_map))
        mask = (self.s_mask if self.spatial else self.t_mask) > 0
        out = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        return out.transpose(1, 2).flatten(2)


class AttentionLayer(nn.Module):
    """Places, masked attention, and a map back to the channels."""

    def __init__(
        self,
        frames: int,
        joints: int,
        channels: int,
        heads: int,
        width: int,
        spatial: bool,
        dropout: float,
    ) -> None:
        super().__init__()
        tokens = torch.arange(frames * joints)
        self.pe = Position(tokens % joints if spatial else tokens, channels)
        self.attn = MaskedAttention(frames, joints, channels, heads, width, spatial, dropout)
        self.ft_map = nn.Sequential(
            nn.Linear(heads * width, channels), nn.ReLU(), SampleNorm(channels), nn.Dropout(dropout)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) to (B, T, C)."""
        return self.ft_map(self.attn(self.pe(x)))


@MODELS.register_module()
class DGSTA(BaseModel):
    """Classify skeleton sequences by spatial, then temporal attention.

    Inputs (B, frames, joints, 3) metres, about the palm of the first frame. Samples' metainfo ``label``
    is the class, from 0; ``predict`` adds ``pred_scores`` (classes,) and ``pred_label``. Names of
    weights are those of the published code; ``module.`` of its checkpoints is taken off at loading.

    Args:
        num_classes: 14 or 28.
        frames, joints: of a sequence.
        channels, heads, width: of tokens, and of attention.
        dropout: everywhere.
    """

    def __init__(
        self,
        num_classes: int = 14,
        frames: int = 8,
        joints: int = 22,
        channels: int = 128,
        heads: int = 8,
        width: int = 32,
        dropout: float = 0.2,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.input_map = nn.Sequential(
            nn.Linear(3, channels), nn.ReLU(), SampleNorm(channels), nn.Dropout(dropout)
        )
        size = (frames, joints, channels, heads, width)
        self.s_att = AttentionLayer(*size, spatial=True, dropout=dropout)
        self.t_att = AttentionLayer(*size, spatial=False, dropout=dropout)
        self.cls = nn.Linear(channels, num_classes)
        self.shape = (frames, joints, 3)

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *args: object) -> None:
        for key in [key for key in state_dict if key.startswith(f'{prefix}module.')]:
            state_dict[prefix + key[len(prefix) + 7 :]] = state_dict.pop(key)
        super()._load_from_state_dict(state_dict, prefix, *args)

    def forward(
        self,
        inputs: Tensor | Sequence[Tensor],
        data_samples: Sequence[HandDataSample] | None = None,
        mode: str = 'tensor',
    ) -> Tensor | dict[str, Tensor] | list[HandDataSample]:
        """Run a mode: ``tensor`` (B, classes) logits, ``loss``, or ``predict``."""
        inputs = inputs if isinstance(inputs, Tensor) else torch.stack(list(inputs))
        if inputs.shape[1:] != self.shape:
            raise HandDataError(
                f'sequences have shape {tuple(inputs.shape[1:])}, expected {self.shape}: '
                'frames, joints, 3'
            )
        tokens = self.input_map(inputs.flatten(1, 2))
        logits = self.cls(self.t_att(self.s_att(tokens)).mean(1))
        if mode == 'tensor':
            return logits
        if mode == 'loss':
            labels = torch.tensor([sample.label for sample in data_samples], device=logits.device)
            return {'loss': F.cross_entropy(logits, labels)}
        for sample, scores in zip(data_samples, logits.softmax(-1).detach().cpu(), strict=True):
            sample.set_field(scores, 'pred_scores')
            sample.set_field(int(scores.argmax()), 'pred_label')
        return list(data_samples)

"""Keys of PVT-v2 style blocks, which mmpose and mmsegmentation pack differently."""

import torch

from .base import KeyTable

_RENAMED = {
    'norm1': 'norm1',
    'norm2': 'norm2',
    'attn.proj': 'attn.attn.out_proj',
    'attn.sr': 'attn.sr',
    'attn.norm': 'attn.norm',
    'mlp.dwconv.dwconv': 'ffn.layers.1',
}
_LINEAR_TO_CONV = {'mlp.fc1': 'ffn.layers.0', 'mlp.fc2': 'ffn.layers.4'}


def convert_pvt_block(table: KeyTable, source: str, target: str) -> None:
    """Move one block of PVT-v2 or SegFormer as their authors wrote it.

    ``q`` and ``kv`` (keys first) become one ``in_proj``; the linear layers of the feed-forward net
    become 1x1 convolutions.

    Args:
        table: the checkpoint under conversion.
        source: prefix of the block's keys there, with its final dot.
        target: prefix in mmhand.
    """
    for kind in ('weight', 'bias'):
        packed = [table.take(f'{source}attn.{name}.{kind}') for name in ('q', 'kv')]
        table.put(f'{target}attn.attn.in_proj_{kind}', torch.cat(packed))
        for old, new in _RENAMED.items():
            if f'{source}{old}.{kind}' in table:
                table.put(f'{target}{new}.{kind}', table.take(f'{source}{old}.{kind}'))
        for old, new in _LINEAR_TO_CONV.items():
            tensor = table.take(f'{source}{old}.{kind}')
            table.put(
                f'{target}{new}.{kind}', tensor[..., None, None] if kind == 'weight' else tensor
            )

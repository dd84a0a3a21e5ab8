"""HDR (ECCV 2022): segmentor, generator, discriminator and pose network
(methods/hdr.md#checkpoints)."""

import re

from mmhand.utils.errors import HandDataError

from .base import ConversionMethod, KeyTable, register_method
from .mit import segmentor
from .pvt import convert_pvt_block

_LEVEL = {'enc': 'encoder', 'dec': 'decoder'}


def _branch(match: re.Match) -> str:
    """``fusion_conv2.x`` -> ``fusion_convs.1.x``."""
    return f'decode_head.{match.group(1)}s.{int(match.group(2)) - 1}.{match.group(3)}'


register_method(
    ConversionMethod(
        'hdr_hasm',
        'HDR Interhand_seg/iter_237500.pth, amodal segmentation',
        model=segmentor,
        rename=(
            (r'backbone\..*', r'\g<0>'),
            (r'decode_head\.convs\..*', r'\g<0>'),
            (r'decode_head\.(fusion_conv|conv_seg)([1-4])\.(.*)', _branch),
        ),
    )
)


def _layer(side: str, level: str) -> str:
    return f'generator.{_LEVEL[side]}.{int(level) - 1}'


def _convert_generator(table: KeyTable) -> None:
    for match in table.find(r'.*\.mask_conv\.weight'):
        ones = table.drop(match.group(), 'frozen kernel of ones, summed analytically')
        if not (ones == 1).all():
            raise HandDataError(
                f'{table.source}: "{match.group()}" is not all ones; it is no HDR generator'
            )
    for match in table.find(r'(enc|dec)_(\d)_transformer\.norm1\.(weight|bias)'):
        side, level, kind = match.groups()
        target = f'{_layer(side, level)}.attention'
        table.put(f'{target}.norm.{kind}', table.take(match.group()))
        if kind == 'weight':
            source = f'{side}_{level}_transformer.block1.0.'
            convert_pvt_block(table, source, f'{target}.block.')


register_method(
    ConversionMethod(
        'hdr_hdrm',
        'HDR TDR_fintune/checkpoints/ckpt_iter_138000.pth.tar, de-occlusion and removal generator',
        model='hdr_hdrm_aih',
        convert=_convert_generator,
        rename=(
            (
                r'(enc|dec)_(\d)\.conv\.input_conv\.(weight|bias)',
                lambda m: f'{_layer(m[1], m[2])}.conv.{m[3]}',
            ),
            (r'(enc|dec)_(\d)\.bn\.(.*)', lambda m: f'{_layer(m[1], m[2])}.norm.{m[3]}'),
        ),
        prefixes=('generator.',),
    )
)


register_method(
    ConversionMethod(
        'hdr_discriminator',
        'HDR TDR_fintune/checkpoints/D_iter_138000.pth.tar, discriminator of the generator',
        model='hdr_hdrm_aih',
        rename=((r'conv(\d)\.0\.(.*)', lambda m: f'discriminator.convs.{int(m[1]) - 1}.{m[2]}'),),
        drop=((r'features\.0\..*', 'conv1.0 registered a second time'),),
        prefixes=('discriminator.',),
    )
)

_RESNET = r'(?:resnet|resnet50)\.'
_BRANCH = {'hmap_0': 'heatmap', 'dmap_0': 'delta', 'lmap_0': 'location'}
_MODULE = {'0': 'conv', '1': 'bn'}

register_method(
    ConversionMethod(
        'hdr_shpe',
        'HDR All_train_SingleRightHand/checkpoints/ckpt_iter_261000.pth.tar, or DetNet of '
        'Minimal-Hand-pytorch',
        model='hdr_shpe_interhand',
        rename=(
            (_RESNET + r'(conv|bn)1\.(.*)', r'backbone.stem.\1.\2'),
            (
                _RESNET + r'squeeze\.([01])\.(.*)',
                lambda m: f'backbone.squeeze.{_MODULE[m[1]]}.{m[2]}',
            ),
            (_RESNET + r'pool\.0\.(.*)', r'backbone.pool.\1'),
            (_RESNET + r'(block\d\.\d+)\.shortcut\.(.*)', r'backbone.\1.downsample.\2'),
            (_RESNET + r'(block\d\.\d+\..*)', r'backbone.\1'),
            (
                r'([hdl]map_0)\.project\.([01])\.(.*)',
                lambda m: f'head.{_BRANCH[m[1]]}.project.{_MODULE[m[2]]}.{m[3]}',
            ),
            (
                r'([hdl]map_0)\.prediction\.(.*)',
                lambda m: f'head.{_BRANCH[m[1]]}.prediction.{m[2]}',
            ),
        ),
    )
)

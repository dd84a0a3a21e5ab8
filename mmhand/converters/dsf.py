"""DSF (TIP 2022): the dual-branch network and the generator of its depth translation."""

import re
from collections.abc import Mapping

from torch import Tensor

from mmhand.utils.errors import HandDataError

from .base import ConversionMethod, register_method
from .config_model import config_model

_STAGE = r'(_s2)?'


def _stage(match: re.Match, name: str) -> str:
    return f'network.stages.{1 if match[1] else 0}.{name}'


def _config(state: Mapping[str, Tensor]) -> dict:
    blocks = {
        match[1] for key in state if (match := re.fullmatch(r'layer3\.(\d+)\.conv1\.weight', key))
    }
    bottleneck = 'layer1.0.conv3.weight' in state
    depths = {(2, False): 18, (6, False): 34, (6, True): 50, (23, True): 101}
    if (len(blocks), bottleneck) not in depths:
        raise HandDataError(
            f'the checkpoint has {len(blocks)} blocks in "layer3", which is no depth of DSF; it is '
            'incomplete or from another network'
        )
    stages = 2 if 'fusion.0.weight' in state else 1
    return config_model(
        'dsf_r18_nyu',
        network=dict(depth=depths[len(blocks), bottleneck], num_stages=stages),
        generator=None,
    )


_MANO = (
    r'(.*\.)?(v_template|shapedirs|J_regressor|hands_comp|hands_mean|posedirs|e3)',
    "MANO's own arrays, read from the user's file instead",
)

register_method(
    ConversionMethod(
        name='dsf',
        about='DSF best.pth or latest.pth, one or two stages, ResNet-18, -50 or -101',
        model=_config,
        rename=(
            (r'pre\.(.*)', r'network.stem.\1'),
            (r'fusion\.(.*)', r'network.fusion.\1'),
            (
                rf'layer(\d){_STAGE}\.(.*)',
                lambda m: f'network.stages.{1 if m[2] else 0}.layers.{int(m[1]) - 1}.{m[3]}',
            ),
            (
                rf'deconv_layer(\d){_STAGE}\.(.*)',
                lambda m: f'network.stages.{1 if m[2] else 0}.deconvs.{4 - int(m[1])}.{m[3]}',
            ),
            (rf'finals{_STAGE}\.(\d\..*)', lambda m: _stage(m, f'maps.{m[2]}')),
            (rf'mano_regress{_STAGE}\.2\.(.*)', lambda m: _stage(m, f'params.{m[2]}')),
        ),
        drop=(_MANO,),
        hand_models=('MANO',),
    )
)


def _generator(match: re.Match) -> str:
    """Layers of the release's one sequence, by what they are in ours."""
    place, rest = int(match[1]), match[2]
    if 10 <= place <= 18:
        inner = re.fullmatch(r'conv_block\.(1|5)\.(.*)', rest)
        if inner:
            return f'generator.blocks.{place - 10}.conv{1 if inner[1] == "1" else 2}.{inner[2]}'
    names = {1: 'stem', 4: 'downs.0', 7: 'downs.1', 19: 'ups.0', 22: 'ups.1', 26: 'out'}
    return f'generator.{names.get(place, place)}.{rest}'


register_method(
    ConversionMethod(
        name='dsf_cyclegan',
        about='Consis-CycleGAN latest_net_G_A.pth, synthetic to real depth',
        model='dsf_cyclegan_nyu',
        prefixes=('generator.',),
        rename=((r'model\.(\d+)\.(.*)', _generator),),
    )
)

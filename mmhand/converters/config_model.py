"""Networks of conversion methods, taken from the configs that declare them."""

from mmengine.config import Config, ConfigDict

from mmhand.utils.config import load_config, without_pretraining


def config_model(name: str, **changes: object) -> dict:
    """The network of one of mmhand's configs, as its weights need it.

    MANO gives way to the embedded hand, which has the same parameters and needs no file; nothing is
    fetched.

    Args:
        name: of a config.
        **changes: laid over the network as a child config lays them.

    Returns:
        Config of a model.
    """
    model = without_pretraining(load_config(name).model)
    _open(model)
    return Config._merge_a_into_b(ConfigDict(changes), ConfigDict(model))


def _open(node: object) -> None:
    if isinstance(node, dict):
        if str(node.get('type')).endswith('MANO'):
            side = node.get('side', 'right')
            node.clear()
            node.update(type='OpenHand', side=side)
        if 'perceptual' in node:
            node['perceptual'] = None  # features of VGG-16, of training only
        for value in node.values():
            _open(value)
    elif isinstance(node, list | tuple):
        for value in node:
            _open(value)


def config_hand_models(name: str) -> list[str]:
    """Hand models of one of mmhand's configs, which released weights of it were trained with.

    Args:
        name: of a config.
    """
    found: set[str] = set()

    def visit(node: object) -> None:
        if isinstance(node, dict):
            kind = str(node.get('type')).rpartition('.')[2]
            if kind in ('MANO', 'OpenHand'):
                found.add(kind)
            for value in node.values():
                visit(value)
        elif isinstance(node, list | tuple):
            for value in node:
                visit(value)

    visit(load_config(name).model)
    return sorted(found)

"""What ``mmengine.hub`` asks a package for before it builds one of its models."""

from mmengine.registry import Registry

from .. import registry


def register_all_modules(init_default_scope: bool = True) -> None:
    """Fill all registries now, as the function of this name does in mmpose and mmdetection.

    Nothing of mmhand needs it: its registries fill themselves when they are first asked.

    Args:
        init_default_scope: also make names without a prefix resolve in mmhand from now on.
    """
    for value in vars(registry).values():
        if isinstance(value, Registry) and value.scope == 'mmhand':
            value.import_from_location()
    if init_default_scope:
        # Imported late: it brings mmengine's runner, and this module is part of ``import mmhand``.
        from .setup_env import init_default_scope as set_default_scope

        set_default_scope()

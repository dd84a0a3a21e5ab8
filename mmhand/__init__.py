"""mmhand: 3D hand pose and mesh methods as plugins on OpenMMLab.

Importing the package is cheap on purpose: it makes the registries known to mmengine and mmcv-lite's
``mmcv.ops`` importable, and nothing else. Models, datasets and metrics are imported by their
registries when a config first names one; the names of ``__all__`` when they are first asked for.
"""

import importlib
from typing import TYPE_CHECKING, Any

from mmengine.config.utils import MODULE2PACKAGE

# mmengine resolves ``mmhand::config.py`` and inferencer scopes through this table; the registries
# must exist before another project asks its own for ``mmhand.X``.
MODULE2PACKAGE.setdefault('mmhand', 'mmhand')

from . import registry  # noqa: E402
from .utils.compat import serve_mmcv_ops  # noqa: E402
from .utils.own_path import serve_own_path  # noqa: E402
from .version import __version__  # noqa: E402

if TYPE_CHECKING:
    from .apis import HandInferencer, init_model
    from .hand_models import MANO, ManoLayer, OpenHand

serve_mmcv_ops()
serve_own_path()

#: Where the names of the face live.
_LAZY = {
    'HandInferencer': 'apis',
    'MANO': 'hand_models',
    'ManoLayer': 'hand_models',
    'OpenHand': 'hand_models',
    'init_model': 'apis',
}

__all__ = [
    'HandInferencer',
    'MANO',
    'ManoLayer',
    'OpenHand',
    '__version__',
    'init_model',
    'registry',
]


def __getattr__(name: str) -> Any:
    """Import a name of the face when it is first asked for."""
    if name not in _LAZY:
        raise AttributeError(f'module mmhand has no attribute {name!r}')
    value = getattr(importlib.import_module(f'.{_LAZY[name]}', __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})

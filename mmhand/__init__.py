"""mmhand: 3D hand pose and mesh methods as plugins on OpenMMLab.

Importing the package is cheap on purpose: it makes the registries known to mmengine and mmcv-lite's
``mmcv.ops`` importable, and nothing else. Models, datasets and metrics are imported by their
registries when a config first names one.
"""

from mmengine.config.utils import MODULE2PACKAGE

# mmengine resolves ``mmhand::config.py`` and inferencer scopes through this table; the registries
# must exist before another project asks its own for ``mmhand.X``.
MODULE2PACKAGE.setdefault('mmhand', 'mmhand')

from mmhand.utils.compat import serve_mmcv_ops  # noqa: E402

from . import registry  # noqa: E402
from .version import __version__  # noqa: E402

serve_mmcv_ops()

__all__ = ['__version__', 'registry']

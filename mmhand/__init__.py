"""mmhand: 3D hand pose and mesh methods as plugins on OpenMMLab.

Importing the package is cheap on purpose: it registers the package name with mmengine and nothing
else. Models, datasets and metrics are imported by their registries when a config first names one.
"""

from mmengine.config.utils import MODULE2PACKAGE

from .version import __version__

# mmengine resolves ``mmhand::config.py`` and inferencer scopes through this table.
MODULE2PACKAGE.setdefault('mmhand', 'mmhand')

__all__ = ['__version__']

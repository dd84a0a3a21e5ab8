"""Every network part, imported so that the registry knows it.

The registries import this module when a config first names a part. What needs no mmpose,
mmsegmentation or mmdetection, such as the open weights of :mod:`mmhand.models.blaze`, can be imported by
itself without them.
"""

from mmhand.utils.compat import ensure_openmmlab

# Parts derive from mmpose and mmsegmentation classes, whose packages import mmcv.ops eagerly.
ensure_openmmlab()

from . import (  # noqa: E402, F401
    backbones,
    blaze,
    cmr,
    data_preprocessors,
    dsf,
    estimators,
    hdr,
    iahm,
    internet,
    layers,
    losses,
    spmhand,
    twohand,
)

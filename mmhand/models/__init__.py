"""Networks: estimators and the parts they are built from."""

from mmhand.utils.compat import ensure_openmmlab

# Parts derive from mmpose and mmsegmentation classes, whose packages import mmcv.ops eagerly.
ensure_openmmlab()

from . import (  # noqa: E402, F401
    backbones,
    data_preprocessors,
    discriminators,
    estimators,
    generators,
    heads,
    layers,
    losses,
    necks,
)

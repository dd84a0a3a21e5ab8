"""Networks: a room per family, and by kind the parts that two or more families use."""

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

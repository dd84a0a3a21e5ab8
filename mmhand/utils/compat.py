"""Use mmpose, mmsegmentation and mmdet parts with mmcv-lite, which has no compiled ops.

``mmpose.models``, ``mmseg.models`` and ``mmdet.models`` import ``mmcv.ops`` eagerly, and
``mmcv.ops`` imports the compiled ``mmcv._ext`` that mmcv-lite does not carry.
:func:`serve_mmcv_ops` puts a stand-in in ``sys.modules`` only while ``mmcv.ops`` is first imported
and takes it out again: mmengine tests for ``mmcv._ext`` to tell full mmcv from lite
and fails on a module without a spec.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import TYPE_CHECKING

from .errors import HandConfigError

if TYPE_CHECKING:
    from torch import Tensor

#: The OpenMMLab projects whose parts mmhand borrows, as pip takes them.
PROJECTS = {'mmdet': 'mmdet==3.3.0', 'mmseg': 'mmsegmentation==1.2.2', 'mmpose': 'mmpose==1.3.2'}


def has_compiled_mmcv() -> bool:
    """Whether the installed mmcv carries its compiled ops."""
    return importlib.util.find_spec('mmcv._ext') is not None


def _nms(boxes: Tensor, scores: Tensor, iou_threshold: float, offset: int = 0) -> Tensor:
    """Serve mmcv's ``nms`` from torchvision; ``offset=1`` means inclusive far edges."""
    import torch
    from torchvision.ops import nms

    if offset:
        boxes = torch.cat([boxes[:, :2], boxes[:, 2:] + offset], dim=1)
    return nms(boxes, scores, iou_threshold)


def _roi_align_forward(
    input: Tensor,
    rois: Tensor,
    output: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """Serve mmcv's average-pooling ``roi_align`` from torchvision, written into ``output``."""
    from torchvision.ops import roi_align

    if pool_mode != 1:
        raise RuntimeError('roi_align with max pooling needs compiled mmcv; use pool_mode="avg"')
    size = (aligned_height, aligned_width)
    output.copy_(roi_align(input, rois, size, spatial_scale, sampling_ratio, aligned))


def _roi_align_backward(
    grad_output: Tensor,
    rois: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    grad_input: Tensor,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """Gradient of :func:`_roi_align_forward`, written into ``grad_input``."""
    import torch

    grad_input.copy_(
        torch.ops.torchvision._roi_align_backward(
            grad_output.contiguous(),
            rois,
            spatial_scale,
            aligned_height,
            aligned_width,
            *grad_input.shape,
            sampling_ratio,
            aligned,
        )
    )


_SERVED: dict[str, Callable] = {
    'nms': _nms,
    'roi_align_forward': _roi_align_forward,
    'roi_align_backward': _roi_align_backward,
}


class _StandInExt(ModuleType):
    """A module on which every op exists and, unless torchvision serves it, raises when called."""

    def __getattr__(self, name: str) -> Callable:
        if name.startswith('__'):
            raise AttributeError(name)
        if name in _SERVED:
            return _SERVED[name]

        def needs_compiled_mmcv(*args: object, **kwargs: object) -> None:
            raise RuntimeError(
                f'mmcv op "{name}" needs compiled mmcv, and mmcv-lite is installed: '
                'install the full "mmcv" wheel for your torch and CUDA, or use a model without it'
            )

        return needs_compiled_mmcv


class _StandInLoader(Loader):
    """Execute ``mmcv.ops`` while the stand-in is where it looks for its compiled part."""

    def __init__(self, inner: Loader) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._inner.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        sys.modules['mmcv._ext'] = _StandInExt('mmcv._ext')
        try:
            self._inner.exec_module(module)
        finally:
            del sys.modules['mmcv._ext']


class _OpsFinder(MetaPathFinder):
    """Find ``mmcv.ops`` of mmcv-lite, whoever imports it; leaves full mmcv to itself."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != 'mmcv.ops' or has_compiled_mmcv():
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _StandInLoader(spec.loader)
        return spec


class _CocoLoader(Loader):
    """Loads a module of pycocotools under xtcocotools' name."""

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave the making to Python."""

    def exec_module(self, module: ModuleType) -> None:
        """Put pycocotools' own module in the place of the empty one."""
        name = module.__name__
        sys.modules[name] = importlib.import_module(name.replace('xtcocotools', 'pycocotools', 1))


class _CocoFinder(MetaPathFinder):
    """Find ``xtcocotools`` where it is not installed, whoever imports it; asked last of all finders."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition('.')[0] != 'xtcocotools':
            return None
        return ModuleSpec(fullname, _CocoLoader(), is_package=fullname == 'xtcocotools')


def serve_mmcv_ops() -> None:
    """Make ``import mmcv.ops`` work from now on, whoever does it; called when mmhand is imported.

    So does ``import xtcocotools`` by pycocotools, see :func:`ensure_xtcocotools`.

    A project that builds ``mmhand.X`` through mmpose's registry makes mmpose import all its models
    before mmhand's are looked at, so the import itself has to be served.
    """
    if not any(isinstance(finder, _OpsFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _OpsFinder())
        sys.meta_path.append(_CocoFinder())


def ensure_mmcv_ops() -> None:
    """Import ``mmcv.ops``, with the stand-in if mmcv-lite is installed."""
    serve_mmcv_ops()
    importlib.import_module('mmcv.ops')


def ensure_xtcocotools() -> None:
    """Serve mmpose's ``xtcocotools`` imports from pycocotools where xtcocotools does not import.

    xtcocotools has no wheel for Python 3.12 and newer, and those it has do not import beside NumPy 2.
    mmhand uses none of what it adds (per-part OKS); mmpose's data sets only need its ``COCO`` reader,
    which pycocotools has as well.
    """
    if 'xtcocotools' in sys.modules:
        return
    if importlib.util.find_spec('xtcocotools') is not None:
        # Without errors it is used; a binary of another NumPy is a ValueError.
        with contextlib.suppress(ImportError, ValueError, AttributeError):
            importlib.import_module('xtcocotools.mask')
            return
    for name in ('', '.coco', '.cocoeval', '.mask'):
        sys.modules[f'xtcocotools{name}'] = importlib.import_module(f'pycocotools{name}')


def ensure_openmmlab() -> None:
    """Make mmpose, mmsegmentation and mmdet importable, or say what is missing.

    Raises:
        HandConfigError: one of them is not installed.
    """
    missing = [name for name in PROJECTS if importlib.util.find_spec(name) is None]
    if missing:
        raise HandConfigError(
            f'mmhand.models needs {", ".join(missing)}: run "mmhand doctor --install", which '
            f'installs {" ".join(PROJECTS[name] for name in missing)} and what they use'
        )
    ensure_mmcv_ops()
    ensure_xtcocotools()

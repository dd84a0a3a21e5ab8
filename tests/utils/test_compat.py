"""The package imports with mmcv-lite, leaves full mmcv alone, and is cheap to import.

Imports have to be tried in fresh processes: a half-initialised module stays cached.
"""

import subprocess
import sys
import textwrap

import pytest
import torch

from mmhand.utils import has_compiled_mmcv
from mmhand.utils.compat import ensure_mmcv_ops


def run_python(code, **kwargs):
    return subprocess.run(
        [sys.executable, '-c', textwrap.dedent(code)], capture_output=True, text=True, **kwargs
    )


def test_foreign_parts_build_through_the_registry_and_leave_no_stand_in():
    result = run_python(
        """
        import sys
        from mmhand.registry import MODELS
        for cfg in (dict(type='mmpose.ResNet', depth=18),
                    dict(type='mmseg.MixVisionTransformer', embed_dims=8, num_layers=[1] * 4,
                         num_heads=[1] * 4),
                    dict(type='mmdet.CSPNeXt', deepen_factor=0.2, widen_factor=0.2)):
            MODELS.build(cfg)
        import mmcv
        assert 'mmcv._ext' not in sys.modules
        from mmengine.utils import is_installed
        import importlib.util
        print('compiled' if importlib.util.find_spec('mmcv._ext') else 'lite')
        """
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == ('compiled' if has_compiled_mmcv() else 'lite')


def test_other_projects_reach_the_package_by_scope():
    result = run_python(
        """
        from mmengine.registry import init_default_scope
        from mmengine.utils import import_modules_from_strings
        # What custom_imports=dict(imports=['mmhand']) does in a config of mmpose's.
        import_modules_from_strings(imports=['mmhand'])
        init_default_scope('mmpose')
        from mmpose.registry import DATASETS, METRICS, MODELS
        hand = MODELS.build(dict(type='mmhand.OpenHand', side='left'))
        assert type(hand).__module__ == 'mmhand.hand_models.open_hand'
        METRICS.build(dict(type='mmhand.InterHandMetric'))
        # The registry alone, as another project's code would use it.
        from mmhand.registry import MODELS as OURS
        assert OURS.get('OpenHand') is type(hand)
        """
    )
    assert result.returncode == 0, result.stderr


def test_import_registers_nothing_heavy():
    result = run_python(
        """
        import torch, time, sys
        start = time.perf_counter()
        import mmhand
        seconds = time.perf_counter() - start
        heavy = [n for n in ('cv2', 'mmpose', 'mmseg', 'mmdet', 'mmcv', 'trimesh', 'scipy')
                 if n in sys.modules]
        assert heavy in ([], ['cv2']), heavy
        assert 'mmhand.models' not in sys.modules and 'mmhand.datasets' not in sys.modules
        """
    )
    assert result.returncode == 0, result.stderr


def test_full_mmcv_is_left_untouched(tmp_path):
    """Full mmcv is simulated by a package that has ``_ext`` of its own."""
    package = tmp_path / 'mmcv'
    (package / 'ops').mkdir(parents=True)
    (package / '__init__.py').write_text('__version__ = "2.1.0"\n')
    (package / '_ext.py').write_text('mark = "real"\n')
    (package / 'ops' / '__init__.py').write_text('from mmcv import _ext\nmark = _ext.mark\n')
    result = run_python(
        f"""
        import sys
        sys.path.insert(0, {str(tmp_path)!r})
        from mmhand.utils import compat
        assert compat.has_compiled_mmcv()
        compat.ensure_mmcv_ops()
        assert sys.modules['mmcv.ops'].mark == 'real'
        assert sys.modules['mmcv._ext'].mark == 'real'
        """
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.skipif(has_compiled_mmcv(), reason='the stand-in only exists with mmcv-lite')
def test_stand_in_serves_nms_and_roi_align_and_refuses_the_rest():
    ensure_mmcv_ops()
    from mmcv.ops import RoIAlign, nms

    boxes = torch.tensor([[0.0, 0, 10, 10], [1, 1, 10, 10], [20, 20, 30, 30]])
    kept = nms(boxes, torch.tensor([0.9, 0.8, 0.7]), 0.5)[1]
    assert kept.tolist() == [0, 2]
    feature = torch.rand(1, 2, 16, 16, requires_grad=True)
    rois = torch.tensor([[0.0, 2, 2, 10, 10]])
    pooled = RoIAlign(4, use_torchvision=False)(feature, rois)
    expected = RoIAlign(4, use_torchvision=True)(feature, rois)
    torch.testing.assert_close(pooled, expected)
    grads = [torch.autograd.grad(out.square().sum(), feature)[0] for out in (pooled, expected)]
    torch.testing.assert_close(*grads)
    from mmcv.ops import ModulatedDeformConv2d

    conv = ModulatedDeformConv2d(2, 2, 3)
    with pytest.raises(RuntimeError, match='needs compiled mmcv'):
        conv(feature, torch.zeros(1, 18, 14, 14), torch.zeros(1, 9, 14, 14))


def test_pycocotools_stands_in_for_xtcocotools(tmp_path):
    result = run_python(
        """
        import importlib.util, sys
        find = importlib.util.find_spec
        importlib.util.find_spec = lambda n, *a: None if n == 'xtcocotools' else find(n, *a)
        from mmhand.utils import compat
        compat.ensure_xtcocotools()
        from xtcocotools.coco import COCO
        import xtcocotools.mask
        assert COCO.__module__ == 'pycocotools.coco'
        """
    )
    assert result.returncode == 0, result.stderr


def test_missing_project_is_named():
    result = run_python(
        """
        import importlib.util
        find = importlib.util.find_spec
        importlib.util.find_spec = lambda n, *a: None if n == 'mmpose' else find(n, *a)
        import mmhand.models.registered
        """
    )
    assert result.returncode != 0
    assert 'mmhand.models needs mmpose: run "mmhand doctor --install"' in result.stderr


def test_data_sets_and_metrics_do_without_the_other_projects():
    result = run_python(
        """
        import importlib.util, sys
        projects = ('mmpose', 'mmseg', 'mmdet')
        sys.modules.update(dict.fromkeys(projects))  # importing them fails
        find = importlib.util.find_spec
        importlib.util.find_spec = lambda n, *a: None if n in projects else find(n, *a)
        from mmhand.registry import DATASETS, METRICS, TRANSFORMS
        from mmhand.utils.errors import HandConfigError
        assert DATASETS.get('InterHand26MDataset') and TRANSFORMS.get('PackHandInputs')
        METRICS.build(dict(type='InterHandMetric'))
        try:
            METRICS.build(dict(type='AmodalIoUMetric'))
        except HandConfigError as error:
            assert 'mmhand doctor --install' in str(error)
        else:
            sys.exit('it was built')
        """
    )
    assert result.returncode == 0, result.stderr


def test_collect_env_names_what_matters():
    result = subprocess.run(
        [sys.executable, '-m', 'mmhand.utils.collect_env'], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    for word in ('mmhand', 'mmpose', 'mmcv ops', 'PyTorch', 'pycocotools'):
        assert word in result.stdout

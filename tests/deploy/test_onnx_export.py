import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmhand.apis import init_model
from mmhand.deploy.export_parts import export_parts, open_part
from mmhand.deploy.onnx_export import OnnxNetwork, export_onnx, named_tensors, onnx_errors
from mmhand.models.hdr.partial_conv import PartialConv2d
from mmhand.structures import HandDataSample
from mmhand.utils.config import list_configs
from mmhand.utils.errors import HandConfigError, HandDataError

pytest.importorskip('onnx')
pytest.importorskip('onnxruntime')

ROOT = Path(__file__).resolve().parents[2]

#: A small config of each network, and the side of its pictures.
NETWORKS = {
    'boukhayma/boukhayma_r18_cpu_dexycb-s1': 64,
    'cmr/cmr_r18_pg_cpu_freihand': 128,
    'dsf/dsf_cyclegan_cpu_nyu': 32,
    'dsf/dsf_r18_cpu_nyu': 128,
    'handoccnet/handoccnet_r18_cpu_ho3d': 128,
    'hdr/hdr_hasm_mitb0_cpu_interhand': 64,
    'hdr/hdr_hdrm_cpu_aih': 64,
    'hdr/hdr_shpe_cpu_interhand': 96,
    'iahm/iahm_r18_confidence_cpu_dexycb-s1': 64,
    'internet/internet_r18_cpu_interhand': 96,
    'spmhand/spmhand_r18_cpu_ho3d': 128,
    'twohand/twohand_cpu_interhand': 96,
}
PARTS = {'dsf/dsf_r18_cpu_nyu': ['stage1', 'stage2']}


def build(name, **options):
    """A config's model with weights that no file gives and statistics other than 0 and 1."""
    torch.manual_seed(0)
    cfg = Config.fromfile(str(list_configs()[name]))
    cfg.merge_from_dict(options)
    strip(cfg.model)
    model = init_model(cfg).eval()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return model


def strip(node):
    if isinstance(node, dict):
        node.pop('init_cfg', None)
        for value in node.values():
            strip(value)


@pytest.mark.parametrize('name', NETWORKS)
def test_network_agrees_with_onnx_runtime(name):
    side = NETWORKS[name]
    parts = export_parts(build(name), (side, side))
    assert [part.name for part in parts] == PARTS.get(name, [''])
    for part in parts:
        network = OnnxNetwork(export_onnx(part), threads=1)
        assert [name.removeprefix('input_') for name in network.inputs] == list(part.inputs)
        errors = onnx_errors(part, network, batches=(1, 3))
        assert max(errors.values()) < 2e-4, errors


def test_given_shapes_are_an_input():
    model = build('iahm/iahm_r18_cpu_dexycb-s1')
    (part,) = export_parts(model, (64, 64))
    network = OnnxNetwork(export_onnx(part), threads=1)
    assert network.inputs == ['image', 'betas']
    errors = onnx_errors(part, network, batches=(1, 3))
    assert max(errors.values()) < 2e-4, errors
    # The same as of samples that bring the shapes.
    images, betas = torch.rand(3, 3, 64, 64), torch.randn(3, 10)
    samples = [HandDataSample(metainfo=dict(betas=row.tolist())) for row in betas]
    with torch.no_grad():
        raw = named_tensors(model(images, samples, mode='tensor'))
    found = network(images, betas)
    assert found.keys() == raw.keys()
    for name in ('stages.2.vertices', 'stages.2.betas', 'feature'):
        torch.testing.assert_close(torch.from_numpy(found[name]), raw[name], atol=2e-4, rtol=1e-4)


@pytest.mark.parametrize('variant', ['pg_pp', 'pose2d', 'sg', 'g'])
def test_variants_of_cmr(variant):
    model = build('cmr/cmr_r18_pg_cpu_freihand', **{'model.variant': variant})
    (part,) = export_parts(model, (128, 128))
    errors = onnx_errors(part, OnnxNetwork(export_onnx(part), threads=1), batches=(3,))
    assert max(errors.values()) < 2e-4, errors
    assert ('vertices' in errors) == (variant != 'pose2d')


@pytest.mark.parametrize('name', ['blaze_palm', 'blaze_hand'])
def test_open_networks(name):
    part = open_part(name)
    errors = onnx_errors(part, OnnxNetwork(export_onnx(part), threads=1), batches=(3,))
    assert max(errors.values()) < 1e-4, errors


def test_hdr_is_three_networks():
    parts = export_parts(build('hdr/hdr_cpu_interhand'), (96, 96))
    assert [part.name for part in parts] == ['segmentor', 'remover', 'pose_estimator']
    assert list(parts[1].inputs) == ['image', 'mask']


def test_window_sums_survive_the_export(tmp_path):
    """Exporters made means of them: values 9 times too large, in silence."""

    class Layer(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = PartialConv2d(2, 3, 3, 2, 1, bias=True)

        def forward(self, image, mask):
            return dict(zip(('x', 'known'), self.conv(image, mask), strict=True))

    from mmhand.deploy.onnx_export import ExportPart

    part = ExportPart('', Layer(), dict(image=(2, 12, 10), mask=(2, 12, 10)))
    network = OnnxNetwork(export_onnx(part, tmp_path / 'layer.onnx'), threads=1)
    assert max(onnx_errors(part, network).values()) < 1e-6
    assert [file.name for file in tmp_path.iterdir()] == ['layer.onnx']
    assert OnnxNetwork(tmp_path / 'layer.onnx').outputs == ['x', 'known']


def test_a_difference_is_seen():
    part = open_part('blaze_palm')
    network = OnnxNetwork(export_onnx(part), threads=1)
    with torch.no_grad():
        part.module.network.head12.score.bias.add_(0.5)
    assert onnx_errors(part, network, batches=(1,))['logits'] > 1e-3


def test_mistakes_are_said(tmp_path):
    (tmp_path / 'bad.onnx').write_bytes(b'not a network')
    with pytest.raises(HandDataError, match=r'bad\.onnx is no ONNX network'):
        OnnxNetwork(tmp_path / 'bad.onnx')
    with pytest.raises(HandConfigError, match='no estimator'):
        export_parts(torch.nn.Linear(1, 1), (8, 8))


def test_command(tmp_path):
    out = tmp_path / 'palm.onnx'
    command = [sys.executable, 'tools/deployment/export_onnx.py', 'blaze_palm', '--out', out]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert 'off by at most' in done.stdout
    assert OnnxNetwork(out).outputs == ['boxes', 'logits']

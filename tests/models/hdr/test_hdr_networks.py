"""Golden numbers of HDR's networks, through the converter (methods/hdr.md)."""

import pytest
import torch

from mmhand.apis import init_model
from mmhand.converters import convert_file
from mmhand.models.hdr import PartialConv2d, PVTStage
from mmhand.models.hdr.deocclusion import generator_inputs, hole_masks
from mmhand.registry import MODELS
from mmhand.utils.checkpoint import load_checkpoint

#: Config of the model, entries of the file, trained parameters, part of the model.
METHODS = {
    'hdr_hasm': ('hdr_hasm_mitb5', 1004, 82_759_880, ''),
    'hdr_hdrm': ('hdr_hdrm', 183, 42_211_611, 'generator.'),
    'hdr_discriminator': ('hdr_hdrm', 18, 2_765_824, 'discriminator.'),
    'hdr_shpe': ('hdr_shpe', 288, 12_967_635, ''),
}


@pytest.fixture(scope='module')
def converted(author_file, repo, tmp_path_factory):
    """An authors' checkpoint, converted and loaded by the public API; float64."""
    cache = {}

    def load(method):
        if method not in cache:
            path, theirs = tmp_path_factory.mktemp('mmhand') / f'{method}.pth', author_file(method)
            report = convert_file(method, theirs, path)
            theirs.unlink()
            config = repo / 'configs' / '_base_' / 'models' / f'{METHODS[method][0]}.py'
            model = init_model(config, path)
            single = {key: value.clone() for key, value in model.state_dict().items()}
            state = load_checkpoint(path)['state_dict']
            path.unlink()
            missing, unexpected = model.double().load_state_dict(state, strict=False)
            assert not unexpected
            assert not [key for key in missing if key.startswith(METHODS[method][3])]
            for key, value in state.items():
                assert torch.equal(single[key], value.to(single[key].dtype)), key
            cache[method] = model, report
        return cache[method]

    return load


@pytest.mark.parametrize('method', METHODS)
def test_every_key_of_the_authors_files_is_accounted_for(method, converted, reference):
    _, entries, parameters, prefix = METHODS[method]
    model, report = converted(method)
    keys = reference.keys[method]
    assert len(keys) == entries
    accounted = [old for old, _ in report.renamed] + [old for old, _ in report.dropped]
    beside = {'meta', 'step', 'optimizer'}
    assert sorted(set(accounted) - beside) == sorted(keys)
    assert len(set(accounted) & beside) == (1 if method == 'hdr_hasm' else 2)
    trained = sum(p.numel() for name, p in model.named_parameters() if name.startswith(prefix))
    assert trained == parameters


@pytest.mark.parametrize('normalize', ['sum', 'ratio'])
def test_partial_convolution(golden, reference, normalize):
    conv = PartialConv2d(2, 3, 3, padding=1, bias=True, normalize=normalize).double()
    with torch.no_grad():
        for name, parameter in conv.named_parameters():
            parameter.copy_(reference.fill_one(f'conv.input_conv.{name}', tuple(parameter.shape)))
        if normalize == 'ratio':
            conv.weight /= conv.full_window
        mask = torch.ones(1, 2, 8, 8, dtype=torch.float64)
        mask[..., 2:6, 2:6] = 0
        out, after = conv(reference.ramp(1, 2, 8, 8), mask)
        shared, _ = conv(reference.ramp(1, 2, 8, 8), mask[:, :1])
        parts, _ = conv(reference.ramp(1, 2, 8, 8).split(1, 1), mask.split(1, 1))
    expected = golden['partial_conv']
    assert out[0, :, 0, 0].tolist() == pytest.approx(expected['out_00'], rel=1e-9)
    assert out[0, :, 1, 2].tolist() == pytest.approx(expected['out_12'], rel=1e-9)
    assert (out[..., 3:5, 3:5] == expected['hole_out']).all()
    assert after.sum() == expected['new_mask_sum']
    assert after.shape == (1, 1, 8, 8)
    assert torch.equal(out, shared)
    torch.testing.assert_close(out, parts)


def record(modules):
    """Outputs of modules by name, filled when they run."""
    outputs = {}
    for name, module in modules.items():
        module.register_forward_hook(lambda _, __, out, name=name: outputs.__setitem__(name, out))
    return outputs


def test_generator(converted, golden, reference, stats):
    model, _ = converted('hdr_hdrm')
    discs = reference.discs()
    masks = hole_masks(discs.amodal, discs.visible, discs.other)
    image, mask = generator_inputs(reference.ramp(1, 3), masks)
    counts = dict(
        Mra=discs.amodal, Mla=discs.other, Mrv=discs.visible, MD=masks.deocclude, MR=masks.remove
    )
    counts['Mbv'] = masks.background_guide
    assert {name: int(value.sum()) for name, value in counts.items()} == golden['mask_pixels']
    layers, masks_after = {}, []
    for side, blocks in (('enc', model.generator.encoder), ('dec', model.generator.decoder)):
        for level, block in enumerate(blocks, 1):
            layers[f'{side}_{level}'] = block.act
            if isinstance(block.attention, PVTStage):
                layers[f'{side}_{level}_transformer'] = block.attention
            block.conv.register_forward_hook(lambda _, __, out: masks_after.append(out[1]))
    outputs = record(layers)
    with torch.no_grad():
        result = model(dict(image=image, mask=mask), mode='tensor')
    for name, expected in golden['generator'].items():
        stats(result['image'] if name == 'output' else outputs[name], expected, 1e-6)
    assert len(masks_after) == 16
    assert all((after == 1).all() for after in masks_after)
    expected = {key: golden['composite'][key] for key in ('shape', 'mean', 'std', 'absmax', 'pts')}
    stats(result['composite'], expected, 1e-6)


def test_generator_in_single_precision(converted, golden, reference, stats):
    model, _ = converted('hdr_hdrm')
    discs = reference.discs()
    masks = hole_masks(discs.amodal, discs.visible, discs.other)
    image, mask = generator_inputs(reference.ramp(1, 3), masks)
    generator = MODELS.build(dict(type='PConvUNet')).eval()
    generator.load_state_dict(model.generator.state_dict())
    with torch.no_grad():
        stats(generator(image.float(), mask.float()), golden['generator']['output'], 1e-4)


@pytest.mark.parametrize(('side', 'level', 'width'), [('encoder', 3, 256), ('decoder', 5, 512)])
def test_attention_stages_alone(side, level, width, converted, golden, reference, stats):
    model, _ = converted('hdr_hdrm')
    stage = getattr(model.generator, side)[level - 1].attention
    size = 32 if level == 3 else 16
    with torch.no_grad():
        out = stage(reference.ramp(1, width, size, size))
    stats(out, golden[f'{side[:3]}_{level}_transformer_alone'], 1e-6)


def test_discriminator(converted, reference):
    model, _ = converted('hdr_discriminator')
    discs = reference.discs()
    guides = [discs.visible, (1 - discs.amodal) * (1 - discs.other)]
    with torch.no_grad():
        patches = model.discriminator(torch.cat([reference.ramp(1, 3), *guides], 1))
    assert patches.shape == (1, 1, 30, 30)
    assert patches.mean().item() == pytest.approx(0.49846568, rel=1e-6)
    assert patches[0, 0, 15, 15].item() == pytest.approx(0.49625735, rel=1e-6)
    sigma = [
        torch.linalg.vector_norm(conv.weight_orig.flatten(1) @ conv.weight_v).item()
        for conv in model.discriminator.convs
    ]
    expected = [1.8510685, 1.3398312, 1.3500091, 1.3479143, 0.9908421]
    assert sigma == pytest.approx(expected, rel=1e-6)


def test_pose_network(converted, golden, reference, stats):
    model, _ = converted('hdr_shpe')
    features = record(dict(backbone=model.backbone))
    with torch.no_grad():
        out = model(reference.ramp(2, 3), mode='tensor')
    stats(features['backbone'], golden['detnet']['backbone'], 1e-6)
    names = dict(h_map='heatmaps', d_map='delta_maps', l_map='location_maps', delta='delta')
    for name, key in (*names.items(), ('xyz', 'keypoints_3d')):
        stats(out[key], golden['detnet'][name], 1e-6)
    expected = torch.tensor(golden['detnet']['uv_rowcol']).view(2, 21, 2)
    assert torch.equal(out['uv'], expected)
    middle = torch.tensor([-0.24215690, -0.06219608, -0.06216659], dtype=torch.float64)
    torch.testing.assert_close(out['keypoints_3d'][0, 9], middle, rtol=1e-6, atol=1e-8)


def test_segmentor(converted, golden, reference, stats):
    model, _ = converted('hdr_hasm')
    features = record(dict(backbone=model.backbone))
    images = reference.ramp(2, 3)
    with torch.no_grad():
        logits = model(images, mode='tensor')['seg_logits']
        masks = model.decode_head.upsample(logits, (256, 256)).argmax(2)
    both = features['backbone']
    assert logits.shape == (2, 4, 2, 64, 64)
    for index in range(4):
        stats(both[index], golden['hasm'][f'feat{index}'], 1e-6)
        stats(logits[:, index], golden['hasm'][f'logit{index}'], 1e-6)
        assert masks[:, index].sum((1, 2)).tolist() == golden['hasm'][f'fg_pixels{index}']
    with torch.no_grad():
        alone = model.backbone(images[1:])
    for single, pair in zip(alone, both, strict=True):
        assert (single[0] - pair[1]).abs().max() < 1e-12

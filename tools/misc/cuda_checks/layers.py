"""Hand layer and rasteriser: values, gradients and speed of a device against the CPU."""

import torch
from measures import largest_difference, seconds_of

from mmhand.hand_models import MANO, OpenHand, synthetic_mano
from mmhand.renderers import rasterize


def check_hand_layers(device: torch.device, batch: int = 64) -> list[dict]:
    """Rows of the embedded hand and of a made-up MANO."""
    hands = {'OpenHand': OpenHand('right'), 'MANO (made up)': MANO(data=synthetic_mano())}
    return [_hand_layer(name, hand, device, batch) for name, hand in hands.items()]


def _hand_layer(name: str, hand: torch.nn.Module, device: torch.device, batch: int) -> dict:
    generator = torch.Generator().manual_seed(0)
    inputs = [
        0.4 * torch.randn(batch, size, generator=generator) for size in (3, 45, hand.num_betas)
    ]

    def run(where: torch.device) -> dict:
        model = hand.to(where)
        leaves = [value.to(where).requires_grad_() for value in inputs]
        output = model(*leaves)
        (output.vertices.square().sum() + output.joints.square().sum()).backward()
        return {
            'vertices': output.vertices,
            'joints': output.joints,
            'gradients': [leaf.grad for leaf in leaves],
        }

    cpu = torch.device('cpu')
    reference = run(cpu)
    slow = seconds_of(lambda: run(cpu), cpu)
    found = run(device)
    quick = seconds_of(lambda: run(device), device)
    joints = largest_difference(
        [reference['vertices'], reference['joints']], [found['vertices'], found['joints']]
    )
    gradients = largest_difference(reference['gradients'], found['gradients'])
    return {
        'check': f'hand layer {name}, {batch} hands, forward and backward',
        # A hundredth of a millimetre, and a ten-thousandth of the largest gradient.
        'ok': joints['max'] < 1e-5 and gradients['max'] < 1e-4 * max(gradients['scale'], 1e-12),
        'difference': joints['max'],
        'gradient_difference': gradients['max'],
        'cpu_ms': slow * 1e3,
        'device_ms': quick * 1e3,
        'ratio': slow / quick,
    }


def check_rasterizer(device: torch.device, batch: int = 32, size: int = 128) -> list[dict]:
    """One row: faces, depth and its gradient."""
    hand = OpenHand('right')
    generator = torch.Generator().manual_seed(1)
    pose = 0.3 * torch.randn(batch, 48, generator=generator)
    with torch.no_grad():
        vertices = hand(pose[:, :3], pose[:, 3:], torch.zeros(batch, hand.num_betas)).vertices
    vertices = vertices - vertices.mean(1, keepdim=True) + torch.tensor([0.0, 0.0, 0.6])
    focal = 2.4 * size
    camera = torch.tensor([[focal, 0.0, size / 2], [0.0, focal, size / 2], [0.0, 0.0, 1.0]])
    cameras = camera.expand(batch, 3, 3)

    def run(where: torch.device) -> tuple:
        points = vertices.to(where).requires_grad_()
        seen = rasterize(points, hand.faces.to(where), cameras.to(where), (size, size))
        seen.depth.sum().backward()
        return seen.face_index, seen.depth, points.grad

    cpu = torch.device('cpu')
    faces, depth, gradient = run(cpu)
    found = [value.cpu() for value in run(device)]
    slow = seconds_of(lambda: run(cpu), cpu)
    quick = seconds_of(lambda: run(device), device)
    # Pixels on an edge may fall to either side of it.
    same = faces == found[0]
    off = largest_difference(depth[same], found[1][same])['max']
    return [
        {
            'check': f'rasteriser, {batch} hands of {size} x {size}, forward and backward',
            'ok': float(same.float().mean()) > 0.999
            and off < 1e-4
            and bool(found[2].isfinite().all()),
            'difference': off,
            'same_faces': float(same.float().mean()),
            'gradient_difference': largest_difference(gradient, found[2])['p99'],
            'cpu_ms': slow * 1e3,
            'device_ms': quick * 1e3,
            'ratio': slow / quick,
        }
    ]

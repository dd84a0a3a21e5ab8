"""Which networks of an estimator become ONNX files."""

from collections.abc import Callable

import torch
from mmengine.model import BaseModel
from torch import Tensor, nn

from mmhand.utils.errors import HandConfigError

from .onnx_export import ExportPart, TensorMode

#: Height and width of a picture.
Size = tuple[int, int]


class DSFFirstStage(nn.Module):
    """DSF's stem and first stage; with it goes what the second stage needs of them.

    Args:
        network: a :class:`~mmhand.models.dsf.dual_branch_net.DualBranchNet`.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.stem, self.stage = network.stem, network.stages[0]

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """``pwe_maps``, ``mpe``, and ``shallow`` and ``feature`` for the second stage."""
        shallow = self.stem(image)
        maps, params, feature = self.stage(shallow)
        return dict(pwe_maps=maps, mpe=params, shallow=shallow, feature=feature)


class DSFSecondStage(nn.Module):
    """DSF's fusion and second stage, of what the first one gave and the maps of its drawn hand.

    Args:
        network: a :class:`~mmhand.models.dsf.dual_branch_net.DualBranchNet` of two stages.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.fusion, self.stage = network.fusion, network.stages[1]

    def forward(
        self, shallow: Tensor, feature: Tensor, pwe_maps: Tensor, drawn_maps: Tensor
    ) -> dict[str, Tensor]:
        """``pwe_maps`` and ``mpe``."""
        maps, params, _ = self.stage(
            self.fusion(torch.cat((shallow, feature, pwe_maps, drawn_maps), dim=1))
        )
        return dict(pwe_maps=maps, mpe=params)


class GivenShape(nn.Module):
    """An identity-aware network as a function of pictures and of their hands' shapes.

    In mmhand betas come with samples, one by one, which would make their number a constant of the graph.

    Args:
        model: a :class:`~mmhand.models.iahm.identity_aware_hand_mesh.IdentityAwareHandMesh` without a
            shape head.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor, betas: Tensor) -> dict[str, object]:
        """Raw outputs of mode ``tensor``, of pictures (B, 3, H, W) and betas (B, S)."""
        feature = self.model.feature(image)
        stages = self.model.shaped_stages(feature, betas)
        return dict(stages=[stage.as_dict() for stage in stages], feature=feature)


class PalmOutputs(nn.Module):
    """The palm detector with named outputs.

    Args:
        network: a :class:`~mmhand.models.blaze.blaze_palm.BlazePalm`.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """``boxes`` (B, N, 18) relative to the anchors and ``logits`` (B, N)."""
        boxes, logits = self.network(image)
        return dict(boxes=boxes, logits=logits)


def open_part(name: str) -> ExportPart:
    """One of the open networks that the package carries, with its weights.

    Args:
        name: ``'blaze_palm'`` or ``'blaze_hand'``.
    """
    from mmhand.models.blaze import BlazeHand, BlazePalm

    network = {'blaze_palm': BlazePalm, 'blaze_hand': BlazeHand}[name]().eval()
    module = PalmOutputs(network) if name == 'blaze_palm' else TensorMode(network)
    return ExportPart('', module.eval(), {'input': (3, network.INPUT_SIZE, network.INPUT_SIZE)})


def export_parts(model: nn.Module, size: Size) -> list[ExportPart]:
    """The networks of an estimator that an ONNX file can hold.

    Most are one network, ``tensor`` mode as a whole. HDR is three: between its networks it finds boxes,
    cuts crops and grows holes in NumPy and OpenCV, picture by picture. DSF's stages are two networks:
    between them a mesh is drawn, by a rasteriser that ONNX has no operation for; its decoding of maps
    to joints needs the crop's cube and stays outside, too. An identity-aware network that is given the
    hand's shape takes it as a second input, ``betas``.

    Args:
        model: an estimator in evaluation mode.
        size: (H, W) of its pictures; for HDR, of its crops.

    Returns:
        One part, or several with names.

    Raises:
        HandConfigError: no model of mmengine.
    """
    if not isinstance(model, BaseModel):
        raise HandConfigError(f'{type(model).__name__} is no estimator of mmhand')
    names = {kind.__name__ for kind in type(model).__mro__}
    for name, make in _SPECIAL.items():
        if name in names:
            return make(model, size)
    return [ExportPart('', TensorMode(model), {'input': (3, *size)})]


def _hdr(model: nn.Module, size: Size) -> list[ExportPart]:
    return [
        ExportPart('segmentor', TensorMode(model.segmentor), {'input': (3, *size)}),
        _remover(model.remover, size)[0]._replace(name='remover'),
        ExportPart('pose_estimator', TensorMode(model.pose_estimator), {'input': (3, *size)}),
    ]


def _remover(model: nn.Module, size: Size) -> list[ExportPart]:
    inputs = {'image': (8, *size), 'mask': (8, *size)}
    return [ExportPart('', TensorMode(model, list(inputs)), inputs)]


def _dsf(model: nn.Module, size: Size) -> list[ExportPart]:
    first = DSFFirstStage(model.network).eval()
    parts = [ExportPart('stage1', first, {'image': (1, *size)})]
    if model.network.fusion is not None:
        with torch.no_grad():
            made = first(torch.zeros(1, 1, *size))
        shapes = {name: tuple(value.shape[1:]) for name, value in made.items()}
        inputs = {name: shapes[name] for name in ('shallow', 'feature', 'pwe_maps')}
        inputs['drawn_maps'] = shapes['pwe_maps']
        parts.append(ExportPart('stage2', DSFSecondStage(model.network).eval(), inputs))
    return parts


def _given_shape(model: nn.Module, size: Size) -> list[ExportPart]:
    if model.shape_head is not None:
        return [ExportPart('', TensorMode(model), {'input': (3, *size)})]
    inputs = {'image': (3, *size), 'betas': (model.hand_model.num_betas,)}
    return [ExportPart('', GivenShape(model).eval(), inputs)]


def _translation(model: nn.Module, size: Size) -> list[ExportPart]:
    return [ExportPart('', TensorMode(model), {'input': (1, *size)})]


_SPECIAL: dict[str, Callable[[nn.Module, Size], list[ExportPart]]] = {
    'HDR': _hdr,
    'HandDeocclusionRemover': _remover,
    'IdentityAwareHandMesh': _given_shape,
    'DSF': _dsf,
    'ConsisCycleGAN': _translation,
}

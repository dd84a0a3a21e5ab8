"""InterNet's head: mmpose's layers, with targets and decoding of mmhand."""

from collections.abc import Iterator, Mapping, Sequence

import torch
from mmpose.models.heads import InternetHead
from mmpose.registry import MODELS as MMPOSE_MODELS
from torch import Tensor

from mmhand.models.layers.precision import full_precision
from mmhand.registry import KEYPOINT_CODECS, MODELS
from mmhand.structures import HandDataSample, stack_hand_types, stack_hands

#: Of volumes of 64^3 for one picture this is about three megabytes.
_ROWS_AT_ONCE = 8


@MODELS.register_module()
class InterNetHead(InternetHead):
    """Heat-map volumes of both hands, relative wrist depth and hand presence (Moon et al. 2020).

    Layers, names and outputs are those of ``mmpose.InternetHead``, so its weights load. Different
    are: targets are made on the device from ``gt_hands`` with full support; the 255-high volumes
    stay float32 under mixed precision; the flip test swaps hand types and mirrors the relative
    depth rightly (mmpose takes the logits of the unflipped image and negates bins).

    Args:
        keypoint_head_cfg: of mmpose's ``Heatmap3DHead`` (each hand).
        root_head_cfg: of mmpose's ``Heatmap1DHead``.
        hand_type_head_cfg: of mmpose's ``MultilabelClassificationHead``.
        codec: config of :class:`~mmhand.codecs.InterNetVolume`.
        loss_heatmap: of the volumes; mmpose's scope, so mmhand's need their prefix.
        loss_root_depth: of the relative depth, in bins.
        loss_hand_type: of the two logits.
        init_cfg: weight initialisation beyond the parts' own.
    """

    def __init__(
        self,
        keypoint_head_cfg: dict,
        root_head_cfg: dict,
        hand_type_head_cfg: dict,
        codec: dict,
        loss_heatmap: dict | None = None,
        loss_root_depth: dict | None = None,
        loss_hand_type: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        # mmpose's heads build their default losses without a prefix.
        with MMPOSE_MODELS.switch_scope_and_registry('mmpose'):
            super().__init__(
                keypoint_head_cfg,
                root_head_cfg,
                hand_type_head_cfg,
                loss=loss_heatmap or {'type': 'mmhand.GaussianVolumeLoss'},
                loss_root_depth=loss_root_depth or {'type': 'L1Loss', 'use_target_weight': True},
                loss_hand_type=loss_hand_type or {'type': 'BCELoss', 'use_target_weight': True},
                init_cfg=init_cfg,
            )
        self.codec = KEYPOINT_CODECS.build(codec)

    def forward(self, feats: Sequence[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Run the layers.

        Args:
            feats: feature maps of the backbone; the last one (B, C, h, w) is used.

        Returns:
            (B, 42, D, H, W) float32 volumes, right hand first, in the codec's joint order; (B, 1)
            relative wrist depth, bins; (B, 2) logits of right and left.
        """
        feature = feats[-1]
        volumes = _both_volumes((self.right_hand_head, self.left_hand_head), feature)
        pooled = self.neck(feature)
        with full_precision(feature.device):
            return volumes, self.root_head(pooled.float()), self.hand_type_head(pooled.float())

    def hand_volumes(self, feature: Tensor, side: int) -> Tensor:
        """Volumes of one hand, for those who want them one after the other.

        Args:
            feature: (B, C, h, w) last feature of the backbone.
            side: 0 right, 1 left.

        Returns:
            (B, 21, D, H, W) float32, in the codec's joint order.
        """
        return _volume(self.left_hand_head if side else self.right_hand_head, feature)

    def hand_volume_bands(
        self, feature: Tensor, side: int, rows: int | None = None
    ) -> Iterator[Tensor]:
        """Volumes of one hand, some rows at a time, for those who need none of them for long.

        Args:
            feature: (B, C, h, w) last feature of the backbone.
            side: 0 right, 1 left.
            rows: how many at a time; ``None`` takes what a processor's cache holds, and all of them
                elsewhere, where one large operation is quicker than several small ones.

        Yields:
            (B, 21, D, rows, W) float32, in the codec's joint order.
        """
        hand_head = self.left_hand_head if side else self.right_hand_head
        last = hand_head.final_layer
        if not _is_pointwise(last) or (rows is None and feature.device.type != 'cpu'):
            yield _volume(hand_head, feature)
            return
        hidden = hand_head.deconv_layers(feature).float()
        width = hidden.shape[-1]
        # Pixels in a row: both memory formats are read as they are.
        for pixels in hidden.flatten(2).split((rows or _ROWS_AT_ONCE) * width, dim=-1):
            with full_precision(feature.device):
                weight = last.weight.flatten(1).float().expand(pixels.shape[0], -1, -1)
                out = torch.baddbmm(last.bias[:, None].float(), weight, pixels)
            yield out.view(out.shape[0], -1, hand_head.depth_size, pixels.shape[-1] // width, width)

    def loss(
        self,
        feats: Sequence[Tensor],
        batch_data_samples: Sequence[HandDataSample],
        train_cfg: Mapping | None = None,
    ) -> dict[str, Tensor]:
        """Losses of a batch.

        Args:
            feats: feature maps of the backbone.
            batch_data_samples: samples with ``gt_hands`` (``side``, ``keypoints_2d``,
                ``keypoints_3d``, ``keypoint_valid``) and ``hand_type``.
            train_cfg: not used; mmpose's signature.

        Returns:
            ``loss_heatmap``, ``loss_root_depth`` (bins) and ``loss_hand_type``, scalars.
        """
        volumes, root_bin, logits = self.forward(feats)
        target = self.targets(batch_data_samples, volumes.device)
        return {
            'loss_heatmap': self.loss_module(
                volumes, self.codec.profiles(target['voxels']), target['weights']
            ),
            'loss_root_depth': self.root_loss_module(
                root_bin, target['root_bin'], target['root_weight']
            ),
            'loss_hand_type': self.hand_loss_module(
                logits, target['hand_type'], target['hand_type_weight']
            ),
        }

    def targets(
        self, data_samples: Sequence[HandDataSample], device: torch.device
    ) -> dict[str, Tensor]:
        """Encoded annotations of a batch.

        Args:
            data_samples: B samples.
            device: where the network is.

        Returns:
            What the codec's ``encode`` returns, ``hand_type`` (B, 2) and ``hand_type_weight`` (B,).
        """
        hands = stack_hands(data_samples, ('keypoints_2d', 'keypoints_3d', 'keypoint_valid'))
        hands = {name: value.to(device).float() for name, value in hands.items()}
        hand_type, type_weight = stack_hand_types(data_samples, device)
        encoded = self.codec.encode(
            hands['keypoints_2d'],
            hands['keypoints_3d'][..., 2],
            hands['keypoint_valid'] * hands['present'][..., None],
            hand_type.all(1),
        )
        return {**encoded, 'hand_type': hand_type, 'hand_type_weight': type_weight}

    def predict(
        self,
        feats: Sequence[Tensor] | Sequence[Sequence[Tensor]],
        batch_data_samples: Sequence[HandDataSample] | None = None,
        test_cfg: Mapping | None = None,
    ) -> dict[str, Tensor]:
        """Decode both hands of a batch.

        Args:
            feats: feature maps; with ``flip_test`` those of the image and of
                :meth:`mirror_inputs` of it.
            batch_data_samples: not used; mmpose's signature.
            test_cfg: ``flip_test`` (default ``False``).

        Returns:
            What the codec's ``decode`` returns, ``keypoint_scores`` (B, 2, 21) heights of the peaks
            and ``handedness_score`` (B, 2) in [0, 1].
        """
        if (test_cfg or {}).get('flip_test', False):
            volumes, root_bin, logits = self._merge(*(self.forward(feat) for feat in feats))
        else:
            volumes, root_bin, logits = self.forward(feats)
        voxels, scores = self.codec.peaks(volumes)
        return {
            **self.codec.decode(voxels, root_bin),
            'keypoint_scores': self.codec.to_canonical(scores),
            'handedness_score': logits.sigmoid(),
        }

    def mirror_inputs(self, inputs: Tensor) -> Tensor:
        """Mirror images such that their volumes mirror voxel on voxel.

        A plain mirror takes pixel u to ``W - 1 - u`` and so misses the voxel grid by
        ``1 - 1 / stride`` voxel; moved by ``stride - 1`` pixels it takes voxel x to ``W' - 1 - x``.

        Args:
            inputs: (B, 3, H, W).
        """
        stride = self.codec.input_size[0] // self.codec.heatmap_size[0]
        mirrored = inputs.flip(-1)
        return torch.nn.functional.pad(mirrored[..., stride - 1 :], (0, stride - 1))

    def _merge(
        self, outputs: tuple[Tensor, Tensor, Tensor], mirrored: tuple[Tensor, Tensor, Tensor]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Average of the outputs for an image and for its mirror image."""
        volumes, root_bin, logits = outputs
        flipped = mirrored[0].flip(-1)
        half = flipped.shape[1] // 2
        volumes[:, :half].add_(flipped[:, half:]).mul_(0.5)
        volumes[:, half:].add_(flipped[:, :half]).mul_(0.5)
        # The left wrist is as far behind the right as the mirrored right is behind the left.
        root_bin = 0.5 * (root_bin + self.codec.root_bins - mirrored[1])
        return volumes, root_bin, 0.5 * (logits + mirrored[2].flip(1))


def _volume(hand_head: torch.nn.Module, feature: Tensor) -> Tensor:
    """One hand's volumes; the last layer, whose output reaches 255, in float32."""
    hidden = hand_head.deconv_layers(feature)
    with full_precision(feature.device):
        out = hand_head.final_layer(hidden.float())
    return out.unflatten(1, (-1, hand_head.depth_size))


def _both_volumes(hand_heads: Sequence[torch.nn.Module], feature: Tensor) -> Tensor:
    """Both hands' volumes, made in one place: joining two would hold them twice.

    A batched product writes them where they belong; a grouped convolution would need a copy of its
    output in another layout.
    """
    last = [hand.final_layer for hand in hand_heads]
    if not all(_is_pointwise(layer) for layer in last):
        return torch.cat([_volume(hand, feature) for hand in hand_heads], dim=1)
    hidden = torch.stack([hand.deconv_layers(feature) for hand in hand_heads], dim=1)
    size = hidden.shape[-2:]
    with full_precision(feature.device):
        weight = torch.stack([layer.weight.flatten(1) for layer in last]).float()
        out = weight @ hidden.float().flatten(3)
        out += torch.stack([layer.bias for layer in last]).float()[..., None]
    return out.flatten(1, 2).unflatten(1, (-1, hand_heads[0].depth_size)).unflatten(-1, size)


def _is_pointwise(layer: torch.nn.Module) -> bool:
    return (
        isinstance(layer, torch.nn.Conv2d)
        and layer.kernel_size == layer.stride == (1, 1)
        and layer.padding == (0, 0)
        and layer.groups == 1
        and layer.bias is not None
    )

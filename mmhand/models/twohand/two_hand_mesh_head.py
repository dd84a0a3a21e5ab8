"""Two-Hand-Shape-Pose's regressors: first estimate, relative place, and the cascade."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmhand.hand_models.hand_pair import build_hand_pair
from mmhand.models.layers.precision import full_precision
from mmhand.registry import MODELS
from mmhand.structures import HandEstimate
from mmhand.utils.errors import HandConfigError

from .hand_registration import register_hands, union_map
from .paired_linear import PairedManoBranch
from .plain_bottleneck import PlainBottleneck

#: The registration is done in millimetres, as in the release; metres are everywhere else.
MM = 1000.0


class _CascadeStep(nn.Module):
    """One step's feature extractors and branches, both hands side by side."""

    def __init__(self, in_channels: int, stride: int, branch: dict, out_channels: int) -> None:
        super().__init__()
        self.extractor = PlainBottleneck(
            in_channels, in_channels // 2, out_channels, stride, project=True, groups=2
        )
        self.branch = PairedManoBranch(**branch)


@MODELS.register_module()
class TwoHandMeshHead(BaseModule):
    """Pose and shape of both hands in stages, and how they lie to each other (Zhang et al. 2021).

    The first estimate comes from the last feature under each hand's attention map; then each step
    registers the previous hands to the heat-map peaks, looks at a finer feature where the hand is, and
    replaces the estimate from that, the other hand's estimate and the relative place
    (methods/twohand.md#forward-pass). Both hands run as one: stacked linear layers, grouped
    convolutions.

    Args:
        hand_model: config without ``side``.
        in_channels: of the four features, finest first.
        feature_channels: of the extractors' output.
        hidden: widths of the branches.
        trans_hidden: width of the relative-place branch.
        steps: of the cascade; step i reads the i-th feature from the last.
        init_std: deviation of the initial weights; ``None`` takes He's, for training from scratch.
        init_cfg: mmengine initialisation.

    Raises:
        HandConfigError: more steps than features, or hand models with different meshes.
    """

    def __init__(
        self,
        hand_model: dict,
        in_channels: Sequence[int] = (256, 512, 1024, 2048),
        feature_channels: int = 2048,
        hidden: Sequence[int] = (512, 512, 512, 512),
        trans_hidden: int = 1024,
        steps: int = 3,
        init_std: float | None = 0.01,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if not 0 <= steps <= len(in_channels):
            raise HandConfigError(f'a cascade of {steps} steps needs as many features')
        self.hand_models = build_hand_pair(hand_model)
        right = self.hand_models[0]
        self.init_std = init_std
        betas, last = right.num_betas, in_channels[-1]
        branch = dict(hidden=tuple(hidden), num_betas=betas, init_std=init_std)
        self.initial = PairedManoBranch(last, **branch)
        self.trans = nn.Sequential(
            nn.Linear(last, trans_hidden), nn.ReLU(inplace=True), nn.Linear(trans_hidden, 4)
        )
        branch['in_features'] = 2 * (48 + betas) + feature_channels + 4
        self.cascade = nn.ModuleList(
            _CascadeStep(in_channels[-1 - i], 2**i, branch, feature_channels) for i in range(steps)
        )

    def init_weights(self) -> None:
        """The branches are initialised when built; this does convolutions and the relative place."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                if self.init_std is None:
                    nn.init.kaiming_normal_(module.weight, mode='fan_out', nonlinearity='relu')
                else:
                    nn.init.normal_(module.weight, std=self.init_std)
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.01)
                nn.init.zeros_(module.bias)
        self._is_init = True

    def forward(
        self, feats: Sequence[Tensor], peaks: Tensor, attention: Tensor
    ) -> tuple[list[HandEstimate], Tensor]:
        """Estimate both hands.

        Args:
            feats: features, finest first, each half the size of the one before.
            peaks: (B, 2, 21, 3) x, y on the heat maps and height, canonical order.
            attention: (B, 2, H, W) at heat-map resolution.

        Returns:
            The stages, coarse to final, (B, 2, ...) each hand in its own model's frame, hand mean not
            added, with ``rest_joints``; and (B, 4) relative place: logarithm of the left hand's size
            over the right's, and the left middle knuckle from the right's in left-hand lengths.
        """
        last = feats[-1]
        # Nearest, un-normalised: rows and columns 0, 8, ... of the map.
        gate = F.interpolate(attention.to(last), size=last.shape[-2:], mode='nearest')
        pooled = torch.einsum('bchw,bshw->sbc', last, gate) / gate[0, 0].numel()
        trans = self.trans(last.mean(dim=(2, 3)))
        stages = [self._pose(*self.initial(pooled))]
        width = attention.shape[-1]
        for index, step in enumerate(self.cascade):
            stages.append(self._refine(step, feats[-1 - index], stages[-1], peaks, trans, width))
        return stages, trans

    def _refine(
        self,
        step: _CascadeStep,
        feature: Tensor,
        stage: HandEstimate,
        peaks: Tensor,
        trans: Tensor,
        width: int,
    ) -> HandEstimate:
        """The next stage from the one before."""
        with full_precision(feature.device):
            joints = MM * stage.joints.float()
            camera = register_hands(joints, peaks)
            points = camera.project(joints) * (feature.shape[-1] / width)
            place = union_map(points, feature.shape[-2:])
        both = (feature[:, None] * place[:, :, None].to(feature)).flatten(1, 2)
        pooled = step.extractor(both).mean(dim=(2, 3)).unflatten(1, (2, -1)).transpose(0, 1)
        pose, betas = stage.pose.transpose(0, 1), stage.betas.transpose(0, 1)
        context = (betas.flip(0), pose.flip(0), betas, pose, pooled, trans.expand(2, -1, -1))
        return self._pose(*step.branch(torch.cat([part.to(pooled) for part in context], dim=-1)))

    def _pose(self, pose: Tensor, betas: Tensor) -> HandEstimate:
        """(2, B, 48) and (2, B, 10) to a stage."""
        pose, betas = pose.float(), betas.float()
        outputs = [
            model(theta[:, :3], theta[:, 3:], beta)
            for model, theta, beta in zip(self.hand_models, pose, betas, strict=True)
        ]
        return HandEstimate(
            vertices=torch.stack([out.vertices for out in outputs], dim=1),
            joints=torch.stack([out.joints for out in outputs], dim=1),
            pose=pose.transpose(0, 1),
            betas=betas.transpose(0, 1),
            rest_joints=torch.stack([out.rest_joints for out in outputs], dim=1),
        )

"""DSF: hand pose from depth without labels (Ren et al., TIP 2022)."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext

import torch
from torch import Tensor

from mmhand.cameras import crop_affine_cube
from mmhand.hand_models import MPEHand
from mmhand.models.estimators.single_hand_mesh_estimator import (
    HandOutputs,
    SingleHandMeshEstimator,
)
from mmhand.models.layers import full_precision, running_statistics_kept
from mmhand.models.losses import DSFSelfSupervisedLoss, DSFSupervisedLoss
from mmhand.models.losses.dsf_terms import DepthView, StageReader, StageView
from mmhand.registry import KEYPOINT_CODECS, MODELS
from mmhand.renderers import DepthCropRenderer
from mmhand.structures import HandDataSample, HandEstimate, sample_name
from mmhand.utils.errors import HandConfigError, HandDataError

from .dual_branch_net import Stage

#: Keys of a rendered batch.
_RENDERED = ('image', 'joints_uvd', 'joints_cube', 'vertices_cube', 'center', 'cube', 'affine')


@MODELS.register_module()
class DSF(SingleHandMeshEstimator):
    """Joints and mesh of one right hand from a depth crop.

    Offset maps and hand parameters come from one trunk; the hand of the parameters is rendered, encoded
    as maps and fused with the features for a second estimate, with gradients through the renderer. See
    docs/en/methods/dsf.md.

    Samples state the cube of their crop in metainfo ``crop_center`` and ``crop_cube`` (3,), metres,
    camera frame (or in their ``camera``'s cube), and ``crop_affine`` (3, 3) where an augmentation made
    another than the cube's own.

    ``loss`` takes what :class:`DSFDataPreprocessor` yields: a batch of sensor crops, whose losses need
    no annotation; ``dict(synthetic=...)``, rendered crops with their hands; or both. In pre-training it
    takes the latter only. Crops (B, 1, S, S) whose samples' ``gt_hands`` hold ``joints_uvd``,
    ``joints_cube`` (1, 21, 3) and ``vertices_cube`` (1, V + 1, 3) are rendered ones too. The generator
    translates rendered crops before the network sees them; it never learns here.

    Args:
        hand_model: config of the hand; MANO wants ``tip_preset='dsf'``.
        network: config of :class:`DualBranchNet`.
        camera: name in :data:`~mmhand.cameras.DEPTH_CAMERAS`.
        row_map: of :class:`~mmhand.renderers.DepthCropRenderer`.
        codec: config of :class:`~mmhand.codecs.PixelOffset`.
        generator: config of :class:`ResNetGenerator` with its weights in ``init_cfg``; ``None`` shows
            rendered crops as they are.
        pretrain: rendered crops only, with pre-training's losses.
        loss_supervised: options of :class:`DSFSupervisedLoss`.
        loss_self_supervised: options of :class:`DSFSelfSupervisedLoss`.
        running_statistics: of which crops batch normalisation keeps the mean and variance that it uses
            in testing, in steps that have both: ``'both'``, as released, or ``'sensor'`` alone.
        data_preprocessor: config.
        test_cfg: ``branch``: ``'pwe'`` or ``'mpe'``, whose joints are the result (the mesh is always the
            hand's).
        init_cfg: mmengine initialisation.

    Raises:
        HandConfigError: an unknown branch, or a network for another hand.
    """

    frame = 'camera'

    takes_pictures = False
    inputs_are = 'crops of depth maps'

    def __init__(
        self,
        hand_model: dict,
        network: dict | None = None,
        camera: str = 'nyu',
        row_map: str = 'released',
        codec: dict | None = None,
        generator: dict | None = None,
        pretrain: bool = False,
        loss_supervised: dict | None = None,
        loss_self_supervised: dict | None = None,
        running_statistics: str = 'both',
        data_preprocessor: dict | None = None,
        test_cfg: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(
            data_preprocessor or dict(type='mmhand.DSFDataPreprocessor'),
            test_cfg=test_cfg,
            init_cfg=init_cfg,
        )
        self.reader = StageReader(
            MPEHand(hand_model),
            camera,
            DepthCropRenderer(camera, row_map=row_map),
            KEYPOINT_CODECS.build(codec or dict(type='PixelOffset')),
        )
        network = dict(network or {})
        network.setdefault('type', 'DualBranchNet')
        network.setdefault('num_params', self.reader.hand.num_params)
        self.network = MODELS.build(network)
        self.generator = None
        if generator is not None:
            self.generator = MODELS.build(generator).requires_grad_(False)
        self.pretrain = pretrain
        parts = dict(hand=self.reader.hand, camera=camera, reader=self.reader)
        self.loss_supervised = DSFSupervisedLoss(
            **parts, pretrain=pretrain, **(loss_supervised or {})
        )
        self.loss_self_supervised = None
        if not pretrain:
            two_stage = self.network.num_stages == 2
            self.loss_self_supervised = DSFSelfSupervisedLoss(
                **parts, **{'two_stage': two_stage, **(loss_self_supervised or {})}
            )
        if running_statistics not in ('both', 'sensor'):
            raise HandConfigError(
                f'running_statistics is "{running_statistics}", not "both" or "sensor"'
            )
        self.running_statistics = running_statistics
        self.branch = self.test_cfg.get('branch', 'pwe')
        if self.branch not in ('pwe', 'mpe'):
            raise HandConfigError(f'test_cfg.branch is "{self.branch}", not "pwe" or "mpe"')

    @property
    def hand_model(self) -> torch.nn.Module:
        """The hand that the parameters pose."""
        return self.reader.hand.hand_model

    def run(self, image: Tensor, view: DepthView) -> list[Stage]:
        """Maps and parameters of each stage, float32.

        Args:
            image: (B, 1, S, S) what the network sees.
            view: its crops.
        """

        def remap(mpe: Tensor) -> Tensor:
            with full_precision(mpe.device):
                return self.reader.remap(mpe.float(), view)

        return [(maps.float(), mpe.float()) for maps, mpe in self.network(image, remap)]

    def forward(
        self,
        inputs: Tensor | Mapping,
        data_samples: Sequence[HandDataSample] | None = None,
        mode: str = 'tensor',
    ) -> dict[str, Tensor] | list[HandDataSample]:
        """Run one mode; see :class:`BaseHandEstimator` and, for ``loss``, the class."""
        if isinstance(inputs, Mapping):
            if mode == 'loss':
                return self.loss(inputs, data_samples or [])
            inputs = inputs['real']
        return super().forward(inputs, data_samples, mode)

    def loss(
        self, inputs: Tensor | Mapping, data_samples: Sequence[HandDataSample]
    ) -> dict[str, Tensor]:
        """Losses of a step, named ``synthetic.s1.loss_pixel`` ... and ``real.s1.loss_pixel`` ...

        Raises:
            HandDataError: pre-training without rendered crops, or a sample without its cube.
        """
        if not isinstance(inputs, Mapping):
            hands = [sample.get('gt_hands') for sample in data_samples]
            rendered = all(hand is not None and 'vertices_cube' in hand for hand in hands)
            inputs = (
                {'synthetic': self._rendered(inputs, data_samples)}
                if rendered
                else {'real': inputs}
            )
        losses = {}
        if 'synthetic' in inputs:
            forget = self.running_statistics == 'sensor' and 'real' in inputs
            with running_statistics_kept(self.network) if forget else nullcontext():
                terms = self._supervised(inputs['synthetic'])
            losses.update({f'synthetic.{name}': value for name, value in terms.items()})
        elif self.pretrain:
            raise HandDataError(
                'pre-training learns from rendered crops with their hands, and the batch has none: '
                'use a data set of hand parameters'
            )
        if 'real' in inputs and not self.pretrain:
            view = self.view(inputs['real'], data_samples)
            stages = self.run(view.image, view)
            with full_precision(view.image.device):
                terms = self.loss_self_supervised(stages, view._asdict())
            losses.update({f'real.{name}': value for name, value in terms.items()})
        return losses

    def _supervised(self, target: Mapping[str, Tensor]) -> dict[str, Tensor]:
        missing = [key for key in _RENDERED if key not in target]
        if missing:
            raise HandDataError(f'the rendered batch lacks {", ".join(missing)}')
        image = target['image']
        if self.generator is not None:
            with torch.no_grad():
                image = self.generator(image)
        view = DepthView(*(target[key] for key in ('image', 'center', 'cube', 'affine')))
        stages = self.run(image, view)
        with full_precision(image.device):
            return self.loss_supervised(stages, target)

    def _rendered(self, image: Tensor, data_samples: Sequence[HandDataSample]) -> dict[str, Tensor]:
        """A rendered batch whose hands come with the samples."""
        target = self.view(image, data_samples)._asdict()
        for name in ('joints_uvd', 'joints_cube', 'vertices_cube'):
            rows = [sample.gt_hands[name][:1] for sample in data_samples]
            target[name] = torch.cat(rows).to(image)
        return target

    def view(self, image: Tensor, data_samples: Sequence[HandDataSample] | None) -> DepthView:
        """Where the crops of a batch were taken.

        Raises:
            HandDataError: a sample does not say.
        """
        samples = data_samples or [HandDataSample()] * len(image)
        rows = []
        for sample in samples:
            center, cube = sample.get('crop_center'), sample.get('crop_cube')
            if center is None and getattr(sample.get('camera'), 'cube', None) is not None:
                center, cube = sample.camera.cube.center, sample.camera.cube.size
            if center is None or cube is None:
                raise HandDataError(
                    f'sample {sample_name(sample)} has no crop_center and crop_cube: a depth crop is '
                    'nothing without its cube, add CubeCrop and PackHandInputs to the pipeline'
                )
            center, cube = (torch.as_tensor(value).to(image).view(3) for value in (center, cube))
            affine = sample.get('crop_affine')
            if affine is None:
                affine = crop_affine_cube(center, cube, self.reader.camera)
            rows.append((center, cube, torch.as_tensor(affine).to(image)))
        return DepthView(image, *map(torch.stack, zip(*rows, strict=True)))

    def read(
        self, inputs: Tensor, data_samples: Sequence[HandDataSample] | None
    ) -> tuple[DepthView, list[Stage], list[StageView]]:
        """Crops, raw stages, and what they say."""
        view = self.view(inputs, data_samples)
        stages = self.run(view.image, view)
        with full_precision(view.image.device):
            return view, stages, [self.reader(maps, mpe, view) for maps, mpe in stages]

    def estimate(
        self, inputs: Tensor, data_samples: Sequence[HandDataSample] | None = None
    ) -> HandOutputs:
        """The last stage, camera frame, joints of ``test_cfg``'s branch.

        Raw ``stages``: a dict for each, the last is final; canonical joint order.
        ``pwe_maps`` (B, 84, 64, 64) in the release's order of channels; ``mpe`` (B, 62);
        ``joints_uvd`` and ``mano_joints_uvd`` (B, 21, 3) crop-normalised, of the maps and of the hand;
        ``joints``, ``mano_joints`` (B, 21, 3) and ``vertices`` (B, V + 1, 3) metres, camera frame;
        ``depth`` (B, 1, S, S) of the mesh, normalised as the input.

        ``pred_hands`` also has ``mpe`` (62,) and ``stage_keypoints_3d`` (2 stages, 21, 3): maps' and
        hand's joints of the first stage, then of the second.
        """
        view, raw, views = self.read(inputs, data_samples)
        to_camera = self.reader.hand.to_camera
        stages = [
            dict(
                pwe_maps=said.maps,
                mpe=mpe,
                joints_uvd=said.uvd,
                mano_joints_uvd=said.hand_uvd,
                joints=to_camera(said.xyz, view.center, view.cube),
                mano_joints=to_camera(said.hand_xyz, view.center, view.cube),
                vertices=to_camera(said.vertices, view.center, view.cube),
                depth=said.drawn,
            )
            for (_, mpe), said in zip(raw, views, strict=True)
        ]
        final, prefix = stages[-1], '' if self.branch == 'pwe' else 'mano_'
        by_stage = [stage[f'{name}joints'] for stage in stages for name in ('', 'mano_')]
        return HandOutputs(
            HandEstimate(
                final[f'{prefix}joints'],
                final['vertices'],
                pixels=(final[f'{prefix}joints_uvd'][..., :2] + 1) * (inputs.shape[-1] / 2),
            ),
            tensors={'stages': stages},
            fields={'stage_keypoints_3d': torch.stack(by_stage, dim=1), 'mpe': final['mpe']},
        )

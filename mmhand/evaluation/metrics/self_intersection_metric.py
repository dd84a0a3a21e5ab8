"""How far predicted hands enter themselves."""

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.structures import BaseDataElement

from mmhand.geometry.mesh_parts import MeshParts, hand_parts, self_intersection_volume
from mmhand.hand_models import MPEHand
from mmhand.registry import METRICS
from mmhand.utils.errors import HandConfigError, HandDataError

_CUBIC_MM = 1e9


@METRICS.register_module()
class MeshSelfIntersection(BaseMetric):
    """Volume of the surface of predicted hands that lies inside other parts of the same hand, mm³.

    DSF's plausibility measure (docs/en/methods/dsf.md#self-intersection): voxels of 2 mm, then of 1 mm
    where any was found. One mesh takes seconds.

    Args:
        hand_model: config of the hand the meshes belong to; ``None`` takes the data set's.
        interval: look at every so many samples.
        max_samples: and at no more than so many; ``None`` looks at all.
        prefix, collect_device, collect_dir: see mmengine.

    Raises:
        HandConfigError: an interval below 1.
    """

    default_prefix = 'self_intersection'

    def __init__(
        self,
        hand_model: Mapping | None = None,
        interval: int = 1,
        max_samples: int | None = None,
        prefix: str | None = None,
        collect_device: str = 'cpu',
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(collect_device, prefix, collect_dir)
        if interval < 1:
            raise HandConfigError(f'interval of MeshSelfIntersection is {interval}, not 1 or more')
        self.hand_model = hand_model
        self.interval = interval
        self.max_samples = max_samples
        self._seen = 0

    @cached_property
    def hand(self) -> MPEHand:
        """The closed hand.

        Raises:
            HandConfigError: neither the metric nor the data set names a hand model.
        """
        config = self.hand_model or (self.dataset_meta or {}).get('hand_model')
        if config is None:
            raise HandConfigError(
                'MeshSelfIntersection needs hand_model=dict(type=...): the data set names none'
            )
        return MPEHand(dict(config))

    @cached_property
    def parts(self) -> MeshParts:
        """Its parts."""
        return hand_parts(self.hand)

    def process(self, data_batch: object, data_samples: Sequence[dict]) -> None:
        """Measure the predicted meshes of a batch.

        Raises:
            HandDataError: a prediction without a mesh, or a mesh of another hand.
        """
        for sample in data_samples:
            if self.max_samples is not None and len(self.results) >= self.max_samples:
                return
            self._seen += 1
            if (self._seen - 1) % self.interval:
                continue
            sample = sample.to_dict() if isinstance(sample, BaseDataElement) else sample
            vertices = sample['pred_hands'].get('vertices')
            count = self.hand.num_verts
            if vertices is None or vertices.shape[-2] not in (count, count - 1):
                raise HandDataError(
                    f'sample {sample.get("sample_id", "?")} has '
                    f'{"no mesh" if vertices is None else f"a mesh of {vertices.shape[-2]} vertices"}, '
                    f'{type(self.hand.hand_model).__name__} has {count - 1}: set hand_model'
                )
            mesh = np.asarray(vertices, dtype=np.float64)[0]
            if len(mesh) < count:
                rim = self.hand.hand_model.wrist_ring.numpy()
                mesh = np.concatenate((mesh, mesh[rim].mean(0, keepdims=True)))
            self.results.append(_CUBIC_MM * self_intersection_volume(mesh, self.parts))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """``volume``, mean of all hands in mm³, and ``share`` of hands that enter themselves."""
        volumes = np.array(results)
        if not len(volumes):
            return {'volume': float('nan'), 'share': float('nan')}
        return {'volume': float(volumes.mean()), 'share': float((volumes > 0).mean())}

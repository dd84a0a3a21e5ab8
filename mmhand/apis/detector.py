"""Finding hands in pictures with an mmdetection model."""

import os
from collections.abc import Sequence

import numpy as np
from mmengine.registry import DefaultScope

from mmhand.utils.compat import ensure_openmmlab
from mmhand.utils.errors import HandConfigError


class MMDetHandDetector:
    """Boxes of hands from any mmdetection config, such as mmpose's ``rtmdet_nano_..._hand``.

    Args:
        config: mmdetection config file.
        checkpoint: its weights.
        device: where it runs.
        score_threshold: boxes below it are dropped, in [0, 1].
        classes: class indices that are hands; ``None`` takes all.
        merge: one box around all hands of a picture, for methods that see both hands at once.

    Raises:
        HandConfigError: mmdetection is not installed or the config is not readable.
    """

    def __init__(
        self,
        config: str | os.PathLike,
        checkpoint: str | os.PathLike | None = None,
        device: str = 'cpu',
        score_threshold: float = 0.3,
        classes: Sequence[int] | None = (0,),
        merge: bool = True,
    ) -> None:
        ensure_openmmlab()
        if not os.path.isfile(config):
            raise HandConfigError(f'detector config {config} does not exist; check the path')
        # Not at the top: few pictures are looked at with it, and it brings mmengine's runner.
        from mmhand.utils.checkpoint_loaders import install_safe_loading

        install_safe_loading()
        from mmdet.apis import inference_detector, init_detector

        self._run = inference_detector
        self.score_threshold = score_threshold
        self.classes = None if classes is None else list(classes)
        self.merge = merge
        with DefaultScope.overwrite_default_scope('mmdet'):
            weights = None if checkpoint is None else str(checkpoint)
            self.model = init_detector(str(config), weights, device=device)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Find the hands of a picture.

        Args:
            image: (H, W, 3) uint8 BGR.

        Returns:
            (N, 4) boxes x, y, w, h in pixels, the surest first; N may be 0.
        """
        # mmdetection resolves its transforms in whatever scope is current.
        with DefaultScope.overwrite_default_scope('mmdet'):
            found = self._run(self.model, image).pred_instances.cpu().numpy()
        keep = found.scores >= self.score_threshold
        if self.classes is not None:
            keep &= np.isin(found.labels, self.classes)
        order = np.argsort(-found.scores[keep], kind='stable')
        corners = found.bboxes[keep][order].astype(np.float32)
        if self.merge and len(corners):
            corners = np.concatenate([corners[:, :2].min(0), corners[:, 2:].max(0)])[None]
        return np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)

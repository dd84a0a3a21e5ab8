"""The stages of mmengine's inferencers, one by one, for whoever has code for those."""

import fnmatch
import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from mmhand.utils.config_names import list_configs

from .inference import Image
from .picture_result import PictureResult
from .sources import Frame, open_source


class InferencerStages:
    """``list_models``, ``preprocess``, ``forward``, ``visualize`` and ``postprocess``.

    What mmengine's ``BaseInferencer`` has under these names, with pictures that know where they are from
    (:class:`~mmhand.apis.sources.Frame`) and results (:class:`PictureResult`) between the stages. A call
    does more: it also takes boxes, cameras and sides, and follows hands through videos.
    """

    @staticmethod
    def list_models(scope: str | None = None, patterns: str | Sequence[str] = '*') -> list[str]:
        """Names that an inferencer takes as its model.

        Args:
            scope: only ``None`` and ``'mmhand'`` have models here.
            patterns: shell patterns, such as ``'*hdr*'``.
        """
        if scope not in (None, 'mmhand'):
            return []
        patterns = [patterns] if isinstance(patterns, str) else list(patterns)
        names = ['open', *(name.rpartition('/')[2] for name in list_configs())]
        return [n for n in names if any(fnmatch.fnmatch(n, pattern) for pattern in patterns)]

    def preprocess(
        self, inputs: Image | int | Sequence[Image], batch_size: int = 1
    ) -> Iterator[list[Frame]]:
        """Read pictures, a video or a camera in groups.

        Args:
            inputs: as a call takes them.
            batch_size: pictures of a group.
        """
        frames = iter(open_source(inputs))
        while group := list(itertools.islice(frames, max(batch_size, 1))):
            yield group

    def forward(self, inputs: Sequence[Frame]) -> list[PictureResult]:
        """Find the hands of a group of pictures, each by itself.

        Args:
            inputs: a group of :meth:`preprocess`.
        """
        results = self([frame.image for frame in inputs])
        for frame, result in zip(inputs, results, strict=True):
            result.source = frame.source
            result.number, result.time = frame.number, frame.time
        return results

    def visualize(
        self, inputs: Sequence[Frame], preds: Sequence[PictureResult]
    ) -> list[np.ndarray]:
        """Pictures with what was found on them, (H', W', 3) uint8 RGB.

        Args:
            inputs: the group; its pictures are in the results.
            preds: of :meth:`forward`.
        """
        return [self.draw(result) for result in preds]

    def postprocess(
        self,
        preds: Sequence[PictureResult],
        visualization: Sequence[np.ndarray] | None = None,
        return_datasamples: bool = False,
    ) -> dict[str, object]:
        """Results as other inferencers return them.

        Args:
            preds: of :meth:`forward`.
            visualization: of :meth:`visualize`.
            return_datasamples: keep data samples instead of describing them.

        Returns:
            ``predictions``, one for each picture: what JSON can hold, or a list of data samples; and
            ``visualization``.
        """
        told = [result.samples if return_datasamples else self.describe(result) for result in preds]
        return {'predictions': told, 'visualization': visualization}

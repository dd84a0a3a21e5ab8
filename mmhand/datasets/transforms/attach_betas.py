"""The shape that an identity-aware network is given."""

import os

import numpy as np
from mmcv.transforms import BaseTransform

from mmhand.fitting.shape_table import ShapeTable
from mmhand.registry import TRANSFORMS
from mmhand.utils.errors import HandConfigError, HandDataError


@TRANSFORMS.register_module()
class AttachBetas(BaseTransform):
    """Give a sample the shape of its hand as metainfo ``betas``, apart from its annotation.

    Required keys: ``subject`` for a table of several subjects; ``mano_betas`` for ``'annotated'`` and
    ``'mean'``, and ``hand_model`` is compared if it is there. Added key: ``betas`` (S,) float32.

    Args:
        source: ``'annotated'``, ``'mean'`` (all zero), or a file of
            ``tools/iahm/calibrate_shapes.py`` or ``tools/personalize.py``.

    Raises:
        HandFileError: the file is missing or no table of shapes.
        HandConfigError: its shapes belong to another hand model than the sample's.
        HandDataError: it does not know the subject; or the sample has no shape.
    """

    needs = ('subject',)
    gives = ('betas',)

    def __init__(self, source: str | os.PathLike = 'annotated') -> None:
        self.source = str(source)
        known = self.source in ('annotated', 'mean')
        self.table = None if known else ShapeTable.load(source)

    def transform(self, results: dict) -> dict:
        """Add the shape."""
        if self.table is None:
            results['betas'] = self._annotated(results) * (self.source == 'annotated')
            return results
        stated = results.get('hand_model', self.table.hand_model)
        if stated != self.table.hand_model:
            raise HandConfigError(
                f'{self.source} holds shapes of {self.table.hand_model}, sample '
                f'{results.get("sample_id")} has {stated}'
            )
        if len(self.table.subjects) == 1 and 'subject' not in results:
            results['betas'] = self.table.person
        else:
            results['betas'] = self.table[results.get('subject')]
        return results

    @staticmethod
    def _annotated(results: dict) -> np.ndarray:
        if 'mano_betas' not in results:
            raise HandDataError(f'sample {results.get("sample_id")} has no annotated shape')
        side = int(results['hand_present'].argmax())
        return np.array(results['mano_betas'][side], np.float32)

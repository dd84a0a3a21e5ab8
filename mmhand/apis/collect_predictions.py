"""What a network says about every sample of a data set, as arrays."""

from collections.abc import Iterable

import numpy as np
import torch
from mmengine.logging import print_log
from torch import nn

from mmhand.structures import HandDataSample
from mmhand.structures.hand_batch import sample_name
from mmhand.utils.errors import HandDataError

#: Fields of hands that are kept where they are there.
PREDICTED = ('betas', 'confidence', 'rotations_6d', 'pose', 'transl')
ANNOTATED = ('betas', 'pose', 'transl', 'keypoints_2d')


@torch.no_grad()
def collect_predictions(model: nn.Module, loader: Iterable) -> dict[str, np.ndarray]:
    """Run a model over a loader and keep what calibration and optimisation need.

    No sample is dropped; the release's own collector leaves out the last, smaller batch.

    Args:
        model: in evaluation mode; one hand per sample is kept, the first.
        loader: batches as mmengine's data loaders give them.

    Returns:
        Arrays of N rows: ``sample_id``, ``subject`` (text), :data:`PREDICTED` fields by their names,
        :data:`ANNOTATED` ones as ``gt_...``, ``K`` (3, 3) of the crop; and ``hand_model`` (text).

    Raises:
        HandDataError: the loader is empty, a sample has no subject, or the model predicts no betas.
    """
    rows: list[dict[str, np.ndarray]] = []
    for batch in loader:
        rows += [_row(sample) for sample in model.test_step(batch)]
    if not rows:
        raise HandDataError('there is no sample to collect predictions of')
    shared = [name for name in rows[0] if all(name in row for row in rows)]
    lost = sorted({name for row in rows for name in row} - set(shared))
    if lost:
        print_log(f'left out, because some samples lack it: {", ".join(lost)}', logger='current')
    columns = {name: np.stack([row[name] for row in rows]) for name in shared}
    hand_model = getattr(model, 'hand_model', None)
    columns['hand_model'] = np.array('' if hand_model is None else type(hand_model).__name__)
    return columns


def _row(sample: HandDataSample) -> dict[str, np.ndarray]:
    name = sample_name(sample)
    if sample.get('subject') is None:
        raise HandDataError(f'sample {name} has no subject: shapes are calibrated for subjects')
    if 'betas' not in sample.pred_hands:
        raise HandDataError(f'sample {name}: the model predicts no betas')
    row = {'sample_id': np.array(name), 'subject': np.array(str(sample.subject))}
    for source, prefix, names in (
        ('pred_hands', '', PREDICTED),
        ('gt_hands', 'gt_', ANNOTATED),
    ):
        hands = sample.get(source)
        for field in names if hands is not None else ():
            if field in hands:
                row[prefix + field] = hands.get(field)[0].cpu().numpy()
    camera = sample.get('camera') or {}
    if 'K_crop' in camera:
        row['K'] = np.asarray(camera['K_crop'], np.float32)
    return row

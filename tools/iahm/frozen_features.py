"""Training on what a frozen backbone sees, which is computed once."""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from mmengine.config import Config, ConfigDict
from mmengine.logging import print_log
from mmengine.runner import Runner
from mmengine.utils import ProgressBar
from torch import Tensor, nn

from mmhand.hand_models.rotations import matrix_to_rotation_6d
from mmhand.structures import HandDataSample, HandInstances
from mmhand.utils.atomic_io import save_npz
from mmhand.utils.errors import HandConfigError, HandFileError

#: Weight decay of the heads.
_DECAY = 0.02

#: What is kept of each annotation.
_FIELDS = ('pose', 'betas')


@dataclass(frozen=True, eq=False)
class FeatureSet:
    """Pictures as a frozen backbone sees them.

    Attributes:
        features: (N, C) float32.
        pose: (N, 48) annotated, mean not added.
        betas: (N, S) annotated.
        subjects: (N,) text.
    """

    features: Tensor
    pose: Tensor
    betas: Tensor
    subjects: np.ndarray

    def __len__(self) -> int:
        return len(self.features)

    def samples(self, rows: Sequence[int], betas: Tensor | None = None) -> list[HandDataSample]:
        """Rows as a model's loss takes them.

        Args:
            rows: their numbers.
            betas: (len(rows), S) shapes that an identity-aware model is given in place of the
                annotated ones.
        """
        found = []
        for place, row in enumerate(rows):
            sample = HandDataSample(metainfo=dict(subject=str(self.subjects[row])))
            sample.gt_hands = HandInstances(
                pose=self.pose[row : row + 1], betas=self.betas[row : row + 1]
            )
            if betas is not None:
                sample.set_metainfo(dict(betas=betas[place]))
            found.append(sample)
        return found


@torch.no_grad()
def collect_features(model: nn.Module, loader: dict | ConfigDict, passes: int = 1) -> FeatureSet:
    """Run a frozen backbone over a data set.

    Args:
        model: with ``feature(inputs)``.
        loader: config of a data loader; nothing is shuffled or dropped.
        passes: times that it is gone through, each with its own random augmentation.

    Raises:
        HandConfigError: the backbone learns.
    """
    if any(parameter.requires_grad for parameter in model.backbone.parameters()):
        raise HandConfigError('the backbone learns, so that its features cannot be computed once')
    loader = Config(dict(loader=loader)).loader
    loader.update(drop_last=False, sampler=dict(type='DefaultSampler', shuffle=False))
    model.eval()
    columns: dict[str, list] = {name: [] for name in ('features', *_FIELDS, 'subjects')}
    for number in range(passes):
        batches = Runner.build_dataloader(loader, seed=number)
        bar = ProgressBar(len(batches), file=sys.stderr)
        for batch in batches:
            data = model.data_preprocessor(batch)
            # Few at a time: maps of many pictures leave the processor's cache.
            parts = [model.feature(part) for part in data['inputs'].split(4)]
            columns['features'].append(torch.cat(parts))
            for sample in data['data_samples']:
                for name in _FIELDS:
                    columns[name].append(sample.gt_hands.get(name)[:1])
                columns['subjects'].append(str(sample.get('subject')))
            bar.update()
    subjects = np.array(columns.pop('subjects'))
    return FeatureSet(*(torch.cat(columns[name]).float() for name in columns), subjects)


def cached_features(
    path: str | os.PathLike, about: str, collect: Callable[[], FeatureSet]
) -> FeatureSet:
    """Features from a file, or computed and kept there.

    Args:
        path: ``.npz``.
        about: what they depend on; a file of another text is made anew.
        collect: computes them.

    Raises:
        HandFileError: the file is there and is no such file.
    """
    path = Path(path)
    if path.is_file():
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = dict(file)
            if str(arrays['about']) == about:
                tensors = (torch.from_numpy(arrays[n]).float() for n in ('features', *_FIELDS))
                return FeatureSet(*tensors, arrays['subjects'])
        except (OSError, ValueError, KeyError) as error:
            raise HandFileError(f'{path} holds no features ({error}); delete it') from error
    found = collect()
    arrays = {name: getattr(found, name).numpy() for name in _FIELDS}
    arrays |= dict(features=found.features.numpy().astype(np.float16), subjects=found.subjects)
    save_npz(path, arrays | dict(about=np.array(about)))
    return cached_features(path, about, collect)


def train_on_features(
    model: nn.Module,
    data: FeatureSet,
    epochs: int,
    warm: int = 0,
    lr: float = 1e-3,
    batch_size: int = 64,
    seed: int = 0,
) -> float:
    """Train all that learns in an identity-aware network or its baseline, the backbone left out.

    AdamW, one cycle of the rate over all epochs.

    Args:
        model: in training mode afterwards; its ``loss`` is called with features for inputs.
        data: what it learns from.
        epochs: times through ``data`` with the model's own loss.
        warm: times before that with its losses of rotations and shape alone, which need no mesh and take
            a fraction of the time.
        lr: highest learning rate.
        batch_size: hands of a step.
        seed: of their order.

    Returns:
        Mean loss of the last epoch.
    """
    rng = torch.Generator().manual_seed(seed)
    backbone, model.backbone = model.backbone, nn.Identity()
    model.train()
    learning = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learning, lr=lr, weight_decay=_DECAY)
    steps = max(len(data) // batch_size, 1)
    total_steps = (epochs + warm) * steps
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=total_steps)
    total = float('nan')
    try:
        for epoch in range(epochs + warm):
            order, total = torch.randperm(len(data), generator=rng), 0.0
            for rows in order[: steps * batch_size].view(steps, -1):
                samples = data.samples(rows.tolist())
                if epoch < warm:
                    losses = _without_mesh(model, data.features[rows], samples)
                else:
                    losses = model.loss(data.features[rows], samples)
                loss = sum(losses.values())
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
                schedule.step()
                total += float(loss.detach()) / steps
            print_log(f'epoch {epoch + 1} of {epochs + warm}: loss {total:.4f}', logger='current')
    finally:
        model.backbone = backbone
    return total


def _without_mesh(
    model: nn.Module, feature: Tensor, samples: Sequence[HandDataSample]
) -> dict[str, Tensor]:
    """The losses of rotations and, of a baseline, of the shape."""
    rotations = matrix_to_rotation_6d(model.annotated_rotations(samples, feature), layout='rows')
    losses = {'loss_rotations': F.l1_loss(model.pose_head(feature)[-1], rotations)}
    if model.shape_head is not None:
        betas = model.annotated_betas(samples, feature)
        losses['loss_betas'] = F.l1_loss(model.shape_head(feature), betas)
    return losses

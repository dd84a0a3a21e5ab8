"""Training on two data sets at once: a sensor's depth, and hands that are rendered on the way."""

import itertools
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

import torch
from mmengine.dist import get_rank
from mmengine.model import is_model_wrapper
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch.utils.data import DataLoader

from mmhand.registry import LOOPS, TASK_UTILS
from mmhand.utils.errors import HandConfigError

#: Streams of random numbers of a step: what a batch shares between ranks, and what a rank has alone.
_SHARED, _OWN = 1, 2


@LOOPS.register_module()
class TwoStreamTrainLoop(EpochBasedTrainLoop):
    """An epoch of the real stream, each batch with one of the synthetic stream, which starts again.

    Steps get ``dict(inputs=dict(real=(B, 1, S, S), synthetic={...}), data_samples=[...])``; rendered
    batches are what ``renderer`` makes of the synthetic data set's hand parameters. Both streams' losses
    are in the log by their names, and each new pass through the synthetic stream is.

    A run that is cut short and resumed is the run that was not, bit for bit, also from a checkpoint
    within an epoch: order and augmentation come from :class:`.SeededSampler`, and before every step all
    random numbers are seeded by the run's seed and the step's number. What is drawn about a rendered
    hand depends on its place in the stream only, so several processes draw what one would.

    Args:
        runner: the runner.
        dataloader: config of the real stream; not used with ``streams='synthetic'``.
        max_epochs: epochs of the real stream (of the synthetic one where it is alone).
        synthetic_dataloader: config of a :class:`~mmhand.datasets.HandParameterBank`'s loader; by
            default ``synthetic_dataloader`` at the top of the config file.
        renderer: config of :class:`~mmhand.synthesis.DepthHandSampler`; ``hand`` is the model's own if
            left out. By default ``synthetic_renderer`` at the top of the config file.
        streams: ``'both'``, or ``'synthetic'`` (pre-training).
        kwargs: of mmengine's ``EpochBasedTrainLoop``.

    Raises:
        HandConfigError: a stream or the renderer is missing.
    """

    def __init__(
        self,
        runner: Runner,
        dataloader: DataLoader | dict,
        max_epochs: int,
        synthetic_dataloader: DataLoader | dict | None = None,
        renderer: dict | None = None,
        streams: str = 'both',
        **kwargs: Any,
    ) -> None:
        if streams not in ('both', 'synthetic'):
            raise HandConfigError(f'streams is "{streams}", not "both" or "synthetic"')
        synthetic_dataloader = synthetic_dataloader or runner.cfg.get('synthetic_dataloader')
        renderer = renderer or runner.cfg.get('synthetic_renderer')
        if synthetic_dataloader is None or renderer is None:
            raise HandConfigError(
                'TwoStreamTrainLoop needs synthetic_dataloader and synthetic_renderer in the config'
            )
        alone = streams == 'synthetic'
        super().__init__(
            runner, synthetic_dataloader if alone else dataloader, max_epochs, **kwargs
        )
        self.synthetic = None
        if not alone:
            if isinstance(synthetic_dataloader, Mapping):
                synthetic_dataloader = runner.build_dataloader(
                    synthetic_dataloader, seed=runner.seed
                )
            self.synthetic = synthetic_dataloader
            if not len(self.synthetic):
                raise HandConfigError('the synthetic stream has no batch: lower its batch_size')
        if not len(self.dataloader):
            raise HandConfigError('the training stream has no batch: lower its batch_size')
        self._renderer_cfg = dict(renderer)
        self._renderer: torch.nn.Module | None = None

    @property
    def renderer(self) -> torch.nn.Module:
        """What turns hand parameters into depth, on the model's device."""
        if self._renderer is None:
            model = self.runner.model
            model = model.module if is_model_wrapper(model) else model
            config = dict(self._renderer_cfg)
            config.setdefault('type', 'DepthHandSampler')
            if 'hand' not in config:
                if not hasattr(model, 'reader'):
                    raise HandConfigError(
                        f'{type(model).__name__} has no hand of its own: give synthetic_renderer one, '
                        'hand=dict(type="MANO", side="right", tip_preset="dsf")'
                    )
                config['hand'] = model.reader.hand
            if config.get('turn') is None:
                config['turn'] = not getattr(model, 'pretrain', False)
            device = next(model.parameters()).device
            self._renderer = TASK_UTILS.build(config).to(device)
        return self._renderer

    def run_epoch(self) -> None:
        """One epoch, or what a checkpoint within it has left."""
        self.runner.call_hook('before_train_epoch')
        self.runner.model.train()
        length = len(self.dataloader)
        done = self._iter - self._epoch * length
        batches = self._pass(self.dataloader, self._epoch, done)
        synthetic = None if self.synthetic is None else self._endless(self._iter)
        for index in range(done, length):
            batch = next(batches)
            self._seed_step()
            if synthetic is None:
                data = dict(inputs=dict(synthetic=self._render(batch)))
            else:
                hands = next(synthetic)
                self._seed_step()
                inputs = dict(real=_stacked(batch['inputs']), synthetic=self._render(hands))
                data = dict(inputs=inputs, data_samples=batch['data_samples'])
            self.run_iter(index, data)
        self.runner.call_hook('after_train_epoch')
        self._epoch += 1

    def _render(self, batch: Mapping) -> dict[str, torch.Tensor]:
        inputs = batch.get('inputs')
        if not isinstance(inputs, Mapping) or 'mpe' not in inputs:
            raise HandConfigError(
                'the synthetic stream is no bank of hand parameters: use HandParameterBank'
            )
        mpe, seeds = _stacked(inputs['mpe']), [int(seed) for seed in inputs['seed']]
        shared = _seeds().mix_seeds(self.runner.seed, self._iter, _SHARED)
        return self.renderer.render_seeded(mpe, seeds, shared)

    def _endless(self, start: int) -> Iterator:
        """Batches of the synthetic stream from the one of step ``start`` on."""
        length = len(self.synthetic)
        for number in itertools.count(start // length):
            skip = start % length if number == start // length else 0
            if number and not skip:
                self.runner.logger.info(f'synthetic stream: pass {number + 1}')
            yield from self._pass(self.synthetic, number, skip)

    def _pass(self, loader: DataLoader, number: int, skip: int) -> Iterator:
        """A pass through a loader without its first batches."""
        sampler = loader.sampler
        if hasattr(sampler, 'seed'):
            # A resumed run takes the seed of its checkpoint, after the loaders were made.
            sampler.seed = self.runner.seed
        if hasattr(sampler, 'set_epoch'):
            sampler.set_epoch(number)
        # Fresh workers draw their seeds from here.
        torch.manual_seed(_seeds().mix_seeds(self.runner.seed, number) % (1 << 63))
        if not hasattr(sampler, 'skip'):
            return itertools.islice(loader, skip, None)
        sampler.skip = skip * (loader.batch_size or 1)
        return iter(loader)

    def _seed_step(self) -> None:
        _seeds().seed_all(_seeds().mix_seeds(self.runner.seed, self._iter, get_rank(), _OWN))


def _stacked(values: Any) -> torch.Tensor:
    return values if isinstance(values, torch.Tensor) else torch.stack(list(values))


def _seeds() -> ModuleType:
    """Not at the top: whoever imports the engine to run a picture loads no data sets."""
    from mmhand.datasets import seeded_sampler

    return seeded_sampler

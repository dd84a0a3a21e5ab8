"""A live progress bar on terminals."""

import logging
import sys
from collections.abc import Sequence

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from mmhand.registry import HOOKS


@HOOKS.register_module()
class ProgressBarHook(Hook):
    """Show how far training, validation and testing are, with the loss and the time left.

    Draws one bar for the whole training and one for the running validation, below the log, and only
    where the output is a terminal: elsewhere (files, CI) the logger's plain lines say the same.

    Args:
        enable: ``None`` draws on terminals only; ``True`` and ``False`` force it on and off.
        loss_key: message-hub scalar shown beside the training bar.
    """

    priority = 'VERY_LOW'

    def __init__(self, enable: bool | None = None, loss_key: str = 'train/loss') -> None:
        self.enable = enable
        self.loss_key = loss_key
        self._progress: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._streams: list[tuple[logging.StreamHandler, object]] = []

    def _start(self, runner: Runner) -> bool:
        """Start drawing if that is wanted; returns whether bars are being drawn."""
        if self._progress is not None:
            return True
        wanted = sys.stderr.isatty() if self.enable is None else self.enable
        if not (wanted and is_main_process()):
            return False
        self._progress = Progress(
            TextColumn('{task.description:<5}'),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn('<'),
            TimeRemainingColumn(),
            TextColumn('{task.fields[note]}'),
            console=Console(stderr=True, force_terminal=True),
            refresh_per_second=4,
            expand=True,
        )
        self._progress.start()
        # Handlers made before hold the bare stream and would write into the bar; sys.stdout and
        # sys.stderr now lead through the console, which prints above it.
        for handler in runner.logger.handlers:
            if isinstance(handler, logging.StreamHandler) and not isinstance(
                handler, logging.FileHandler
            ):
                self._streams.append((handler, handler.setStream(sys.stdout)))
        return True

    def close(self) -> None:
        """Stop drawing and give the terminal back; also for runs that end in an error."""
        if self._progress is None:
            return
        self._progress.stop()
        for handler, stream in self._streams:
            if stream is not None:
                handler.setStream(stream)
        self._progress, self._tasks, self._streams = None, {}, []

    def _advance(self, runner: Runner, name: str, done: int, total: int, note: str = '') -> None:
        if not self._start(runner):
            return
        if name not in self._tasks:
            # A resumed run starts late; what was done before must not count into its speed.
            self._tasks[name] = self._progress.add_task(
                name, total=total, completed=done - 1, note=note
            )
        self._progress.update(self._tasks[name], completed=done, total=total, note=note)

    def _finish(self, name: str) -> None:
        if name in self._tasks:
            self._progress.remove_task(self._tasks.pop(name))

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Advance the training bar."""
        scalars = runner.message_hub.log_scalars
        note = f'loss {scalars[self.loss_key].mean(10):.4g}' if self.loss_key in scalars else ''
        self._advance(runner, 'train', runner.iter + 1, runner.max_iters, note)

    def after_val_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: Sequence | None = None,
    ) -> None:
        """Advance the validation bar."""
        self._advance(runner, 'val', batch_idx + 1, len(runner.val_dataloader))

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: Sequence | None = None,
    ) -> None:
        """Advance the test bar."""
        self._advance(runner, 'test', batch_idx + 1, len(runner.test_dataloader))

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        """Take the validation bar away."""
        self._finish('val')

    def after_test_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        """Take the test bar away."""
        self._finish('test')

    def after_run(self, runner: Runner) -> None:
        """Stop drawing."""
        self.close()

"""mmengine's Runner, with a start that fits a screen."""

import logging
import sys

from mmengine.logging import MMLogger
from mmengine.runner import Runner

from mmhand.models.estimators import BASELINES
from mmhand.registry import RUNNERS

#: Longer messages than this, lines, go to the file only.
_LINES = 8

#: What mmengine says of its own code, about which no user of it can do anything.
_NOT_OURS = (
    '"FileClient" will be deprecated',
    '"HardDiskBackend" is the alias',
    'Distributed training is not used, all SyncBatchNorm',
)


@RUNNERS.register_module()
class HandRunner(Runner):
    """mmengine's Runner, whose long messages (machine, config, hooks) go to the log file only.

    So does what is about mmengine's own code.
    """

    def build_logger(
        self, log_level: int | str = 'INFO', log_file: str | None = None, **kwargs: object
    ) -> MMLogger:
        """See the base class."""
        logger = super().build_logger(log_level, log_file, **kwargs)
        file = next(
            (h.baseFilename for h in logger.handlers if isinstance(h, logging.FileHandler)), ''
        )
        for handler in logger.handlers:
            if getattr(handler, 'stream', None) in (sys.stdout, sys.stderr):
                handler.addFilter(_Shortened(file))
        if file:
            logger.info(f'details, the whole config and the order of hooks: {file}')
        return logger

    def dump_config(self) -> None:
        """Write the config into the work folder; a baseline's leaves the trained network's there."""
        if not isinstance(self.model, BASELINES):
            super().dump_config()


class _Shortened(logging.Filter):
    """Keeps long messages off the terminal; warnings stay, but for those of :data:`_NOT_OURS`."""

    def __init__(self, file: str) -> None:
        super().__init__()
        self.file = file

    def filter(self, record: logging.LogRecord) -> bool:
        said = str(record.msg)
        if said.startswith(_NOT_OURS):
            return False
        long = record.levelno < logging.WARNING and said.count('\n') > _LINES
        return not (long and self.file)

"""Looks at what a test will write before the test, not after it."""

import pickle
from collections.abc import Mapping
from pathlib import Path

from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from mmhand.utils.setup_env import ensure_space, ensure_writable

#: Attributes of metrics that name a file, and how many bytes of it a byte of the records takes: text
#: takes several for a number.
_FILES = {'dump_path': 1, 'out_file_path': 1, 'submission': 6, 'scores_file': 0, 'result_file': 3}


class OutputRoom(Hook):
    """Refuses to test where the files of the metrics could not be written.

    Their folders are made and looked at before the first batch. How long they will be is known after
    it: then the disk must have room for as much of every sample.
    """

    def before_test(self, runner: Runner) -> None:
        """Look at the folders.

        Raises:
            HandFileError: one cannot be written, or its disk is full.
        """
        for metric in runner.test_evaluator.metrics:
            for path in _outputs(metric):
                ensure_writable(Path(path).parent)

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: object = None,
        outputs: object = None,
    ) -> None:
        """Look at the room, after the first batch.

        Raises:
            HandFileError: the disk has less room than a file will need; names both.
        """
        if batch_idx:
            return
        loader: DataLoader = runner.test_dataloader
        for metric in runner.test_evaluator.metrics:
            paths = _outputs(metric)
            if not paths or not metric.results:
                continue
            each = len(pickle.dumps(metric.results)) / len(metric.results)
            for path, factor in paths.items():
                ensure_space(Path(path).parent, int(factor * each * len(loader.dataset)))


def _outputs(metric: BaseMetric) -> Mapping[str, int]:
    """Files that a metric writes at the end, and bytes of each for a byte of its records."""
    return {str(path): n for name, n in _FILES.items() if (path := getattr(metric, name, None))}

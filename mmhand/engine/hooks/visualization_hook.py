"""Overlays of annotations and predictions, written while a model is validated or tested."""

import re
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement

from mmhand.registry import HOOKS
from mmhand.visualization import HandVisualizer, face_table


@HOOKS.register_module()
class HandVisualizationHook(Hook):
    """Draw samples during validation and test.

    With ``out_dir`` the pictures become files ``OUT_DIR/val/epoch_N/SAMPLE.jpg`` and
    ``OUT_DIR/test/SAMPLE.jpg``; without, they go to the visualiser's backends (TensorBoard, W&B,
    or ``vis_image`` in the run's log folder). Only the main process draws.

    Args:
        enable: whether anything is drawn.
        interval: every so many samples one is drawn.
        max_samples: at most so many in each validation or test; ``None``: no limit.
        draw_gt: whether annotations are drawn.
        draw_pred: whether predictions are drawn.
        out_dir: folder of the files.
        show: open a window for each picture instead.
        wait_time: seconds a window stays; 0 waits for a key.
    """

    def __init__(
        self,
        enable: bool = False,
        interval: int = 1,
        max_samples: int | None = 16,
        draw_gt: bool = True,
        draw_pred: bool = True,
        out_dir: str | None = None,
        show: bool = False,
        wait_time: float = 0.0,
    ) -> None:
        self.enable = enable
        self.interval = interval
        self.max_samples = max_samples
        self.draw_gt = draw_gt
        self.draw_pred = draw_pred
        self.out_dir = out_dir
        self.show = show
        self.wait_time = wait_time
        self._seen = 0
        self._drawn = 0

    def before_val_epoch(self, runner: Runner) -> None:
        """Start counting anew."""
        self._seen = self._drawn = 0

    def before_test_epoch(self, runner: Runner) -> None:
        """Start counting anew."""
        self._seen = self._drawn = 0

    def after_val_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: Sequence[BaseDataElement] | None = None,
    ) -> None:
        """Draw samples of a validation batch."""
        epoch = runner.epoch if hasattr(runner._train_loop, 'epoch') else 0
        self._draw_batch(runner, outputs, f'val/epoch_{epoch}', epoch)

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: Sequence[BaseDataElement] | None = None,
    ) -> None:
        """Draw samples of a test batch."""
        self._draw_batch(runner, outputs, 'test', 0)

    def _draw_batch(
        self,
        runner: Runner,
        samples: Sequence[BaseDataElement] | None,
        folder: str,
        step: int,
    ) -> None:
        if not (self.enable and is_main_process()):
            return
        for sample in samples or ():
            index, self._seen = self._seen, self._seen + 1
            full = self.max_samples is not None and self._drawn >= self.max_samples
            if index % self.interval or full:
                continue
            image = sample_image(sample)
            if image is None:
                runner.logger.warning(f'{sample.get("img_path")} cannot be read and is not drawn')
                continue
            self._drawn += 1
            self._draw(runner, sample, image, folder, index, step)

    def _draw(
        self,
        runner: Runner,
        sample: BaseDataElement,
        image: np.ndarray,
        folder: str,
        index: int,
        step: int,
    ) -> None:
        visualizer = runner.visualizer
        if not isinstance(visualizer, HandVisualizer):
            visualizer = HandVisualizer.get_instance('mmhand-overlays')
        if not visualizer.faces:
            model = runner.model.module if is_model_wrapper(runner.model) else runner.model
            visualizer.faces = face_table(model)
        name = re.sub(r'[^\w.-]+', '_', str(sample.get('sample_id', index))).strip('_')[-100:]
        out_file = None
        if self.out_dir is not None:
            out_file = Path(self.out_dir) / folder / f'{index:05d}_{name}.jpg'
        visualizer.add_datasample(
            f'{folder}_{name}'.replace('/', '_'),
            image,
            sample,
            draw_gt=self.draw_gt,
            draw_pred=self.draw_pred,
            show=self.show,
            wait_time=self.wait_time,
            out_file=out_file,
            step=step,
        )


def sample_image(sample: BaseDataElement) -> np.ndarray | None:
    """The original picture of a sample, (H, W, 3) uint8 RGB; ``None`` if it cannot be read."""
    path = sample.get('img_path')
    image = cv2.imread(str(path), cv2.IMREAD_COLOR) if path else None
    return None if image is None else image[..., ::-1].copy()

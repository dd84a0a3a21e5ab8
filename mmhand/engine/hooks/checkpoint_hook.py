"""Checkpoints that survive a kill at any moment."""

from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn

from mmhand.engine.resuming import check_resumable
from mmhand.registry import HOOKS
from mmhand.utils import atomic_io  # noqa: F401  (registers the backend)
from mmhand.utils.errors import HandConfigError
from mmhand.utils.setup_env import ensure_space
from mmhand.utils.trained_hand import KEY, check_trained_hand, hand_models_of
from mmhand.utils.weight_checks import check_names, check_state_dict, plain_names


@HOOKS.register_module()
class HandCheckpointHook(CheckpointHook):
    """mmengine's checkpoint hook, made safe against kills and against weights of another model.

    * Local files are written beside their target and renamed, so none is ever half written.
    * An outdated checkpoint is removed after the new one is complete, not before.
    * A checkpoint of which no weight fits the model, or one has another shape, is an error instead
      of a warning.

    Args:
        skip_mismatched: leave weights of another shape out, with a warning, instead of refusing
            the file; for fine-tuning with another head.
        **kwargs: those of :class:`mmengine.hooks.CheckpointHook`.
    """

    def __init__(self, *args: object, skip_mismatched: bool = False, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.skip_mismatched = skip_mismatched

    def before_train(self, runner: Runner) -> None:
        """Choose the file backend; see the base class."""
        if self.backend_args is None and '://' not in str(self.out_dir or runner.work_dir):
            self.backend_args = dict(backend='mmhand_atomic')
            # Weights and two moments of each: an hour of training is not to end in a full disk.
            size = sum(weight.nbytes for weight in runner.model.state_dict().values())
            ensure_space(runner.work_dir, 3 * size)
        super().before_train(runner)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Name weights as one process does, and write down the hand model they were trained with."""
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        checkpoint['state_dict'] = plain_names(model, checkpoint['state_dict'])
        if kinds := hand_models_of(model):
            checkpoint['meta'][KEY] = kinds

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Check that the weights are this model's, and that a run can go on from the file.

        Raises:
            HandFileError: they are not, or it cannot.
        """
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        source = str(runner._load_from or 'to resume from')
        if 'state_dict' in checkpoint:
            check_names(checkpoint['state_dict'], source)
            checkpoint['state_dict'] = plain_names(model, checkpoint['state_dict'])
        if runner._resume:
            check_resumable(runner, checkpoint, source)
        check_trained_hand(model, checkpoint, source)
        check_state_dict(
            model, checkpoint.get('state_dict', checkpoint), source, not self.skip_mismatched
        )

    def after_val_epoch(self, runner: Runner, metrics: dict) -> None:
        """Keep the best checkpoint.

        Raises:
            HandConfigError: ``save_best`` names no metric of this validation.
        """
        wanted = [key for key in self.save_best or () if key != 'auto']
        missing = [key for key in wanted if key not in metrics]
        if missing and metrics:
            raise HandConfigError(
                f'save_best is "{missing[0]}", and the validation gives {", ".join(metrics)}'
            )
        super().after_val_epoch(runner, metrics)

    def _save_best_checkpoint(self, runner: Runner, metrics: dict) -> None:
        """Write the new best file before the old one goes; never one that is not finite."""
        if not self.save_best:
            return
        bad = _not_finite(runner.model)
        if bad is not None:
            runner.logger.warning(f'weight "{bad}" is not finite: no best checkpoint is kept')
            return
        single = len(self.key_indicators) == 1
        before = [self.best_ckpt_path] if single else list(self.best_ckpt_path_dict.values())
        # Hidden from the base class, which removes them first.
        if single:
            self.best_ckpt_path = None
        else:
            kept, self.best_ckpt_path_dict = (
                self.best_ckpt_path_dict,
                dict.fromkeys(self.best_ckpt_path_dict),
            )
        try:
            super()._save_best_checkpoint(runner, metrics)
        finally:
            if single:
                self.best_ckpt_path = self.best_ckpt_path or before[0]
            else:
                self.best_ckpt_path_dict = {
                    key: path or kept.get(key) for key, path in self.best_ckpt_path_dict.items()
                }
        now = [self.best_ckpt_path] if single else list(self.best_ckpt_path_dict.values())
        for path in before:
            if path and path not in now and is_main_process() and self.file_backend.isfile(path):
                self.file_backend.remove(path)
                runner.logger.info(f'The previous best checkpoint {path} is removed')

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict) -> None:
        outdated = None
        full = 0 < self.max_keep_ckpts == len(getattr(self, 'keep_ckpt_ids', ()))
        if full and self.keep_ckpt_ids[-1] != step:
            # Taken off the list here, so that the base class does not remove its file first.
            outdated = self.keep_ckpt_ids.popleft()
        super()._save_checkpoint_with_step(runner, step, meta)
        if outdated is not None and is_main_process():
            path = self.file_backend.join_path(self.out_dir, self.filename_tmpl.format(outdated))
            if self.file_backend.isfile(path):
                self.file_backend.remove(path)


def _not_finite(model: nn.Module) -> str | None:
    """Name of a weight or running statistic that is not finite."""
    for name, value in model.state_dict().items():
        if value.is_floating_point() and not bool(value.isfinite().all()):
            return name
    return None

# The same with a trunk that does not learn: a step costs half, and what the trunk knows of real hands is
# kept. docs/en/real_pictures.md.
_base_ = ['./spmhand_blaze_cpu_wide.py']

model = dict(backbone=dict(frozen=True))
# One rate for most of the time, which then falls; in epochs of 100 steps.
fall = 20
max_epochs = 22
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
_base_.param_scheduler[1].update(begin=fall, end=max_epochs, T_max=max_epochs - fall)
train_dataloader = dict(num_batch_per_epoch=100)

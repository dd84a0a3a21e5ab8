# Identity-aware, on HUMBI. The release has no script for it: a tenth of the rate after 10 and after 15
# epochs is what its path names say, 20 epochs are our choice.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/iahm_r50.py',
    '../_base_/datasets/humbi.py',
    '../_base_/schedules/iahm_16e.py',
]

train_cfg = dict(max_epochs=20)
param_scheduler = dict(milestones=[10, 15])
default_hooks = dict(checkpoint=dict(interval=1))

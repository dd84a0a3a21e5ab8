# SHPE on single-hand frames (IH26M-SH of the paper's tables): Adam 1e-4, a tenth from iteration
# 500 000 and again from 550 000. Which boxes the authors trained on is not known; these are those of
# the pipeline. 48 pictures on each of 8 GPUs are assumed.
_base_ = [
    '../_base_/datasets/hdr_single_interhand26m.py',
    '../_base_/schedules/hdr_iterations.py',
    '../_base_/models/hdr_shpe.py',
]

train_cfg = dict(max_iters=600000, val_interval=3000)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-4))
param_scheduler = dict(type='MultiStepLR', milestones=[500000, 550000], gamma=0.1, by_epoch=False)
auto_scale_lr = dict(enable=False, base_batch_size=384)
default_hooks = dict(checkpoint=dict(interval=3000, save_best='hdr/MPJPE_all', rule='less'))

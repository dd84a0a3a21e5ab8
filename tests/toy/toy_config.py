_base_ = ['../../configs/_base_/default_runtime.py']
custom_imports = dict(imports=['toy_hands'], allow_failed_imports=False)

model = dict(type='ToyEstimator')
dataset = dict(type='ToyHands', data_root='data')
train_dataloader = dict(
    batch_size=4, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=True), dataset=dataset
)
val_dataloader = dict(
    batch_size=4, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False), dataset=dataset
)
test_dataloader = val_dataloader
val_evaluator = dict(type='ToyMetric')
test_evaluator = val_evaluator

train_cfg = dict(by_epoch=True, max_epochs=2, val_interval=1)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(optimizer=dict(type='Adam', lr=1e-2))
param_scheduler = [dict(type='MultiStepLR', milestones=[3], by_epoch=True)]
auto_scale_lr = dict(enable=False, base_batch_size=8)
default_hooks = dict(
    logger=dict(interval=1), checkpoint=dict(save_best='toy/MPJPE', rule='less', max_keep_ckpts=2)
)
randomness = dict(seed=0)

# For mmpose's weights and numbers: ImageNet statistics, one mean over all joints.
_base_ = ['./internet_r50_interhand.py']

model = dict(data_preprocessor=dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375]))
val_evaluator = dict(protocol='mmpose')
test_evaluator = val_evaluator
optim_wrapper = dict(optimizer=dict(lr=2e-4))
auto_scale_lr = dict(base_batch_size=128)
default_hooks = dict(checkpoint=dict(save_best='mmpose/MPJPE_all'))

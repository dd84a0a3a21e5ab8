# InterNet's published schedule (Moon et al. 2020): Adam 1e-4, a tenth from epoch 15 and again from 17.
train_cfg = dict(by_epoch=True, max_epochs=20, val_interval=1)
val_cfg = dict()
test_cfg = dict()

optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-4))
param_scheduler = dict(type='MultiStepLR', milestones=[15, 17], gamma=0.1, by_epoch=True)

# 16 images on each of 4 GPUs.
auto_scale_lr = dict(enable=False, base_batch_size=64)

# HandOccNet on HO3D: Adam 1e-4, 0.7 of it every ten epochs; 16 pictures on each of 4 GPUs. The released
# weights are from epoch 80.
train_cfg = dict(by_epoch=True, max_epochs=70, val_interval=10)
val_cfg = dict()
test_cfg = dict()

optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-4))
param_scheduler = dict(
    type='MultiStepLR', milestones=[10, 20, 30, 40, 50, 60], gamma=0.7, by_epoch=True
)
auto_scale_lr = dict(enable=False, base_batch_size=64)

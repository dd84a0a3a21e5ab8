# Minutes on two CPU cores with about a thousand pictures.
train_cfg = dict(by_epoch=True, max_epochs=20, val_interval=20)
val_cfg = dict()
test_cfg = dict()

optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=5e-4))
param_scheduler = dict(type='MultiStepLR', milestones=[14, 18], gamma=0.3, by_epoch=True)
auto_scale_lr = dict(enable=False, base_batch_size=8)

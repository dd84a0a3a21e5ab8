# CMR on FreiHAND: Adam 1e-4, a tenth of it after 30 epochs; 39 epochs ("38" in the release, which counts
# from zero); 32 pictures.
train_cfg = dict(by_epoch=True, max_epochs=39, val_interval=3)
val_cfg = dict()
test_cfg = dict()

optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-4))
param_scheduler = dict(type='MultiStepLR', milestones=[30], gamma=0.1, by_epoch=True)
auto_scale_lr = dict(enable=False, base_batch_size=32)

# HandOccNet and SPMHand on DexYCB: Adam 1e-4, 0.9 of it every epoch; 64 pictures.
train_cfg = dict(by_epoch=True, max_epochs=25, val_interval=5)
val_cfg = dict()
test_cfg = dict()

optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-4))
param_scheduler = dict(type='StepLR', step_size=1, gamma=0.9, by_epoch=True)
auto_scale_lr = dict(enable=False, base_batch_size=64)

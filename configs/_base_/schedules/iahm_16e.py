# Identity-Aware Hand Mesh: Adam 1e-4, a tenth of it after 5 and again after 10 epochs; 16 epochs ("15"
# in the release, which counts from zero); 8 pictures on each of 4 GPUs.
train_cfg = dict(by_epoch=True, max_epochs=16, val_interval=4)
val_cfg = dict()
test_cfg = dict()

optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-4))
param_scheduler = dict(type='MultiStepLR', milestones=[5, 10], gamma=0.1, by_epoch=True)
auto_scale_lr = dict(enable=False, base_batch_size=32)

# DSF on NYU: 11 epochs at 1e-3, 4 at 1e-4 (the release's drop comes one epoch late); 32 sensor crops and
# as many rendered ones a step, on one GPU.
train_cfg = dict(type='TwoStreamTrainLoop', max_epochs=15, val_interval=1)
val_cfg = dict()
test_cfg = dict()

optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.01))
param_scheduler = dict(type='MultiStepLR', milestones=[11], gamma=0.1, by_epoch=True)
auto_scale_lr = dict(enable=False, base_batch_size=32)

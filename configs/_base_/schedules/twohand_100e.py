# Two-Hand-Shape-Pose's published schedule: Adam 1e-4, a tenth from epoch 45 and again from 47, 100
# epochs. Only the mesh network learns; the heat-map branch asks for no gradient.
train_cfg = dict(by_epoch=True, max_epochs=100, val_interval=10)
val_cfg = dict()
test_cfg = dict()

optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-4))
param_scheduler = dict(type='MultiStepLR', milestones=[45, 47], gamma=0.1, by_epoch=True)

# 32 images on each of 4 GPUs.
auto_scale_lr = dict(enable=False, base_batch_size=128)

# Reduced SHPE for two CPU cores and synthetic sets: a narrow DetNet from scratch, 96 x 96, on single
# hands. The set is to be made with --single-poses meeting: otherwise the wrists of single hands are
# held in fewer ways than those of hands that meet.
_base_ = ['./hdr_shpe_interhand.py', '../_base_/models/hdr_reduced.py']

crop_size = 96
model = dict(
    **_base_.hdr_reduced.pose_estimator,
    # The release's N(0, 0.001) takes many steps to leave.
    init_cfg=[dict(type='Kaiming', layer='Conv2d')],
)
train_pipeline = dict(
    # Little augmentation: in so few steps nothing is learned by heart.
    affine=dict(shift=0.08, scale=0.15, rotate_prob=0.0),
    warp=dict(input_size=crop_size),
)
test_pipeline = dict(warp=dict(input_size=crop_size))
loader = dict(batch_size=16, num_workers=1, pin_memory=False)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline), **loader)
val_dataloader = dict(dataset=dict(pipeline=test_pipeline), **loader)
test_dataloader = dict(dataset=dict(pipeline=test_pipeline), **loader)

train_cfg = dict(max_iters=3000, val_interval=500)
optim_wrapper = dict(optimizer=dict(lr=2e-3))
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-2, begin=0, end=50, by_epoch=False),
    dict(type='PolyLR', power=1.0, eta_min=2e-5, begin=50, end=3000, by_epoch=False),
]
auto_scale_lr = dict(base_batch_size=16)
default_hooks = dict(checkpoint=dict(interval=250))
custom_hooks = [dict(type='ChannelsLastHook')]

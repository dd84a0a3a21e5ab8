# Reduced HDRM for two CPU cores and synthetic sets: a narrow U-Net of five levels with one attention
# block, 96 x 96, its discriminator narrow alike, no perceptual terms.
_base_ = ['./hdr_hdrm_aih.py', '../_base_/models/hdr_reduced.py']

model = dict(
    **_base_.hdr_reduced.remover,
    discriminator=dict(channels=(8, 16, 16, 16)),
    inpainting_loss=dict(perceptual=None),
)

crop_size = 96
train_pipeline = dict(load=dict(size=crop_size))
test_pipeline = dict(load=dict(size=crop_size))
loader = dict(batch_size=16, num_workers=1, pin_memory=False)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline), **loader)
val_dataloader = dict(dataset=dict(pipeline=test_pipeline), **loader)
test_dataloader = dict(dataset=dict(pipeline=test_pipeline), **loader)

train_cfg = dict(max_iters=2500, val_interval=500)
optim_wrapper = dict(
    generator=dict(optimizer=dict(lr=2e-3)), discriminator=dict(optimizer=dict(lr=2e-4))
)
# Of both networks.
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-2, begin=0, end=50, by_epoch=False),
    dict(type='CosineAnnealingLR', T_max=2450, eta_min=2e-5, begin=50, end=2500, by_epoch=False),
]
auto_scale_lr = dict(base_batch_size=16)
default_hooks = dict(checkpoint=dict(interval=250))

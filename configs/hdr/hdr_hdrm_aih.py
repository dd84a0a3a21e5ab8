# HDRM: Adam 8e-4 for the generator, a tenth of it for the discriminator, as in the released file.
# The schedule that made the released weights is not known (they are of iteration 138 000, the file
# ends at 70 000), nor are the loss weights: see README.md. 48 pictures on each of 8 GPUs are assumed.
_base_ = [
    '../_base_/datasets/hdr_aih.py',
    '../_base_/schedules/hdr_iterations.py',
    '../_base_/models/hdr_hdrm.py',
]

model = dict(inpainting_loss=dict(perceptual=dict(type='VGGFeatures')))
# One averaged gradient for each of the two networks.
model_wrapper_cfg = dict(type='MMSeparateDistributedDataParallel')

train_cfg = dict(max_iters=138000, val_interval=3000)
optim_wrapper = dict(
    constructor='MultiOptimWrapperConstructor',
    generator=dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=8e-4)),
    discriminator=dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=8e-5, betas=(0.0, 0.9))),
)
auto_scale_lr = dict(enable=False, base_batch_size=384)
default_hooks = dict(checkpoint=dict(interval=3000, save_best='hole/L1', rule='less'))

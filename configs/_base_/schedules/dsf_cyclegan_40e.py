# CycleGAN's own: Adam 2e-4, one picture of each side a step, 20 epochs, then linearly to zero in 20.
train_cfg = dict(type='TwoStreamTrainLoop', max_epochs=40)

optimizer = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=2e-4, betas=(0.5, 0.999)))
optim_wrapper = dict(
    constructor='MultiOptimWrapperConstructor',
    generator=optimizer,
    backward_generator=optimizer,
    discriminator_a=optimizer,
    discriminator_b=optimizer,
)
param_scheduler = dict(
    type='LinearLR', start_factor=1.0, end_factor=0.0, begin=20, end=41, by_epoch=True
)
auto_scale_lr = dict(enable=False, base_batch_size=1)

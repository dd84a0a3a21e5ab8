# Reduced translation for minutes on two CPU cores.
_base_ = ['./dsf_cyclegan_nyu.py']

generator = dict(channels=16, num_blocks=3)
model = dict(generator=generator, backward_generator=generator, discriminator=dict(channels=16))
train_cfg = dict(max_epochs=4)
train_dataloader = dict(batch_size=8, num_workers=1)
synthetic_dataloader = dict(
    batch_size=8,
    dataset=dict(num=4000, hand_model=dict(_delete_=True, type='OpenHand', side='right')),
)
synthetic_renderer = dict(hand=dict(_delete_=True, type='OpenHand', side='right'))
param_scheduler = dict(begin=2, end=5)
auto_scale_lr = dict(base_batch_size=8)

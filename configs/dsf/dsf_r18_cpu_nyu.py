# Reduced fine-tuning for minutes on two CPU cores, with the embedded hand, on
# make_dataset.py --format nyu --turn 0.3 --sensor patchy (docs/en/methods/dsf.md#reduced-training).
_base_ = ['./dsf_r18_nyu.py']

model = dict(
    hand_model=dict(_delete_=True, type='OpenHand', side='right'),
    # Half the maps' side for a quarter of the work.
    network=dict(width=16, channels=32, stem_stride=2),
    codec=dict(type='PixelOffset', size=32),
    generator=None,
    # A few hundred steps: the mesh fits ten times as strongly as released, and batch normalisation keeps
    # what it saw of the sensor alone.
    loss_self_supervised=dict(num_points=256, m2d=1.0, d2m=10.0, pd2m=10.0),
    running_statistics='sensor',
)
train_cfg = dict(max_epochs=5)
# A network this small does not learn all views in the steps it has, so sensor crops turn no further than
# the rendered hands do: of others the teacher knows nothing.
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(pipeline=dict(augment=dict(rotation=15.0))),
)
synthetic_dataloader = dict(
    batch_size=8,
    dataset=dict(num=4000, turn=0.3, hand_model=dict(_delete_=True, type='OpenHand', side='right')),
)
# People's own spread of shapes: three times as wide is too much to learn, too.
synthetic_renderer = dict(turn=False, spread=1.0)
val_dataloader = dict(num_workers=0, persistent_workers=False)
test_dataloader = dict(num_workers=0, persistent_workers=False)
optim_wrapper = dict(optimizer=dict(lr=3e-4))
param_scheduler = dict(
    _delete_=True, type='CosineAnnealingLR', T_max=5, by_epoch=True, convert_to_iter_based=True
)
auto_scale_lr = dict(base_batch_size=8)
custom_hooks = [
    dict(type='ChannelsLastHook'),
    # The mean of the last fifty steps' weights is tested: single ones swing by a millimetre.
    dict(type='EMAHook', momentum=0.02, update_buffers=True),
]
# Comes with the package: an hour of dsf_r18_pretrain_cpu_nyu.
load_from = 'dsf_r18_pretrain_cpu_nyu'

# Reduced HASM for two CPU cores and synthetic sets: MiT-B0 from scratch, 96 x 96, a narrow head.
_base_ = ['./hdr_hasm_mitb5_interhand.py', '../_base_/models/hdr_reduced.py']

reduced = _base_.hdr_reduced.segmentor
model = dict(
    backbone=dict(**reduced.backbone, init_cfg=None),
    decode_head=dict(**reduced.decode_head, norm_cfg=dict(_delete_=True, type='BN')),
)

crop_size = 96
warp = dict(input_size=crop_size)
# With one hand in every second frame, no crop would keep to a greatest share of a label.
augment = dict(size=crop_size, ratio=(0.9, 1.5), cat_max_ratio=1.0)
train_pipeline = dict(warp=warp, augment=augment)
test_pipeline = dict(warp=warp)
# Single hands too: the pipeline meets them, and there must be no second one.
everything = dict(_delete_=True, hand_type='all')
loader = dict(num_workers=1, pin_memory=False)
train_dataloader = dict(
    batch_size=16, dataset=dict(subset=everything, pipeline=train_pipeline), **loader
)
val_dataloader = dict(batch_size=16, dataset=dict(pipeline=test_pipeline), **loader)
test_dataloader = dict(batch_size=16, dataset=dict(pipeline=test_pipeline), **loader)

train_cfg = dict(max_iters=5000, val_interval=500)
optim_wrapper = dict(
    optimizer=dict(lr=1e-3),
    paramwise_cfg=dict(_delete_=True, custom_keys=dict(norm=dict(decay_mult=0.0))),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-3, begin=0, end=50, by_epoch=False),
    dict(type='PolyLR', power=1.0, eta_min=0.0, begin=50, end=5000, by_epoch=False),
]
auto_scale_lr = dict(base_batch_size=16)
default_hooks = dict(checkpoint=dict(interval=250))

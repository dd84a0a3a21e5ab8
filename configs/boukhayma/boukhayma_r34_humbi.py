# Boukhayma's network on HUMBI, as boukhayma_r34_dexycb-s1 in all else.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/humbi.py',
    '../_base_/schedules/iahm_16e.py',
]

model = dict(
    type='BoukhaymaHand',
    data_preprocessor=dict(mean=[127.5], std=[127.5], bgr_to_rgb=True),
    hand_model=dict(type='MANO', side='right', tip_preset='humbi'),
    backbone=dict(type='ResNetLogits', depth=34, pool_size=7),
    num_pca=6,
    loss=dict(type='IdentityAwareLoss'),
)

input_size = (256, 256)
train_cfg = dict(max_epochs=20)
param_scheduler = dict(milestones=[10, 15])
train_pipeline = dict(warp=dict(input_size=input_size))
test_pipeline = train_pipeline
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
val_dataloader = test_dataloader

# Boukhayma's network reduced for two CPU cores.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/dexycb_s1_right.py',
    '../_base_/schedules/mesh_cpu.py',
]

model = dict(
    type='BoukhaymaHand',
    data_preprocessor=dict(mean=[127.5], std=[127.5], bgr_to_rgb=True),
    hand_model=dict(type='OpenHand', side='right'),
    # The map is 4 x 4 for pictures of 112; all of it is averaged.
    backbone=dict(type='ResNetLogits', depth=18, base_channels=32, stem_channels=32),
    num_pca=6,
    loss=dict(type='IdentityAwareLoss'),
)

input_size = (112, 112)
train_pipeline = dict(warp=dict(input_size=input_size))
test_pipeline = train_pipeline
loader = dict(batch_size=16, num_workers=2, pin_memory=False)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline), **loader)
test_dataloader = dict(dataset=dict(pipeline=test_pipeline), **loader)
val_dataloader = test_dataloader
custom_hooks = [dict(type='ChannelsLastHook')]

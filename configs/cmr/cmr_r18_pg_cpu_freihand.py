# Reduced: for sets of tools/synthesis/make_dataset.py --format freihand, or a part of FreiHAND.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/cmr_r18.py',
    '../_base_/datasets/freihand.py',
    '../_base_/schedules/mesh_cpu.py',
]

input_size = (128, 128)
model = dict(
    variant='pg',
    hand_model=dict(_delete_=True, type='OpenHand', side='right'),
    backbone=dict(base_channels=16, init_cfg=None),
    num_features=128,
    mesh_channels=(16, 32, 64, 64),
    codec=dict(input_size=128, heatmap_size=64, sigma=2.0),
)
train_pipeline = dict(
    # Little augmentation: in so few steps nothing is learned by heart.
    box=dict(input_size=128, rotate=15),
    warp=dict(input_size=input_size),
)
test_pipeline = dict(box=dict(input_size=128), warp=dict(input_size=input_size))
loader = dict(batch_size=16, num_workers=2, pin_memory=False)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline), **loader)
test_dataloader = dict(dataset=dict(pipeline=test_pipeline), **loader)
val_dataloader = test_dataloader
custom_hooks = [dict(type='ChannelsLastHook')]

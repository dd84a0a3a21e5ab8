# Reduced: for sets of tools/synthesis/make_dataset.py --format freihand, or a part of FreiHAND.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/handoccnet_r18_cpu.py',
    '../_base_/datasets/freihand_single_hand.py',
    '../_base_/schedules/mesh_cpu.py',
]

input_size = (128, 128)
test_pipeline = dict(box=dict(input_size=128), warp=dict(input_size=input_size))
# Little augmentation: in so few steps nothing is learned by heart.
train_pipeline = dict(affine=dict(scale=0.1, rotate_prob=0.0), warp=dict(input_size=input_size))
loader = dict(batch_size=16, num_workers=2, pin_memory=False)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline), **loader)
test_dataloader = dict(dataset=dict(pipeline=test_pipeline), **loader)
val_dataloader = test_dataloader
custom_hooks = [dict(type='ChannelsLastHook')]

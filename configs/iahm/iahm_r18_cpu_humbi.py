# Reduced: for sets of tools/synthesis/make_dataset.py --format humbi, or a part of HUMBI.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/iahm_r18_cpu.py',
    '../_base_/datasets/humbi.py',
    '../_base_/schedules/mesh_cpu.py',
]

input_size = (112, 112)
train_pipeline = dict(warp=dict(input_size=input_size))
test_pipeline = train_pipeline
loader = dict(batch_size=16, num_workers=2, pin_memory=False)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline), **loader)
test_dataloader = dict(dataset=dict(pipeline=test_pipeline), **loader)
val_dataloader = test_dataloader
custom_hooks = [dict(type='ChannelsLastHook')]

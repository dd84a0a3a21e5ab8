# Reduced: for sets of tools/synthesis/make_dataset.py --format ho3d, or a part of HO3D.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/handoccnet_r18_cpu.py',
    '../_base_/datasets/ho3d.py',
    '../_base_/schedules/mesh_cpu.py',
]

input_size = (128, 128)
# Little augmentation: in so few steps nothing is learned by heart.
affine = dict(scale=0.1, rotate_prob=0.0)
# It learns no masks.
test_pipeline = dict(warp=dict(input_size=input_size), masks=None)
train_pipeline = dict(affine=affine, **test_pipeline)
loader = dict(batch_size=16, num_workers=2, pin_memory=False)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline), **loader)
test_dataloader = dict(dataset=dict(pipeline=test_pipeline), **loader)
val_dataloader = test_dataloader
test_evaluator = dict(_delete_=True, type='HO3DMetric', protocol='ho3d_v2')
val_evaluator = test_evaluator
custom_hooks = [dict(type='ChannelsLastHook')]

# Reduced: for sets of tools/synthesis/make_dataset.py --format ho3d, or a part of HO3D.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/handoccnet_r18_cpu.py',
    '../_base_/datasets/ho3d.py',
    '../_base_/schedules/mesh_cpu.py',
]

input_size = (128, 128)
train_pipeline = _base_.train_pipeline
test_pipeline = _base_.test_pipeline
# Little augmentation: in so few steps nothing is learned by heart.
train_pipeline[3].update(scale=0.1, rotate_prob=0.0)
train_pipeline[4].input_size = input_size
test_pipeline[3].input_size = input_size
# It learns no masks; the second step reads them.
train_pipeline.pop(1)
test_pipeline.pop(1)
loader = dict(batch_size=16, num_workers=2, pin_memory=False)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline), **loader)
test_dataloader = dict(dataset=dict(pipeline=test_pipeline), **loader)
val_dataloader = test_dataloader
test_evaluator = dict(_delete_=True, type='HO3DMetric', protocol='ho3d_v2')
val_evaluator = test_evaluator
custom_hooks = [dict(type='ChannelsLastHook')]

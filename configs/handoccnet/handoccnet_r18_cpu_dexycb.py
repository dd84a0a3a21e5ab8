# Reduced: for sets of tools/synthesis/make_dataset.py --format dexycb, or a part of DexYCB.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/handoccnet_r18_cpu.py',
    '../_base_/datasets/dexycb.py',
    '../_base_/schedules/mesh_cpu.py',
]

input_size = (128, 128)
train_pipeline = _base_.train_pipeline
test_pipeline = _base_.test_pipeline
# Little augmentation: in so few steps nothing is learned by heart.
train_pipeline[3].update(scale=0.1, rotate_prob=0.0)
train_pipeline[5].input_size = input_size
test_pipeline[4].input_size = input_size
# It learns no masks; the second step reads them.
train_pipeline.pop(1)
test_pipeline.pop(1)
loader = dict(batch_size=16, num_workers=2, pin_memory=False)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline), **loader)
test_dataloader = dict(dataset=dict(pipeline=test_pipeline), **loader)
val_dataloader = test_dataloader
test_evaluator = _base_.test_evaluator[:2]
val_evaluator = test_evaluator
custom_hooks = [dict(type='ChannelsLastHook')]

# HandOccNet on DexYCB s0.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/handoccnet_r50.py',
    '../_base_/datasets/dexycb.py',
    '../_base_/schedules/dexycb_25e.py',
]

train_pipeline = _base_.train_pipeline
test_pipeline = _base_.test_pipeline
# It learns no masks; the second step reads them.
train_pipeline.pop(1)
test_pipeline.pop(1)
train_dataloader = dict(batch_size=16, dataset=dict(pipeline=train_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
val_dataloader = test_dataloader
test_evaluator = _base_.test_evaluator[:2]
val_evaluator = test_evaluator

default_hooks = dict(checkpoint=dict(interval=5))

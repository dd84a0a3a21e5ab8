# HandOccNet on DexYCB s0.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/handoccnet_r50.py',
    '../_base_/datasets/dexycb.py',
    '../_base_/schedules/dexycb_25e.py',
]

# It learns no masks.
train_pipeline = dict(masks=None)
test_pipeline = train_pipeline
train_dataloader = dict(batch_size=16, dataset=dict(pipeline=train_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
val_dataloader = test_dataloader
test_evaluator = _base_.test_evaluator[:2]
val_evaluator = test_evaluator

default_hooks = dict(checkpoint=dict(interval=5))

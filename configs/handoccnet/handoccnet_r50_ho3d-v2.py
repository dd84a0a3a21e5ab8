# HandOccNet on HO3D v2.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/handoccnet_r50.py',
    '../_base_/datasets/ho3d.py',
    '../_base_/schedules/handoccnet_70e.py',
]

# It learns no masks.
train_pipeline = dict(masks=None)
test_pipeline = train_pipeline
train_dataloader = dict(batch_size=16, dataset=dict(pipeline=train_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
val_dataloader = test_dataloader
test_evaluator = dict(_delete_=True, type='HO3DMetric', protocol='ho3d_v2')
val_evaluator = test_evaluator

default_hooks = dict(checkpoint=dict(interval=10))

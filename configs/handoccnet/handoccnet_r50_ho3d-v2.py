# HandOccNet on HO3D v2.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/handoccnet_r50.py',
    '../_base_/datasets/ho3d.py',
    '../_base_/schedules/handoccnet_70e.py',
]

train_pipeline = _base_.train_pipeline
test_pipeline = _base_.test_pipeline
# It learns no masks; the second step reads them.
train_pipeline.pop(1)
test_pipeline.pop(1)
train_dataloader = dict(batch_size=16, dataset=dict(pipeline=train_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
val_dataloader = test_dataloader
test_evaluator = dict(_delete_=True, type='HO3DMetric', protocol='ho3d_v2')
val_evaluator = test_evaluator

default_hooks = dict(checkpoint=dict(interval=10))

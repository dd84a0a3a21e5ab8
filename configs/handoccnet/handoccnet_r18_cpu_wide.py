# Reduced, with a random start: the ResNet-18 of the other reduced configs (docs/en/real_pictures.md).
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/handoccnet_r18_cpu.py',
    '../_base_/datasets/wide_hands_cpu.py',
    '../_base_/schedules/wide_cpu.py',
]
# It learns no masks.
train_pipeline = dict(masks=None)
test_pipeline = dict(masks=None)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
val_dataloader = test_dataloader
test_evaluator = dict(_delete_=True, type='HO3DMetric', protocol='ho3d_v2')
val_evaluator = test_evaluator
custom_hooks = [dict(type='ChannelsLastHook')]

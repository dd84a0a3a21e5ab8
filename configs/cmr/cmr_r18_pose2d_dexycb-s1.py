# The 2D pose network whose peaks the identity-aware method fits its hands to at test time.
_base_ = ['./cmr_r18_pg-pp_dexycb-s1.py']

model = dict(variant='pose2d')
param_scheduler = dict(milestones=[10, 15])
# The release keeps the best by the error on the validation subjects.
train_cfg = dict(val_interval=1)
default_hooks = dict(checkpoint=dict(save_best='heatmap/peak_error', rule='less'))
val_dataloader = dict(dataset=dict(split='val', with_vertices=False))
test_dataloader = dict(dataset=dict(with_vertices=False))
test_evaluator = dict(_delete_=True, type='HeatmapPeakMetric')
val_evaluator = test_evaluator

# Stage 1 of SPMHand: only the masks learn, with the backbone, the pyramid and the hourglass that the
# whole-hand head stands on. The authors published weights but no recipe: schedule and data are ours.
_base_ = ['./spmhand_r50_ho3d-v2.py']

model = dict(segmentation_only=True)
find_unused_parameters = True
train_cfg = dict(max_epochs=20, val_interval=5)
param_scheduler = dict(milestones=[10, 15])
test_evaluator = dict(_delete_=True, type='HandMaskMetric')
# HO3D's evaluation split has no masks: watch them on training frames.
test_dataloader = dict(dataset=dict(split='train', indices=2000))
val_dataloader = test_dataloader
val_evaluator = test_evaluator

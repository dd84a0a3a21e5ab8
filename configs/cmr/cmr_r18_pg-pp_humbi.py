# CMR, pure pose, on HUMBI; a tenth of the rate after 10 and 15 epochs as the release's path names say.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/cmr_r18.py',
    '../_base_/datasets/humbi.py',
    '../_base_/schedules/iahm_16e.py',
]

model = dict(hand_model=dict(tip_preset='humbi'))
train_cfg = dict(max_epochs=20)
param_scheduler = dict(milestones=[10, 15])
# No betas are estimated: the last evaluator compares them.
test_evaluator = _base_.test_evaluator[:2]
val_evaluator = test_evaluator

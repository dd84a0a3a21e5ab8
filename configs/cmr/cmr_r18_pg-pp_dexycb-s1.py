# CMR in the identity-aware paper's comparison: pure pose, DexYCB s1.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/cmr_r18.py',
    '../_base_/datasets/dexycb_s1_right.py',
    '../_base_/schedules/iahm_16e.py',
]

model = dict(hand_model=dict(tip_preset='manopth'))
param_scheduler = dict(milestones=[10, 12])
# No betas are estimated: the last evaluator compares them.
test_evaluator = _base_.test_evaluator[:2]
val_evaluator = test_evaluator

# Identity-aware: trained with the annotated shape of each subject, tested with it or a calibrated one
# (tools/iahm/calibrate_shapes.py).
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/iahm_r50.py',
    '../_base_/datasets/dexycb_s1_right.py',
    '../_base_/schedules/iahm_16e.py',
]

default_hooks = dict(checkpoint=dict(interval=1))

# SPMHand on HO3D v2. The release starts from its stage-1 weights: train
# spmhand_r50_stage-seg_ho3d-v2.py first and give its checkpoint as load_from (or convert the authors').
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/spmhand_r50.py',
    '../_base_/datasets/ho3d.py',
    '../_base_/schedules/spmhand_40e.py',
]

default_hooks = dict(checkpoint=dict(interval=10))

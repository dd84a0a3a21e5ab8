# SPMHand on DexYCB s0. The release has this schedule but no data set; whole-hand masks are made by
# tools/dataset_converters/whole_hand_masks.py.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/spmhand_r50.py',
    '../_base_/datasets/dexycb.py',
    '../_base_/schedules/dexycb_25e.py',
]

default_hooks = dict(checkpoint=dict(interval=5))

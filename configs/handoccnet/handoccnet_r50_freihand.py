# HandOccNet on FreiHAND; the paper has no numbers for it, the schedule is HO3D's.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/handoccnet_r50.py',
    '../_base_/datasets/freihand_single_hand.py',
    '../_base_/schedules/handoccnet_70e.py',
]

default_hooks = dict(checkpoint=dict(interval=10))

# Reduced SPMHand on the trunk of the open hand landmark network, for real pictures:
# docs/en/real_pictures.md.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/spmhand_r18_cpu.py',
    '../_base_/datasets/wide_hands_cpu.py',
    '../_base_/schedules/wide_cpu.py',
]

pyramid = (24, 40, 112, 192)
model = dict(
    backbone=dict(
        _delete_=True, type='BlazeHandTrunk', out_indices=(1, 2, 3, 4), pretrained='open'
    ),
    neck=dict(in_channels=pyramid),
    visible_head=dict(in_channels=pyramid),
)
custom_hooks = [dict(type='ChannelsLastHook')]

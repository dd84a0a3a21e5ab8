# Reduced, with a random start: the ResNet-18 of the other reduced configs (docs/en/real_pictures.md).
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/spmhand_r18_cpu.py',
    '../_base_/datasets/wide_hands_cpu.py',
    '../_base_/schedules/wide_cpu.py',
]
custom_hooks = [dict(type='ChannelsLastHook')]

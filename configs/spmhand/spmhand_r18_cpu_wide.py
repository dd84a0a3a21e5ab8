# spmhand_blaze_cpu_wide.py with a random start: the reduced ResNet-18 of the other reduced configs.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/spmhand_r18_cpu.py',
    '../_base_/datasets/wide_hands_cpu.py',
    '../_base_/schedules/wide_cpu.py',
]
custom_hooks = [dict(type='ChannelsLastHook')]

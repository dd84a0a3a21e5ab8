# The reduced anonymous baseline on HUMBI.
_base_ = ['./iahm_r18_cpu_humbi.py']

model = dict(
    pose_head=dict(agg='add', start='columns', eps=1e-12),
    shape_head=dict(type='ShapeHead', in_channels=256, hidden_channels=(256, 128)),
)

# The reduced anonymous baseline.
_base_ = ['./iahm_blaze_cpu_freihand.py']

model = dict(
    pose_head=dict(agg='add', start='columns', eps=1e-12, start_still=False),
    shape_head=dict(type='ShapeHead', in_channels=1299, hidden_channels=(512, 256)),
)

# The anonymous baseline: a shape head, and iterations that add to an offset which is no rotation.
_base_ = ['./iahm_r50_dexycb-s1.py']

model = dict(
    pose_head=dict(agg='add', start='columns', eps=1e-12),
    shape_head=dict(type='ShapeHead'),
)

# Reduced HandOccNet on the trunk of the open hand landmark network, for real pictures:
# docs/en/real_pictures.md.
_base_ = ['./handoccnet_r18_cpu_wide.py']

pyramid = (24, 40, 112, 192)
model = dict(
    backbone=dict(
        _delete_=True, type='BlazeHandTrunk', out_indices=(1, 2, 3, 4), pretrained='open'
    ),
    neck=dict(in_channels=pyramid),
)

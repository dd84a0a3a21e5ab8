# SPMHand reduced for two CPU cores: ResNet-18 from scratch, 128 x 128 pictures, 96 channels.
_base_ = ['./spmhand_r50.py']

channels = 96
pyramid = (64, 128, 256, 512)
model = dict(
    backbone=dict(depth=18, init_cfg=None),
    neck=dict(in_channels=pyramid, channels=channels),
    pose_head=dict(in_channels=channels, loss_weight=100.0),
    visible_head=dict(in_channels=pyramid, channels=32),
    whole_head=dict(channels=32, attention_channels=channels, map_size=(16, 16)),
    segmentation_embedding=dict(channels=channels),
    encoder=dict(channels=channels),
    mano_head=dict(in_channels=channels, hidden_channels=(256, 256)),
)

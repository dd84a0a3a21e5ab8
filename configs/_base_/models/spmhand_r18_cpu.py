# SPMHand reduced for two CPU cores: a ResNet-18 of half the width from scratch, 128 x 128
# pictures, 64 channels.
_base_ = ['./spmhand_r50.py']

channels = 64
pyramid = (32, 64, 128, 256)
# Short trainings from scratch need the pixels' guidance: twice the release's weight of the 2D joints,
# heat maps of their own, ten times the weight of the masks, and of the rotations as well: the fingers'
# show little in the joints' errors while the wrist is not yet right.
mano = dict(type='ManoLoss', rotmats=100.0)
mask = dict(type='mmhand.BCEDiceLoss', loss_weight=5.0)
model = dict(
    backbone=dict(depth=18, base_channels=32, stem_channels=32, init_cfg=None),
    neck=dict(in_channels=pyramid, channels=channels),
    pose_head=dict(in_channels=channels, loss_weight=200.0, heatmap_weight=5.0),
    visible_head=dict(in_channels=pyramid, channels=32, loss_decode=mask),
    whole_head=dict(channels=32, attention_channels=channels, map_size=(16, 16), loss_decode=mask),
    segmentation_embedding=dict(channels=channels),
    encoder=dict(channels=channels),
    mano_head=dict(
        hand_model=dict(_delete_=True, type='OpenHand', side='right'),
        in_channels=channels,
        hidden_channels=(256, 256),
    ),
    loss_mano=[dict(scale=0.4, **mano), dict(scale=0.4, **mano), dict(scale=0.4, **mano), mano],
)

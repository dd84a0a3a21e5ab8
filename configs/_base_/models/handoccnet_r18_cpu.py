# HandOccNet reduced for two CPU cores: a ResNet-18 of half the width from scratch, 128 x 128
# pictures, 64 channels.
_base_ = ['./handoccnet_r50.py']

channels = 64
pyramid = (32, 64, 128, 256)
# Small networks do not get going from weights of 0.001.
init = None
# The same weights as in spmhand_r18_cpu.py.
model = dict(
    backbone=dict(depth=18, base_channels=32, stem_channels=32, init_cfg=None),
    neck=dict(in_channels=pyramid, channels=channels),
    injector=dict(channels=channels, map_size=(16, 16), init_cfg=init),
    pose_head=dict(in_channels=channels, loss_weight=200.0, heatmap_weight=5.0, init_cfg=init),
    encoder=dict(channels=channels, init_cfg=init),
    mano_head=dict(
        hand_model=dict(_delete_=True, type='OpenHand', side='right'),
        in_channels=channels,
        hidden_channels=(256, 256),
        init_cfg=init,
    ),
    loss_mano=dict(type='ManoLoss', rotmats=100.0),
)

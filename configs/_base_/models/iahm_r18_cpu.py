# The identity-aware network reduced for two CPU cores: a ResNet-18 of half the width from scratch, a
# feature of 256 numbers, and the embedded hand.
model = dict(
    type='IdentityAwareHandMesh',
    data_preprocessor=dict(mean=[127.5], std=[127.5], bgr_to_rgb=True),
    hand_model=dict(type='OpenHand', side='right'),
    backbone=dict(
        type='ResNetLogits', depth=18, base_channels=32, stem_channels=32, num_features=256
    ),
    pose_head=dict(
        type='IterativePose6DHead',
        in_channels=256,
        hidden_channels=(256, 128),
        agg='multiply',
        start='rows',
        eps=1e-6,
    ),
    loss=dict(type='IdentityAwareLoss'),
)

# The identity-aware heads on what the open hand network knows, and the embedded hand.
model = dict(
    type='IdentityAwareHandMesh',
    data_preprocessor=dict(mean=[0.0], std=[255.0], bgr_to_rgb=True),
    hand_model=dict(type='OpenHand', side='right'),
    backbone=dict(type='BlazeHandFeatures'),
    pose_head=dict(
        type='IterativePose6DHead',
        in_channels=1299,
        hidden_channels=(512, 256),
        agg='multiply',
        start='rows',
        eps=1e-6,
        start_still=True,
    ),
    loss=dict(type='IdentityAwareLoss'),
)

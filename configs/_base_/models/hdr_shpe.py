# SHPE as released: DetNet on right or mirrored left hands (methods/hdr.md#pose-network).
model = dict(
    type='SingleHandPoseEstimator',
    data_preprocessor=dict(
        type='mmhand.HandDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
    ),
    backbone=dict(type='DetNetResNet'),
    head=dict(
        type='DetNetHead',
        codec=dict(type='DetNetCodec', input_size=256, heatmap_size=64, sigma=2.5),
        loss=dict(type='DetNetLoss', heatmap_weight=1.0, delta_weight=1.0, location_weight=5.0),
    ),
    # "interhand_offfical" of the release: every convolution from N(0, 0.001).
    init_cfg=[
        dict(type='Normal', layer='Conv2d', std=0.001),
        dict(type='Constant', layer=['BatchNorm2d', 'SyncBatchNorm'], val=1.0),
    ],
)

# HDR's three networks as released, each declared here alone (methods/hdr.md).
hdr_networks = dict(
    # HASM: SegFormer with MiT-B5 and four mask branches (methods/hdr.md#amodal-segmentation).
    segmentor=dict(
        type='HandAmodalSegmentor',
        backbone=dict(
            type='mmseg.MixVisionTransformer',
            embed_dims=64,
            num_layers=[3, 6, 40, 3],
            num_heads=[1, 2, 5, 8],
            drop_path_rate=0.1,
        ),
        decode_head=dict(
            type='mmhand.AmodalSegHead',
            in_channels=[64, 128, 320, 512],
            channels=256,
            dropout_ratio=0.1,
            norm_cfg=dict(type='BN', requires_grad=True),
        ),
    ),
    # HDRM: partial-convolution U-Net with PVT-v2 blocks (methods/hdr.md#generator).
    remover=dict(
        type='HandDeocclusionRemover',
        generator=dict(type='PConvUNet'),
        discriminator=dict(type='SNPatchDiscriminator'),
        dilation=9,
    ),
    # SHPE: DetNet on right or mirrored left hands (methods/hdr.md#pose-network).
    pose_estimator=dict(
        type='SingleHandPoseEstimator',
        backbone=dict(type='DetNetResNet'),
        head=dict(
            type='DetNetHead',
            codec=dict(type='DetNetCodec', input_size=256, heatmap_size=64, sigma=2.5),
            loss=dict(type='DetNetLoss', heatmap_weight=1.0, delta_weight=1.0, location_weight=5.0),
        ),
    ),
)

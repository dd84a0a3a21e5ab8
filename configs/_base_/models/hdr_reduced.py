# What HDR's networks reduced for two CPU cores have otherwise: crops of 96 x 96, from scratch.
hdr_reduced = dict(
    # MiT-B0 and a narrow head.
    segmentor=dict(
        backbone=dict(embed_dims=32, num_layers=[2, 2, 2, 2], drop_path_rate=0.0),
        decode_head=dict(in_channels=[32, 64, 160, 256], channels=64),
    ),
    # A narrow U-Net of five levels with one attention block.
    remover=dict(
        generator=dict(
            channels=(24, 48, 64, 96, 96),
            kernel_sizes=(5, 5, 3),
            normalize='ratio',
            encoder_attention={3: dict(num_heads=2, sr_ratio=2, mlp_ratio=2)},
            decoder_attention={},
        ),
        # The ellipse shrinks with the picture.
        dilation=5,
    ),
    # A narrow DetNet.
    pose_estimator=dict(
        backbone=dict(base_channels=16, depths=(1, 1, 2), out_channels=64),
        head=dict(
            in_channels=64,
            hidden_channels=64,
            codec=dict(input_size=96, heatmap_size=24, sigma=1.2, exact_border=True),
        ),
    ),
)

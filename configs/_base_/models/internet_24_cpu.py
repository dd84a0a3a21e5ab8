# What an InterNet for minutes on a CPU has otherwise: 96 x 96 pictures, volumes of 24^3.
internet_24 = dict(
    backbone=dict(depth=18, stem_channels=16, base_channels=16),
    head=dict(
        keypoint_head_cfg=dict(
            in_channels=128,
            out_channels=21 * 24,
            depth_size=24,
            deconv_out_channels=(64, 64, 64),
        ),
        root_head_cfg=dict(in_channels=128, heatmap_size=24, hidden_dims=(64,)),
        hand_type_head_cfg=dict(in_channels=128, hidden_dims=(64,)),
        codec=dict(
            input_size=(96, 96),
            heatmap_size=(24, 24, 24),
            sigma=1.5,
            max_value=10.0,
            root_bins=24,
            joint_set='mano21',
        ),
    ),
)

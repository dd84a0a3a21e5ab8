# InterNet as published (Moon et al., ECCV 2020); also the heat-map branch of Two-Hand-Shape-Pose.
internet = dict(
    type='InterNet',
    backbone=dict(type='mmpose.ResNet', depth=50),
    head=dict(
        type='InterNetHead',
        keypoint_head_cfg=dict(
            in_channels=2048,
            out_channels=21 * 64,
            depth_size=64,
            deconv_out_channels=(256, 256, 256),
            deconv_kernel_sizes=(4, 4, 4),
        ),
        root_head_cfg=dict(in_channels=2048, heatmap_size=64, hidden_dims=(512,)),
        hand_type_head_cfg=dict(in_channels=2048, num_labels=2, hidden_dims=(512,)),
        codec=dict(
            type='InterNetVolume',
            input_size=(256, 256),
            heatmap_size=(64, 64, 64),
            sigma=2.5,
            max_value=255.0,
            depth_bound=0.4,
            root_bins=64,
            root_depth_bound=0.4,
            joint_set='interhand21',
        ),
    ),
)

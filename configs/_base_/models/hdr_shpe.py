# SHPE to be trained.
_base_ = ['./hdr_networks.py']

model = dict(
    **_base_.hdr_networks.pose_estimator,
    data_preprocessor=dict(
        type='mmhand.HandDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
    ),
    # "interhand_offfical" of the release: every convolution from N(0, 0.001).
    init_cfg=[
        dict(type='Normal', layer='Conv2d', std=0.001),
        dict(type='Constant', layer=['BatchNorm2d', 'SyncBatchNorm'], val=1.0),
    ],
)

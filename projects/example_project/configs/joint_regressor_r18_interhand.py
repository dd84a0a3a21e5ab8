_base_ = ['mmhand::internet/internet_r18_cpu_interhand.py']

custom_imports = dict(imports=['joint_regressor'], allow_failed_imports=False)

model = dict(
    _delete_=True,
    type='JointRegressor',
    data_preprocessor=dict(mean=[0.0], std=[255.0], bgr_to_rgb=True),
    backbone=dict(type='mmpose.ResNet', depth=18),
    in_channels=512,
)

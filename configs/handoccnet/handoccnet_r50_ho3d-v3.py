# HandOccNet on HO3D v3, for which the authors published neither annotations nor weights.
_base_ = ['./handoccnet_r50_ho3d-v2.py']

version = dict(version='v3', data_root='data/HO3D_v3')
train_dataloader = dict(dataset=version)
test_dataloader = dict(dataset=version)
val_dataloader = test_dataloader
test_evaluator = dict(protocol='ho3d_v3')
val_evaluator = test_evaluator

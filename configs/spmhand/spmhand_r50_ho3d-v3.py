# SPMHand on HO3D v3: other file types and masks, the same network and schedule.
_base_ = ['./spmhand_r50_ho3d-v2.py']

version = dict(version='v3', data_root='data/HO3D_v3')
train_dataloader = dict(dataset=version)
test_dataloader = dict(dataset=version)
val_dataloader = test_dataloader
test_evaluator = [dict(type='HO3DMetric', protocol='ho3d_v3'), dict(type='HandMaskMetric')]
val_evaluator = test_evaluator

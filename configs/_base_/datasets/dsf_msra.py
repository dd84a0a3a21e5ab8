# MSRA: set, camera, cube and protocols.
_base_ = ['./dsf_depth.py']

dataset = dict(type='MSRADataset', data_root='data/msra/', test_subject=0)
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = dict(dataset=dataset)

synthetic_renderer = dict(camera='msra', base_cube=0.18)

val_evaluator = [
    dict(type='HandPoseMetric', protocol='msra'),
    dict(type='HandPoseMetric', protocol='msra_dsf'),
    dict(type='StagePoseMetric', protocol='msra_dsf'),
]
test_evaluator = val_evaluator

# ICVL: set, camera, cube and protocols.
_base_ = ['./dsf_depth.py']

dataset = dict(type='ICVLDataset', data_root='data/icvl/')
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = dict(dataset=dataset)

synthetic_renderer = dict(camera='icvl', base_cube=0.2)

val_evaluator = [
    dict(type='HandPoseMetric', protocol='icvl'),
    dict(type='StagePoseMetric', protocol='icvl'),
]
test_evaluator = val_evaluator

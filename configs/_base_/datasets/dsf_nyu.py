# NYU: set, camera, cube and protocols.
_base_ = ['./dsf_depth.py']

dataset = dict(type='NYUDataset', data_root='data/nyu/', view=0)
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = dict(dataset=dataset)

synthetic_renderer = dict(camera='nyu', base_cube=0.25)

val_evaluator = [
    dict(type='HandPoseMetric', protocol='nyu'),
    dict(type='HandPoseMetric', protocol='nyu_dsf'),
    dict(type='StagePoseMetric', protocol='nyu_dsf'),
]
test_evaluator = val_evaluator

# PanopticHandDataset in mmpose's COCO-style files, scored by its own protocol.
_base_ = ['./coco_hands.py']

dataset_type = 'PanopticHandDataset'
data_root = 'data/panoptic'
protocol = 'panoptic'

train_dataloader = dict(dataset=dict(type=dataset_type, data_root=data_root))
test_dataloader = train_dataloader
val_dataloader = test_dataloader
test_evaluator = dict(protocol=protocol)
val_evaluator = test_evaluator

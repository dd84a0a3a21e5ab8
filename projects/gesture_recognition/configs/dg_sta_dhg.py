# DG-STA on DHG-14/28 with one person left out; tools/dhg_folds.py runs all twenty.
_base_ = ['./dg_sta_shrec17.py']

dataset = dict(data_root='data/dhg', layout='dhg', test_subject=1)
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = dict(dataset=dataset)

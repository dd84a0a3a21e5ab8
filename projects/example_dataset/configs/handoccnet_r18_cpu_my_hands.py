# The reduced 2D network on the data set of this folder; works from an installed mmhand as well.
_base_ = ['mmhand::handoccnet/handoccnet_r18_2d_cpu_onehand10k.py']

custom_imports = dict(imports=['my_hands'], allow_failed_imports=False)
data = dict(type='MyHandsDataset', data_root='data/my_hands')
train_dataloader = dict(dataset=data)
test_dataloader = dict(dataset=data)
val_dataloader = test_dataloader

# HUMBI as the identity-aware method uses it: split_5 (unseen subjects), the set's own crops of right
# hands as they are. The box serves one's own pictures only.
_base_ = ['./identity_crops.py']

dataset_type = 'HUMBIDataset'
data_root = 'data/humbi'
setup = 'split_5'

train_pipeline = dict(box=dict(scale=1.4), cut=dict(mode='picture'))
test_pipeline = train_pipeline
train_dataloader = dict(
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        setup=setup,
        with_vertices=True,
        pipeline=train_pipeline,
    ),
)
test_dataloader = train_dataloader
val_dataloader = test_dataloader

# DexYCB as the identity-aware method uses it: setup s1 (unseen subjects), right hands wholly inside the
# picture.
_base_ = ['./identity_crops.py']

dataset_type = 'DexYCBDataset'
data_root = 'data/DexYCB'

train_dataloader = dict(
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        setup='s1',
        subset=dict(hand_type='right', in_frame=True),
    ),
)
test_dataloader = train_dataloader
val_dataloader = test_dataloader

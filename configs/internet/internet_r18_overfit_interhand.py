# A check of the whole chain: learn a handful of frames by heart. Reads the small repackaged files that
# mmpose's tests use (test_interhand2.6m_*.json beside their pictures), or any like them.
_base_ = ['./internet_r18_cpu_interhand.py']

files = dict(
    data_root='data/interhand2.6m',
    ann_file='test_interhand2.6m_data.json',
    camera_file='test_interhand2.6m_camera.json',
    joint_file='test_interhand2.6m_joint_3d.json',
    img_dir='.',
)
test_pipeline = {{_base_.test_pipeline}}
train_dataloader = dict(
    batch_size=4,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(
        _delete_=True,
        type='RepeatDataset',
        times=40,
        dataset=dict(type='InterHand26MDataset', split='train', pipeline=test_pipeline, **files),
    ),
)
val_dataloader = dict(
    batch_size=4, num_workers=0, persistent_workers=False, dataset=dict(split='train', **files)
)
test_dataloader = val_dataloader

train_cfg = dict(max_epochs=10, val_interval=10)
param_scheduler = dict(milestones=[7, 9])
auto_scale_lr = dict(base_batch_size=4)

# DG-STA on SHREC'17, official split, 14 classes; for 28 set num_classes in the model and all data sets.
_base_ = ['mmhand::_base_/default_runtime.py']
custom_imports = dict(imports=['gesture_recognition'], allow_failed_imports=False)

model = dict(type='DGSTA', num_classes=14)

dataset = dict(type='GestureDataset', data_root='data/shrec', layout='shrec', num_classes=14)
train_dataloader = dict(
    batch_size=32,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(split='train', augment=True, **dataset),
)
val_dataloader = dict(
    batch_size=32,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(split='test', **dataset),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='GestureAccuracy')
test_evaluator = val_evaluator

train_cfg = dict(by_epoch=True, max_epochs=300, val_interval=1)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-3))
auto_scale_lr = dict(enable=False, base_batch_size=32)

# As published, the best epoch is chosen on the test split: say so beside every number.
default_hooks = dict(
    checkpoint=dict(save_best='gesture/accuracy', rule='greater', max_keep_ckpts=1),
    logger=dict(interval=10),
)
custom_hooks = [
    dict(type='EarlyStoppingHook', monitor='gesture/accuracy', rule='greater', patience=50)
]

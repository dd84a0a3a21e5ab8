# Pre-training of Two-Hand-Shape-Pose: volumes in MANO's joint order, joints of the fitted hands.
_base_ = ['./internet_r50_interhand.py']

hand_model = dict(type='MANO', tip_preset='twohand')
model = dict(head=dict(codec=dict(joint_set='mano21')))
dataset = dict(
    subset=dict(hand_type='interacting', mano='any'),
    with_mano=False,
    joint_source='mano',
    hand_model=hand_model,
)
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = dict(dataset=dataset)

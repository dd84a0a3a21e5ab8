# SPMHand in full size for real pictures, from made ones: docs/en/real_pictures.md.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/spmhand_r50.py',
    '../_base_/datasets/wide_hands.py',
    '../_base_/schedules/spmhand_40e.py',
]

# Made pictures show OpenHand.
model = dict(mano_head=dict(hand_model=dict(_delete_=True, type='OpenHand', side='right')))
default_hooks = dict(checkpoint=dict(interval=1))

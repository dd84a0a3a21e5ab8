# Translation of rendered crops to what NYU's sensor sees; its generator is frozen in DSF.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/dsf_nyu.py',
    '../_base_/models/dsf_cyclegan.py',
    '../_base_/schedules/dsf_cyclegan_40e.py',
]

# One crop of each side a step; the translation has no hand of its own.
train_dataloader = dict(batch_size=1)
synthetic_dataloader = dict(batch_size=1)
synthetic_renderer = dict(hand=dict(type='MANO', side='right', tip_preset='dsf'), turn=True)

# Nothing to score: look at pictures.
val_cfg = val_dataloader = val_evaluator = None
test_cfg = test_dataloader = test_evaluator = None

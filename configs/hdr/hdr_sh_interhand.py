# The paper's gain tables: SHPE trained on single-hand frames only (hdr_shpe_interhand.py), put behind
# the first two stages as it is. For testing; training goes on with single hands through the pipeline.
_base_ = ['./hdr_interhand.py']

train_dataloader = dict(dataset=dict(subset=dict(hand_type='single')))

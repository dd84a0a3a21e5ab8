# SHPE on single-hand and interacting frames (IH26M-ALL), one hand of a picture at a time.
_base_ = ['./hdr_shpe_interhand.py']

train_dataloader = dict(dataset=dict(subset=dict(hand_type='all')))

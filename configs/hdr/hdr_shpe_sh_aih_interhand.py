# SHPE on single-hand frames and composites of them (IH26M-SH + AIH of the paper's tables). AIH has no
# joints, and its numbered files do not say which frames of InterHand2.6M they show; so half of the
# frames get another single hand pasted over theirs by AIH_syn's rules as they are loaded, and keep
# their joints. AIH_render, which shows rendered hands, has no part in it. The share and the bounds of
# the overlap are ours: the authors' are not known.
#
# The frames need masks: tools/dataset_converters/interhand_masks.py (synthetic sets come with them).
_base_ = ['./hdr_shpe_interhand.py']

train_pipeline = _base_.train_pipeline
train_pipeline.insert(1, dict(type='LoadHandMasks'))
train_pipeline[6].mask_mode = 'linear'
# Picture, masks, hand, box; then the warp.
donor_pipeline = [*train_pipeline[:4], train_pipeline[6]]
# Behind the warp; the jitter after it is one gain for both hands, as in AIH.
train_pipeline.insert(7, dict(type='PasteDistractorHand', donor_pipeline=donor_pipeline, prob=0.5))
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))

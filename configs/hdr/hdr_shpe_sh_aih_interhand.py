# SHPE on single-hand frames and composites of them (IH26M-SH + AIH of the paper's tables). AIH has no
# joints, and its numbered files do not say which frames of InterHand2.6M they show; so half of the
# frames get another single hand pasted over theirs by AIH_syn's rules as they are loaded, and keep
# their joints. AIH_render, which shows rendered hands, has no part in it. The share and the bounds of
# the overlap are ours: the authors' are not known.
#
# The frames need masks: tools/dataset_converters/interhand_masks.py (synthetic sets come with them).
_base_ = ['./hdr_shpe_interhand.py']

masks = dict(type='LoadHandMasks')
grey = dict(mask_mode='linear')
# Picture, masks, hand, box; then the warp.
steps = _base_.train_pipeline
donor_pipeline = dict(
    load=steps.load, masks=masks, hand=steps.hand, box=steps.box, warp=dict(steps.warp, **grey)
)
train_pipeline = dict(
    masks=dict(_before_='hand', **masks),
    warp=grey,
    # Behind the warp; the jitter after it is one gain for both hands, as in AIH.
    paste=dict(
        _before_='color', type='PasteDistractorHand', donor_pipeline=donor_pipeline, prob=0.5
    ),
)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))

# SHPE on single-hand frames and composites of them (IH26M-SH + AIH of the paper's tables). AIH has no
# joints, and its numbered files do not say which frames of InterHand2.6M they show; so half of the
# frames get another single hand pasted over theirs by AIH_syn's rules as they are loaded, and keep
# their joints. AIH_render, which shows rendered hands, has no part in it. The share and the bounds of
# the overlap are ours: the authors' are not known.
#
# The frames need masks: tools/dataset_converters/interhand_masks.py (synthetic sets come with them).
_base_ = ['./hdr_shpe_interhand.py']

crop_size = 256
donor_pipeline = [
    dict(type='LoadHandImage'),
    dict(type='LoadHandMasks'),
    dict(type='SelectHand', side='random'),
    dict(type='HandBBoxCrop', scale=2.0),
    dict(type='HandTopdownAffine', input_size=crop_size, mask_mode='linear'),
]
train_pipeline = [
    dict(type='LoadHandImage'),
    dict(type='LoadHandMasks'),
    dict(type='SelectHand', side='random'),
    dict(type='HandBBoxCrop', scale=2.0),
    dict(
        type='RandomHandAffine',
        shift=0.15,
        scale=0.25,
        rotate=45.0,
        rotate_prob=0.6,
        flip_prob=0.0,
    ),
    dict(type='MirrorLeftHand'),
    dict(type='HandTopdownAffine', input_size=crop_size, mask_mode='linear'),
    dict(type='PasteDistractorHand', donor_pipeline=donor_pipeline, prob=0.5),
    # One gain for both hands, as in AIH.
    dict(type='HandColorJitter', gain=(0.8, 1.2)),
    dict(type='PackHandInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))

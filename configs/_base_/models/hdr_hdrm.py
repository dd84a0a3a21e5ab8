# HDRM to be trained. Loss weights: methods/hdr.md#training-the-generator; the authors' are not known.
_base_ = ['./hdr_networks.py']

model = dict(
    **_base_.hdr_networks.remover,
    data_preprocessor=dict(type='mmhand.DeocclusionDataPreprocessor'),
    inpainting_loss=dict(
        type='InpaintingLoss',
        weights=dict(
            hole_deocclusion=6.0,
            hole_removal=6.0,
            valid=1.0,
            prc_deocclusion=0.1,
            prc_removal=0.1,
            style_deocclusion=250.0,
            style_removal=250.0,
            tv=0.1,
        ),
    ),
    adversarial_loss=dict(type='AdversarialLoss', loss_weight=0.1),
)

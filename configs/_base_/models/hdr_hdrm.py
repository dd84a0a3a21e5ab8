# HDRM as released: partial-convolution U-Net with PVT-v2 blocks and its discriminator
# (methods/hdr.md#generator). Loss weights: methods/hdr.md#training-the-generator;
# the authors' are not known.
model = dict(
    type='HandDeocclusionRemover',
    data_preprocessor=dict(type='mmhand.DeocclusionDataPreprocessor'),
    generator=dict(type='PConvUNet'),
    discriminator=dict(type='SNPatchDiscriminator'),
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
    dilation=9,
)

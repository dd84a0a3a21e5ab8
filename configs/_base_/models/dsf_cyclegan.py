# CycleGAN between rendered and sensor depth that must not move the hand.
generator = dict(type='ResNetGenerator')
model = dict(
    type='ConsisCycleGAN',
    generator=generator,
    backward_generator=generator,
    discriminator=dict(type='PatchDiscriminator'),
)

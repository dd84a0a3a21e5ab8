# CycleGAN between rendered and sensor depth that must not move the hand.
generator = dict(type='ResNetGenerator')
model = dict(
    type='ConsisCycleGAN',
    generator=generator,
    backward_generator=generator,
    discriminator=dict(type='PatchDiscriminator'),
)
# Several processes: every network has an optimiser of its own, so each is wrapped by itself, and
# checkpoints of such a training name weights "generator.module.*".
model_wrapper_cfg = dict(type='MMSeparateDistributedDataParallel')

# The same with a trunk that does not learn: docs/en/real_pictures.md.
_base_ = ['./handoccnet_blaze_cpu_wide.py']

model = dict(backbone=dict(frozen=True), mano_head=dict(start_still=True))
optim_wrapper = dict(
    paramwise_cfg=dict(
        custom_keys={
            # Attention without norms: at the full rate every place soon sees one other alone.
            'injector': dict(lr_mult=0.25),
            # Its outputs are summed over the map's 256 places.
            'encode_key2': dict(lr_mult=0.004),
        }
    ),
)

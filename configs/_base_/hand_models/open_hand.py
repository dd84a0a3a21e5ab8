# The hand embedded in mmhand: no file, no licence to sign.
hand_model = dict(type='OpenHand', side='right')

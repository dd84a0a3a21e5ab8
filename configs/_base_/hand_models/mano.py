# MANO from the user's licensed files; the folder comes from the environment MMHAND_MANO_ROOT.
hand_model = dict(type='MANO', side='right', tip_preset='manopth')

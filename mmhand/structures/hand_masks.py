"""Names and order of the four hand masks of an image."""

#: Planes of ``gt_sem_seg`` and ``pred_sem_seg``, right first as everywhere in mmhand. *Amodal* is the
#: whole hand, hidden parts included; *visible* is what can be seen of it.
HAND_MASK_PLANES = ('right_amodal', 'right_visible', 'left_amodal', 'left_visible')

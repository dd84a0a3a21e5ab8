"""Parts of ``tools/misc/build_open_hand.py``; needed only to rebuild the embedded hand."""

"""Camera models: pinhole, weak perspective, crops."""

"""Model backbones."""

"""Encoders and decoders between annotations and network targets that mmpose does not have."""

"""Model discriminators."""

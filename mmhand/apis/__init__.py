"""Build models and run them on pictures."""

"""Model generators."""

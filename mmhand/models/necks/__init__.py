"""Model necks."""

"""Model estimators."""

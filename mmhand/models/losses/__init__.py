"""Model losses."""

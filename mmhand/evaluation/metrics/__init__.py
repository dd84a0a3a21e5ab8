"""mmengine metrics."""

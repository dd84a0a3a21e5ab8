"""A torch rasteriser and what is drawn with it."""

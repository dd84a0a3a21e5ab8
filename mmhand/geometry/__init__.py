"""Geometry of point sets and meshes."""

"""Synthetic hand scenes in the layouts of real benchmarks."""

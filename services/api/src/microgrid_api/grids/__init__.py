"""Grids, and how they stand."""

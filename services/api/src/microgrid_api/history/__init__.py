"""The past of grids: as curves for charts, and as files."""

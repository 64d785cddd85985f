"""The live data of grids: the feed that follows the log, and what each client is sent."""

"""The whole monitor in one process tree, for an edge box: composition only, no logic of its own."""

"""The ports in memory: they keep state, pass the contract suites, and fail when they are told to."""

"""What is the same about every request: limits, errors, headers, keys."""

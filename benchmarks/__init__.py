"""Benchmarks: each compares in one run on one machine, and prints figures and ratios. See `make bench`."""

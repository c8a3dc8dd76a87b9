"""Counts, overlaps, tests and intervals, from average precision alone."""

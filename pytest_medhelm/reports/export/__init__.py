"""The results of a suite as tables for other programs."""

"""Benchmarks of one's own without programming: ``NAME.medhelm.yaml`` beside a table of questions and answers."""

"""Benchmarks of one's own without programming: ``NAME.medhelm.yaml`` beside a table of questions and answers.

It may use ``scoring`` and below, and of the plugin what a Python benchmark uses: fixtures and collection.
"""

"""Intervals (``intervals``, ``wilson``), limits, paired differences, win rates, quantiles and label metrics.

Plain functions of numbers, each with its source: they use nothing else of ``results``.
"""

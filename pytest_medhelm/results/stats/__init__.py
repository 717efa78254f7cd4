"""Intervals (``intervals``, ``wilson``), limits, paired differences, win rates, quantiles and label metrics, each with its source.

Plain functions of numbers: they use nothing else of ``results``.
"""

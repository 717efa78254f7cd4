"""Cells, one for each benchmark and model, and what is computed of them: values, intervals, win rate, juries, costs.

It may use ``agreement``, ``store`` and ``stats``.
"""

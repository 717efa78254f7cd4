"""The results of a suite as tables for other programs, and the aggregate that may leave the organisation.

It may use ``reports.html`` for its one page, and ``results``.
"""

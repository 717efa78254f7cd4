"""medhelm serve: the pages of a suite over HTTP, from its databases, while a run adds to them.

It only reads, and may use ``reports.html`` and ``results``.
"""

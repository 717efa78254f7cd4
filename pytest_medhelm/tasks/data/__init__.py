"""Reading, checking, sampling and fetching the files of a benchmark, one module a format.

It may use ``util``, and of ``tasks`` what an instance is.
"""

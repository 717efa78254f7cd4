"""From a response to a record: how an answer is read, metrics, the jury, and what shapes a score (the fingerprint).

It may use ``models``, ``tasks`` and ``util``; it computes one instance at a time and knows no suite.
"""

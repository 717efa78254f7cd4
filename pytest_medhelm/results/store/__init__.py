"""suite.sqlite, the manifest, ratings of clinicians, merging shards and computing scores again.

It may use ``stats``.
"""

"""Requests on their way: their key, the queue of an endpoint, retries (``retrying``), the budget, and responses.sqlite.

It may use what ``models`` says of an endpoint; a test waits here and nowhere else.
"""

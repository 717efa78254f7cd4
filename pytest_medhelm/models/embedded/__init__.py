"""The small language model that needs no server: its weights, checked by SHA-256, and the process that runs it.

It may use ``util`` alone.
"""

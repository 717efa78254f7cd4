"""Who evaluated what and when, in a chain of lines of which none can be changed unseen.

It may use the rest of ``gates`` and what lies below it.
"""

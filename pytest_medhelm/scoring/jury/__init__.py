"""Judges: how they are asked, how a reply becomes a verdict, harm, and answers that try to steer them.

It may use the rest of ``scoring`` and what lies below it.
"""

"""The commands of medhelm: a module each, with a function ``run`` that returns the exit status.

It stands above all rooms and may use every one of them.
"""

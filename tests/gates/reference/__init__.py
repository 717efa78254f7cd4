"""Verdicts of gates computed a second time: from the papers and docs/gates.md, with scipy and plain loops.

Nothing here imports the package but the names of statuses that count as missing.
"""

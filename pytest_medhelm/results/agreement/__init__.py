"""How far raters agree, clinicians and judges among them, and what that says of a jury.

It may use ``store`` and ``stats``.
"""

"""Small helpers that know nothing of evaluation: errors, settings, files, locks, escaping, SQLite, the config file.

They use the standard library and each other, and every room may use them.
"""

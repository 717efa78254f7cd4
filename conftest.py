"""Hooks for runs from this checkout: none are needed. What a project may put here is in pytest_medhelm/hookspecs.py."""

"""Rules that decide a promotion: their language, the gate file, the verdict, and what a suite comes to.

It may use ``results`` and below; ``judge`` is where the exit status begins, ``plugin.verdicts`` where pytest gets it.
"""

"""Gates: rules that decide a promotion.

``rule`` is the language, ``gate_file`` the file of rules and of the evaluation set that was agreed on, ``measure`` and
``against`` read the number that a rule is about, ``judge`` gives the verdicts.
"""

"""Two suites compared, and many followed over time.

It may use all of ``results`` but the import of HELM's runs.
"""

"""Runs that HELM wrote, brought into a suite and marked as such.

It may use all of ``results`` but the analysis.
"""

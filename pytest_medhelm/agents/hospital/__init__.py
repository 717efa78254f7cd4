"""The embedded hospital: a subset of FHIR R4 in memory, one shared population and a small state for each episode.

It uses ``util`` alone, so that it can be served, embedded and tested without a model.
"""

"""Which models there are and how they are asked: names, endpoints, prices, baselines, human answers, the engine.

It may use ``tasks`` and ``util``; nothing here knows what a score is.
"""

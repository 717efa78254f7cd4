"""The pages that open from disk: the leaderboard, the instance browser, comparison, trend.

It may use ``results`` and below, and of ``reports`` what words and files share.
"""

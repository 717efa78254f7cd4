"""From records to numbers: the suite on disk, statistics, agreement, the leaderboard, comparison and trend.

It may use ``scoring`` and below; inside, analysis and helm_import > leaderboard > agreement > store > stats.
"""

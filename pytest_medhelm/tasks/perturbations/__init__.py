"""Ways of asking an instance in other words, one file a family: pure functions of an instance and a seed.

They use tasks/ below them; which ones a benchmark allows is declared in its Task.
"""

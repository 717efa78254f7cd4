"""What is written of a leaderboard and its verdicts: pages, tables, terminal, Markdown, JSON, model card.

It may use ``gates`` and below, and computes nothing that another report would compute differently.
"""

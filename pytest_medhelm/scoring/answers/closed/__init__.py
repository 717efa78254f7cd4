"""Closed answers: which option of a multiple-choice question a text chooses.

A text is cut where another turn begins (cut), its mentions of options become symbols (options), statements about
them are found clause by clause (statements), and the last settled one counts (settle).
"""

"""Agents: models that work in several steps, by calling tools, in an environment whose state is looked at afterwards.

It holds the tool table, the protocols, the loop of an episode and the embedded hospital; it uses models and below.
"""

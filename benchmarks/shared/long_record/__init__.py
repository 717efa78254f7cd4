"""Invented patient records of any length with facts planted at known depths, and tasks about them.

``plan`` says what a record holds without building it, ``documents`` and ``build`` write its text, ``facts`` are what is
planted, ``questions`` asks about them, and ``checks`` reads a summary by rules.
"""

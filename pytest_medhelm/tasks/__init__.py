"""What a benchmark declares and what is read from its files: Task, Instance, prompts, rubrics, the catalogue.

It may use ``util`` alone.
"""

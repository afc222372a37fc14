"""What is trained: networks, their checks and their first weights, and the code of a person's own.

Imports `models` and the rooms of `tasks` below; the node `tasks/model.py` uses it.
"""

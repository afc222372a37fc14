"""What is in a prepared dataset, and what in it would make an answer wrong.

Imports `tasks.data` and what is below it.
"""

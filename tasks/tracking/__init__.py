"""The record of a run: its directory and lock, the outbox, and MLflow, which one file alone imports.

Imports `tasks.data`, whose prepared sets a run names as its input, and what lies below it.
"""

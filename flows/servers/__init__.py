"""The Prefect and MLflow servers that commands start, who reaches them, and what is deployed to them.

Imports the rooms of `tasks`; it knows no flow.
"""

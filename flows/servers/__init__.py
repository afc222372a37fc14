"""The Prefect and MLflow servers that commands start, a model that is served, who reaches them, what is deployed.

Imports the rooms of `tasks`; it knows no flow.
"""
